// Connectionist temporal classification: the loss with its gradient, and the
// search for labels.
//
// Graves et al. 2006, Connectionist temporal classification: labelling
// unsegmented sequence data with recurrent neural networks. All probabilities
// are logarithms, in float64. Sample b has steps[b] steps and lengths[b] labels.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"

namespace keratin {
namespace portable {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double LogAdd(double a, double b) {
  const double top = a > b ? a : b;
  if (top == kNever || top != top) return a != a ? a : b != b ? b : kNever;
  return top + std::log1p(std::exp((a > b ? b : a) - top));
}

double At(const TensorView& x, int64_t i) {
  return x.dtype == DType::kFloat64
             ? x.as<const double>()[i]
             : static_cast<double>(x.as<const float>()[i]);
}

void Put(const TensorView& x, int64_t i, double value) {
  if (x.dtype == DType::kFloat64) {
    x.as<double>()[i] = value;
  } else {
    x.as<float>()[i] = static_cast<float>(value);
  }
}

// One sample: its labels with blanks before, between and behind.
class Lattice {
 public:
  // Steps and lengths beyond the tensors count as theirs, labels beyond the
  // classes never occur.
  Lattice(const KernelCall& call, int64_t blank, int64_t b)
      : log_probs_(call.inputs[0]), classes_(log_probs_.shape[2]) {
    const TensorView& labels = call.inputs[1];
    const auto within = [](int64_t n, int64_t most) {
      return n < 0 ? 0 : n > most ? most : n;
    };
    steps_ = within(call.inputs[3].as<const int32_t>()[b],
                    log_probs_.shape[1]);
    const int64_t length =
        within(call.inputs[2].as<const int32_t>()[b], labels.shape[1]);
    first_ = b * log_probs_.shape[1] * classes_;
    for (int64_t i = 0; i < length; i++) {
      states_.push_back(blank);
      states_.push_back(labels.as<const int32_t>()[b * labels.shape[1] + i]);
    }
    states_.push_back(blank);
  }

  int64_t steps() const { return steps_; }
  int64_t size() const { return static_cast<int64_t>(states_.size()); }
  int64_t label(int64_t s) const { return states_[static_cast<size_t>(s)]; }
  double LogProb(int64_t t, int64_t s) const {
    const int64_t k = label(s);
    if (k < 0 || k >= classes_) return kNever;
    return At(log_probs_, first_ + t * classes_ + k);
  }
  // Whether state s may follow state s - 2: the blank between may be left out.
  bool Skips(int64_t s) const {
    return s >= 2 && s % 2 == 1 && label(s) != label(s - 2);
  }

  // alpha[t][s]: of all ways to state s at step t.
  std::vector<double> Forward() const {
    std::vector<double> alpha(static_cast<size_t>(steps_ * size()), kNever);
    for (int64_t t = 0; t < steps_; t++) {
      for (int64_t s = 0; s < size(); s++) {
        double sum = t == 0 && s < 2 ? 0 : kNever;
        if (t > 0) {
          const double* before = &alpha[static_cast<size_t>((t - 1) * size())];
          sum = before[s];
          if (s >= 1) sum = LogAdd(sum, before[s - 1]);
          if (Skips(s)) sum = LogAdd(sum, before[s - 2]);
        }
        alpha[static_cast<size_t>(t * size() + s)] = sum + LogProb(t, s);
      }
    }
    return alpha;
  }

  // Of all ways that end in the last label or the blank behind it.
  double Total(const std::vector<double>& alpha) const {
    if (steps_ == 0) return size() == 1 ? 0 : kNever;
    const double* last = &alpha[static_cast<size_t>((steps_ - 1) * size())];
    const double end = last[size() - 1];
    return size() == 1 ? end : LogAdd(end, last[size() - 2]);
  }

