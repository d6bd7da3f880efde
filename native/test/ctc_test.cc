#include <algorithm>

#include "kernels.h"

namespace keratin::test {
namespace {

struct Sample {
  std::vector<std::vector<double>> log_probs;  // of each step that counts
  std::vector<int> labels;
};

// Blanks and repetitions taken out.
std::vector<int> Collapsed(const std::vector<int>& path, int blank) {
  std::vector<int> labels;
  for (size_t t = 0; t < path.size(); t++) {
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) {
      labels.push_back(path[t]);
    }
  }
  return labels;
}

// body(path, its logarithm of probability) for every path over the classes.
template <class Body>
void ForEachPath(const Sample& sample, int classes, const Body& body) {
  const size_t steps = sample.log_probs.size();
  std::vector<int> path(steps, 0);
  for (;;) {
    double sum = 0;
    for (size_t t = 0; t < steps; t++) sum += sample.log_probs[t][path[t]];
    body(path, sum);
    size_t t = 0;
    while (t < steps && ++path[t] == classes) path[t++] = 0;
    if (t == steps) return;
  }
}

// The probability of the labels, and its derivative by each log-probability,
// over all paths.
double Probability(const Sample& sample, int classes, int blank,
                   std::vector<std::vector<double>>* shares) {
  double total = 0;
  shares->assign(sample.log_probs.size(), std::vector<double>(classes, 0));
  ForEachPath(sample, classes, [&](const std::vector<int>& path, double log) {
    if (Collapsed(path, blank) != sample.labels) return;
    const double p = std::exp(log);
    total += p;
    for (size_t t = 0; t < path.size(); t++) (*shares)[t][path[t]] += p;
  });
  return total;
}

// Normalised along the last axis.
Array LogProbs(DType dtype, const Shape& shape) {
  Array x = std::move(Array(dtype, shape).Fill(31));
  const int64_t classes = shape[2];
  for (int64_t i = 0; i < x.size(); i += classes) {
    double sum = 0;
    for (int64_t k = 0; k < classes; k++) sum += std::exp(2 * x[i + k]);
    for (int64_t k = 0; k < classes; k++) x.Set(i + k, 2 * x[i + k] - std::log(sum));
  }
  return x;
}

Array Integers(const Shape& shape, const std::vector<int32_t>& values) {
  Array x(DType::kInt32, shape);
  for (int64_t i = 0; i < x.size(); i++) x.SetInteger(i, values[static_cast<size_t>(i)]);
  return x;
}

constexpr int kBatch = 7, kSteps = 6, kClasses = 3, kLength = 3;
// Labels with repetitions, none at all, as many as the steps, too many for
// them, and no step.
const std::vector<int32_t> kLabels = {0, 1, 0, 1, 1, 0, 2, 2, 2, 1, 0, 1,
                                      0, 0, 0, 1, 0, 2, 0, 1, 2};
const std::vector<int32_t> kLengths = {3, 2, 0, 3, 3, 1, 0};
const std::vector<int32_t> kGiven = {6, 6, 4, 3, 4, 5, 0};

// With the blank among the classes; labels of that class never occur alone.
Sample SampleOf(const Array& log_probs, int64_t b, int blank) {
  Sample sample;
  for (int64_t t = 0; t < kGiven[b]; t++) {
    std::vector<double> row;
    for (int64_t k = 0; k < kClasses; k++) {
      row.push_back(log_probs[(b * kSteps + t) * kClasses + k]);
    }
    sample.log_probs.push_back(row);
  }
  for (int i = 0; i < kLengths[b]; i++) {
    const int label = kLabels[b * kLength + i];
    sample.labels.push_back(label == blank ? 1 : label);
  }
  return sample;
}

TEST(ctc_loss_over_paths) {
  for (DType dtype : kWideTypes) {
    for (int blank : {0, 2}) {
      const Array log_probs = LogProbs(dtype, {kBatch, kSteps, kClasses});
      std::vector<int32_t> given = kLabels;
      for (int32_t& label : given) label = label == blank ? 1 : label;
      const Array labels = Integers({kBatch, kLength}, given);
      const Array lengths = Integers({kBatch}, kLengths);
      const Array steps = Integers({kBatch}, kGiven);
      const Array dloss = std::move(Array(dtype, {kBatch}).Fill(32));
      std::vector<double> loss, grad;
      for (int64_t b = 0; b < kBatch; b++) {
        std::vector<std::vector<double>> shares;
        const double p =
            Probability(SampleOf(log_probs, b, blank), kClasses, blank, &shares);
        loss.push_back(-std::log(p));
        for (size_t t = 0; t < kSteps; t++) {
          for (size_t k = 0; k < kClasses; k++) {
            const bool none = p == 0 || t >= shares.size();
            grad.push_back(none ? 0 : -shares[t][k] / p * dloss[b]);
          }
        }
      }
      const double eps = 8 * Epsilon(dtype);
      ForEachIsaAndThreads("ctc_loss", {&log_probs, &labels, &lengths, &steps},
                           dtype, {kBatch}, Words().Int(blank),
                           [&](Isa isa, const Array& out) {
                             CheckNear("ctc_loss", isa, out, loss, [&](int64_t i) {
                               return eps * (1 + std::fabs(loss[i]));
                             });
                           });
      ForEachIsaAndThreads(
          "ctc_loss_backward", {&log_probs, &labels, &lengths, &steps, &dloss},
          dtype, log_probs.shape(), Words().Int(blank),
          [&](Isa isa, const Array& out) {
            CheckNear("ctc_loss_backward", isa, out, grad, [&](int64_t i) {
              // Shares are exponentials of sums about as large as the loss.
              const double size = loss[i / (kSteps * kClasses)];
              return eps * (1 + (std::isinf(size) ? 0 : size));
            });
          });
    }
  }
}

// Lengths, steps and labels beyond the tensors, and probabilities of nothing.
TEST(ctc_hostile) {
  for (DType dtype : kWideTypes) {
    Array log_probs = LogProbs(dtype, {6, 4, 3});
    for (int64_t i = 0; i < 12; i++) {
      log_probs.Set(12 + i, -INFINITY);
      log_probs.Set(24 + i, NAN);
      if (i % 2) log_probs.Set(36 + i, INFINITY);
    }
    const Array labels = Integers(
        {6, 2}, {1, 2, 1, 1, 0, 1, 2, 1, 3, -1, INT32_MAX, INT32_MIN});
    const Array lengths = Integers({6}, {INT32_MAX, 2, -5, INT32_MIN, 2, 2});
    const Array steps = Integers({6}, {INT32_MAX, 4, 4, -1, INT32_MIN, 99});
    const Array dloss = std::move(Array(dtype, {6}).Fill(33));
    ForEachIsaAndThreads("ctc_loss", {&log_probs, &labels, &lengths, &steps},
                         dtype, {6}, Words().Int(0), [](Isa, const Array& out) {
                           CHECK(std::isfinite(out[0]));  // all there are
                           CHECK(out[1] == INFINITY);
                           CHECK(std::isnan(out[2]));
                           CHECK(out[3] == 0);         // no label in no step
                           CHECK(out[4] == INFINITY);  // labels in no step
                           CHECK(out[5] == INFINITY);  // there are no such labels
                         });
    ForEachIsaAndThreads(
        "ctc_loss_backward", {&log_probs, &labels, &lengths, &steps, &dloss}, dtype,
        {6, 4, 3}, Words().Int(0), [](Isa, const Array& out) {
          for (int64_t i = 12; i < 24; i++) CHECK(out[i] == 0);
          for (int64_t i = 36; i < 72; i++) CHECK(out[i] == 0);
        });
    for (int width : {1, 4}) {
      ForEachIsaAndThreads(
          "ctc_beam_search", {&log_probs, &steps},
          {{DType::kInt32, {3, 6, 4}}, {dtype, {6, 3}}},
          Words().Int(0).Int(width).Int(3),
          [](Isa, const std::vector<Array>& out) {
            for (int64_t i = 0; i < out[0].size(); i++) {
              CHECK(out[0].Integer(i) >= -1 && out[0].Integer(i) < 3);
            }
            CHECK(out[1][3 * 3] == 0 && out[1][4 * 3] == 0);  // no step
            CHECK(out[1][3] == -INFINITY);                    // nothing is possible
          });
    }
  }
}

// A beam as wide as there are prefixes finds the probabilities of all labels.
TEST(ctc_beam_search_exhaustive) {
  constexpr int kPaths = 5;
  for (DType dtype : kWideTypes) {
    for (int blank : {0, 2}) {
      const Array log_probs = LogProbs(dtype, {kBatch, kSteps, kClasses});
      const Array steps = Integers({kBatch}, kGiven);
      ForEachIsaAndThreads(
          "ctc_beam_search", {&log_probs, &steps},
          {{DType::kInt32, {kPaths, kBatch, kSteps}}, {dtype, {kBatch, kPaths}}},
          Words().Int(blank).Int(300).Int(kPaths),
          [&](Isa isa, const std::vector<Array>& out) {
            for (int64_t b = 0; b < kBatch; b++) {
              std::vector<std::pair<double, std::vector<int>>> found;
              ForEachPath(SampleOf(log_probs, b, blank), kClasses,
                          [&](const std::vector<int>& path, double log) {
                const std::vector<int> labels = Collapsed(path, blank);
                size_t at = 0;
                while (at < found.size() && found[at].second != labels) at++;
                if (at == found.size()) found.push_back({0, labels});
                found[at].first += std::exp(log);
              });
              std::stable_sort(found.begin(), found.end(),
                               [](const auto& x, const auto& y) { return x.first > y.first; });
              for (size_t p = 0; p < kPaths; p++) {
                const double score = out[1][b * kPaths + static_cast<int64_t>(p)];
                if (p >= found.size()) {
                  CHECK(score == -INFINITY);
                  continue;
                }
                const double expected = std::log(found[p].first);
                if (std::fabs(score - expected) > 8 * Epsilon(dtype) * (1 + std::fabs(expected))) {
                  Fail(__FILE__, __LINE__, "beam search %s: %g, not %g", IsaName(isa),
                       score, expected);
                }
                for (size_t t = 0; t < kSteps; t++) {
                  const int64_t label = out[0].Integer(
                      (static_cast<int64_t>(p) * kBatch + b) * kSteps + static_cast<int64_t>(t));
                  const auto& labels = found[p].second;
                  CHECK(label == (t < labels.size() ? labels[t] : -1));
                }
              }
            }
          });
    }
  }
}

TEST(ctc_empty) {
  const DType dtype = DType::kFloat32;
  for (const Shape& shape : {Shape{0, 4, 3}, Shape{2, 0, 3}, Shape{2, 4, 3}}) {
    const int64_t batch = shape[0];
    const Array log_probs = LogProbs(dtype, shape);
    const Array labels(DType::kInt32, {batch, 0});
    const Array counts = Integers({batch}, {4, 4});
    const Array dloss = std::move(Array(dtype, {batch}).Fill(34));
    const auto nothing = [](Isa, const Array& out) {
      for (int64_t i = 0; i < out.size(); i++) CHECK(std::isfinite(out[i]));
    };
    ForEachIsaAndThreads("ctc_loss", {&log_probs, &labels, &counts, &counts}, dtype,
                         {batch}, Words().Int(0), nothing);
    ForEachIsaAndThreads("ctc_loss_backward",
                         {&log_probs, &labels, &counts, &counts, &dloss}, dtype, shape,
                         Words().Int(0), nothing);
    ForEachIsaAndThreads(
        "ctc_beam_search", {&log_probs, &counts},
        {{DType::kInt32, {1, batch, shape[1]}}, {dtype, {batch, 1}}},
        Words().Int(0).Int(2).Int(1), [](Isa, const std::vector<Array>&) {});
  }
}

}  // namespace
}  // namespace keratin::test