  // beta[s] at step t, from that at step t + 1: of all ways on from state s.
  void StepBack(int64_t t, std::vector<double>* beta) const {
    if (t == steps_ - 1) {
      for (int64_t s = 0; s < size(); s++) {
        (*beta)[static_cast<size_t>(s)] = s >= size() - 2 ? 0 : kNever;
      }
      return;
    }
    // In place: state s needs the later ones as they are after step t.
    std::vector<double>& b = *beta;
    for (int64_t s = 0; s < size(); s++) {
      const size_t i = static_cast<size_t>(s);
      double sum = b[i] + LogProb(t + 1, s);
      if (s + 1 < size()) sum = LogAdd(sum, b[i + 1] + LogProb(t + 1, s + 1));
      if (s + 2 < size() && Skips(s + 2)) {
        sum = LogAdd(sum, b[i + 2] + LogProb(t + 1, s + 2));
      }
      b[i] = sum;
    }
  }

 private:
  const TensorView& log_probs_;
  int64_t classes_, steps_, first_;
  std::vector<int64_t> states_;
};

double NsPerSample(const TensorView& log_probs, const TensorView& labels) {
  return static_cast<double>(log_probs.shape[1] * (2 * labels.shape[1] + 1)) *
         60;
}

// log_probs [B, T, K], labels [B, L], lengths [B], steps [B] -> loss [B].
Status Loss(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  Attributes attributes = call.attributes();
  const int64_t blank = attributes.Int();
  ParallelFor(out.size, NsPerSample(call.inputs[0], call.inputs[1]), 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const Lattice lattice(call, blank, b);
      Put(out, b, -lattice.Total(lattice.Forward()));
    }
  });
  return 0;
}

// The same with dloss [B] -> [B, T, K]: less the probability of each label at
// each step, given the labels. Where there is no way it is 0.
Status LossBackward(const KernelCall& call) {
  const TensorView& log_probs = call.inputs[0];
  const TensorView& grad = call.inputs[4];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int64_t blank = attributes.Int();
  const int64_t classes = out.shape[2];
  const int64_t sample = out.shape[1] * classes;
  ParallelFor(out.shape[0], 2 * NsPerSample(log_probs, call.inputs[1]), 1,
              [&](int64_t begin, int64_t end) {
    std::vector<double> shares(static_cast<size_t>(classes));
    for (int64_t b = begin; b < end; b++) {
      const Lattice lattice(call, blank, b);
      const std::vector<double> alpha = lattice.Forward();
      const double total = lattice.Total(alpha);
      std::vector<double> beta(static_cast<size_t>(lattice.size()));
      for (int64_t i = 0; i < sample; i++) Put(out, b * sample + i, 0);
      if (total == kNever) continue;
      for (int64_t t = lattice.steps() - 1; t >= 0; t--) {
        lattice.StepBack(t, &beta);
        std::fill(shares.begin(), shares.end(), 0);
        for (int64_t s = 0; s < lattice.size(); s++) {
          const int64_t k = lattice.label(s);
          if (k < 0 || k >= classes) continue;
          shares[static_cast<size_t>(k)] += std::exp(
              alpha[static_cast<size_t>(t * lattice.size() + s)] +
              beta[static_cast<size_t>(s)] - total);
        }
        for (int64_t k = 0; k < classes; k++) {
          Put(out, b * sample + t * classes + k,
              -shares[static_cast<size_t>(k)] * At(grad, b));
        }
      }
    }
  });
  return 0;
}

// A prefix of labels, with the probabilities of the ways to it that end in a
// blank and in its last label.
struct Prefix {
  Prefix* parent;
  int32_t label;
  double blank = kNever, letter = kNever;
  double old_blank = kNever, old_letter = kNever;
  std::map<int32_t, std::unique_ptr<Prefix>> children;

  Prefix(Prefix* parent, int32_t label) : parent(parent), label(label) {}
  double total() const { return LogAdd(blank, letter); }
  double old_total() const { return LogAdd(old_blank, old_letter); }
  // Of this prefix continued by `next`: a repeated label needs a blank between.
  double Leads(int32_t next) const {
    return next == label ? old_blank : old_total();
  }
};

// Keeps the best `width` that are possible, best first; of equals the earlier.
void Prune(std::vector<Prefix*>* beam, size_t width) {
  beam->erase(std::remove_if(
                  beam->begin(), beam->end(),
                  [](const Prefix* p) { return p->total() == kNever; }),
              beam->end());
  std::stable_sort(beam->begin(), beam->end(),
                   [](const Prefix* a, const Prefix* b) {
                     return a->total() > b->total();
                   });
  while (beam->size() > width) {
    Prefix* dropped = beam->back();
    dropped->blank = dropped->letter = kNever;
    beam->pop_back();
  }
}

// The best prefixes after all steps of one sample.
std::vector<Prefix*> Search(const TensorView& log_probs, int64_t first,
                            int64_t steps, int64_t classes, int64_t blank,
                            size_t width, Prefix* root) {
  root->blank = 0;
  std::vector<Prefix*> beam{root};
  for (int64_t t = 0; t < steps; t++) {
    const auto log_prob = [&](int64_t k) {
      return At(log_probs, first + t * classes + k);
    };
    for (Prefix* p : beam) {
      p->old_blank = p->blank;
      p->old_letter = p->letter;
    }
    for (Prefix* p : beam) {
      p->blank = p->old_total() + log_prob(blank);
      if (p->parent == nullptr) continue;
      double letter = p->old_letter;
      if (p->parent->old_total() != kNever) {
        letter = LogAdd(letter, p->parent->Leads(p->label));
      }
      p->letter = letter + log_prob(p->label);
    }
    std::vector<Prefix*> grown = beam;
    for (Prefix* p : beam) {
      for (int32_t k = 0; k < classes; k++) {
        if (k == blank) continue;
        auto& child = p->children[k];
        if (child == nullptr) child = std::make_unique<Prefix>(p, k);
        if (child->old_total() != kNever) continue;  // in the beam itself
        child->blank = kNever;
        child->letter = p->Leads(k) + log_prob(k);
        grown.push_back(child.get());
      }
    }
    for (Prefix* p : beam) p->old_blank = p->old_letter = kNever;
    Prune(&grown, width);
    beam = std::move(grown);
  }
  return beam;
}

// log_probs [B, T, K], steps [B] -> labels [P, B, T], ended by -1, and the
// logarithm of each one's probability [B, P].
Status BeamSearch(const KernelCall& call) {
  const TensorView& log_probs = call.inputs[0];
  const TensorView& labels = call.outputs[0];
  const TensorView& scores = call.outputs[1];
  if (scores.size == 0) return 0;
  Attributes attributes = call.attributes();
  const int64_t blank = attributes.Int();
  const int64_t width = attributes.Int();
  const int64_t paths = attributes.Int();
  const int64_t batch = log_probs.shape[0];
  const int64_t length = log_probs.shape[1];
  const int64_t classes = log_probs.shape[2];
  ParallelFor(batch, static_cast<double>(length * width * classes) * 100, 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t given = call.inputs[1].as<const int32_t>()[b];
      const int64_t steps = given < 0 ? 0 : given > length ? length : given;
      Prefix root(nullptr, -1);
      const std::vector<Prefix*> beam =
          Search(log_probs, b * length * classes, steps, classes, blank,
                 static_cast<size_t>(width), &root);
      for (int64_t p = 0; p < paths; p++) {
        int32_t* row = labels.as<int32_t>() + (p * batch + b) * length;
        for (int64_t t = 0; t < length; t++) row[t] = -1;
        if (p >= static_cast<int64_t>(beam.size())) {
          Put(scores, b * paths + p, kNever);
          continue;
        }
        std::vector<int32_t> reversed;
        const Prefix* at = beam[static_cast<size_t>(p)];
        Put(scores, b * paths + p, at->total());
        for (; at->parent != nullptr; at = at->parent) {
          reversed.push_back(at->label);
        }
        std::copy(reversed.rbegin(), reversed.rend(), row);
      }
    }
  });
  return 0;
}

}  // namespace

void Register_ctc(Registry& registry) {
  constexpr DTypeMask kWide = Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("ctc_loss", Loss, kWide);
  registry.Add("ctc_loss_backward", LossBackward, kWide);
  registry.Add("ctc_beam_search", BeamSearch, kWide);
}

}  // namespace portable
}  // namespace keratin
