#include "kernels.h"

namespace keratin::test {
namespace {

enum class Kind { kLstm, kGruAfter, kGruBefore, kTanh, kRelu };

struct Case {
  Kind kind;
  int64_t batch, length, features, units;  // B T F U
  bool bias = true, mask = false, reverse = false, sequences = true;

  bool IsLstm() const { return kind == Kind::kLstm; }
  bool IsGru() const {
    return kind == Kind::kGruAfter || kind == Kind::kGruBefore;
  }
  int64_t columns() const { return units * (IsLstm() ? 4 : IsGru() ? 3 : 1); }
  int64_t width() const { return units * (IsLstm() || IsGru() ? 4 : 1); }
  Shape State() const { return {batch, units}; }
  Shape Each(int64_t last) const { return {batch, length, last}; }
  Shape Bias() const {
    if (kind == Kind::kGruAfter) return {2, columns()};
    return {columns()};
  }
  int64_t Time(int64_t step) const { return reverse ? length - 1 - step : step; }
  std::string name() const {
    return IsLstm()  ? "lstm_sequence"
           : IsGru() ? "gru_sequence"
                     : "simple_rnn_sequence";
  }
  Words words(bool keep) const {
    Words words;
    words.Int(reverse).Int(sequences).Int(keep).Int(bias).Int(mask);
    if (IsGru()) words.Int(kind == Kind::kGruAfter);
    if (kind == Kind::kTanh || kind == Kind::kRelu) {
      words.Int(kind == Kind::kRelu);
    }
    return words;
  }
  std::string text() const {
    return name() + " " + std::to_string(static_cast<int>(kind)) + " x " +
           TextOf(Each(features)) + " units " + std::to_string(units) +
           (bias ? " bias" : "") + (mask ? " mask" : "") +
           (reverse ? " reverse" : "") + (sequences ? " sequences" : "");
  }
};

struct Operands {
  Operands(const Case& c, DType dtype)
      : x(std::move(Array(dtype, c.Each(c.features)).Fill(1))),
        kernel(std::move(Array(dtype, {c.features, c.columns()}).Fill(2))),
        recurrent(std::move(Array(dtype, {c.units, c.columns()}).Fill(3))),
        h(std::move(Array(dtype, c.State()).Fill(4))),
        c(std::move(Array(dtype, c.State()).Fill(5))),
        bias(std::move(Array(dtype, c.Bias()).Fill(6))),
        mask(DType::kBool, {c.batch, c.length}),
        dh(std::move(Array(dtype, c.State()).Fill(7))),
        dc(std::move(Array(dtype, c.State()).Fill(8))),
        dy(std::move(Array(dtype, c.Each(c.units)).Fill(9))) {
    // Sums of many terms would only saturate the gates.
    Shrink(&kernel, c.features);
    Shrink(&recurrent, c.units);
    // Of the first sample every step is left out.
    for (int64_t i = 0; i < mask.size(); i++) {
      mask.SetInteger(i, i >= c.length && (i * 7 + i / c.length) % 3 != 0);
    }
  }
  static void Shrink(Array* array, int64_t terms) {
    const double factor = 1 / std::sqrt(static_cast<double>(terms + 1));
    for (int64_t i = 0; i < array->size(); i++) {
      array->Set(i, (*array)[i] * factor);
    }
  }
  std::vector<const Array*> Inputs(const Case& c) const {
    std::vector<const Array*> inputs{&x, &kernel, &recurrent, &h};
    if (c.IsLstm()) inputs.push_back(&this->c);
    if (c.bias) inputs.push_back(&bias);
    if (c.mask) inputs.push_back(&mask);
    return inputs;
  }
  Array x, kernel, recurrent, h, c, bias, mask, dh, dc, dy;
};

using Values = std::vector<double>;

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// In float64, sample by sample.
struct Reference {
  Values h, c, y, before, gates, cells;
  Values dprojected, dkernel, drecurrent, dh, dc, dbias, dcandidate;

  Reference(const Case& k, const Operands& o)
      : h(SizeOf(k.State())),
        c(h.size()),
        y(SizeOf(k.Each(k.units))),
        before(y.size()),
        gates(SizeOf(k.Each(k.width()))),
        cells(y.size()),
        dprojected(SizeOf(k.Each(k.columns()))),
        dkernel(o.kernel.size()),
        drecurrent(o.recurrent.size()),
        dh(h.size()),
        dc(h.size()),
        dbias(o.bias.size()),
        dcandidate(y.size()) {
    for (int64_t b = 0; b < k.batch; b++) {
      Forward(k, o, b);
      Backward(k, o, b);
    }
  }

  // The product of a state with column `j` of the recurrent kernel.
  static double Product(const Case& k, const Operands& o, const double* state,
                        int64_t j) {
    double sum = 0;
    for (int64_t i = 0; i < k.units; i++) {
      sum += state[i] * o.recurrent[i * k.columns() + j];
    }
    return sum;
  }

  static bool IsMasked(const Case& k, const Operands& o, int64_t b, int64_t t) {
    return k.mask && o.mask[b * k.length + t] == 0;
  }

  void Forward(const Case& k, const Operands& o, int64_t b) {
    const int64_t u = k.units;
    const int64_t n = k.columns();
    Values state(u), cell(u), out(u, 0.0);
    for (int64_t i = 0; i < u; i++) {
      state[i] = o.h[b * u + i];
      cell[i] = o.c[b * u + i];
    }
    for (int64_t s = 0; s < k.length; s++) {
      const int64_t row = b * k.length + k.Time(s);
      const auto gate = [&](int64_t column) -> double& {
        return gates[row * k.width() + column];
      };
      Values sums(n);
      for (int64_t j = 0; j < n; j++) {
        sums[j] = k.bias ? o.bias[j] : 0;
        for (int64_t i = 0; i < k.features; i++) {
          sums[j] += o.x[row * k.features + i] * o.kernel[i * n + j];
        }
      }
      std::copy(state.begin(), state.end(), before.begin() + row * u);
      Values next(u), next_cell = cell, reset(u);
      for (int64_t i = 0; k.IsGru() && i < u; i++) {
        const auto sum = [&](int64_t j) {
          const bool has_second = k.bias && k.kind == Kind::kGruAfter;
          return sums[j] + Product(k, o, state.data(), j) +
                 (has_second ? o.bias[n + j] : 0);
        };
        gate(i) = Sigmoid(sum(i));
        gate(u + i) = Sigmoid(sum(u + i));
        reset[i] = gate(u + i) * state[i];
      }
      for (int64_t i = 0; i < u; i++) {
        const auto sum = [&](int64_t j) {
          return sums[j] + Product(k, o, state.data(), j);
        };
        if (k.IsLstm()) {
          gate(i) = Sigmoid(sum(i));
          gate(u + i) = Sigmoid(sum(u + i));
          gate(2 * u + i) = std::tanh(sum(2 * u + i));
          gate(3 * u + i) = Sigmoid(sum(3 * u + i));
          next_cell[i] = gate(u + i) * cell[i] + gate(i) * gate(2 * u + i);
          next[i] = gate(3 * u + i) * std::tanh(next_cell[i]);
        } else if (k.IsGru()) {
          const int64_t j = 2 * u + i;
          if (k.kind == Kind::kGruAfter) {
            gate(3 * u + i) = Product(k, o, state.data(), j) +
                              (k.bias ? o.bias[n + j] : 0);
            gate(j) = std::tanh(sums[j] + gate(u + i) * gate(3 * u + i));
          } else {
            gate(3 * u + i) = reset[i];
            gate(j) = std::tanh(sums[j] + Product(k, o, reset.data(), j));
          }
          next[i] = gate(i) * state[i] + (1 - gate(i)) * gate(j);
        } else {
          gate(i) = k.kind == Kind::kRelu ? std::max(sum(i), 0.0)
                                          : std::tanh(sum(i));
          next[i] = gate(i);
        }
      }
      if (!IsMasked(k, o, b, k.Time(s))) {
        state = out = next;
        cell = next_cell;
      }
      std::copy(cell.begin(), cell.end(), cells.begin() + row * u);
      std::copy(out.begin(), out.end(), y.begin() + (b * k.length + s) * u);
    }
    std::copy(state.begin(), state.end(), h.begin() + b * u);
    std::copy(cell.begin(), cell.end(), c.begin() + b * u);
  }

  void Backward(const Case& k, const Operands& o, int64_t b) {
    const int64_t u = k.units;
    const int64_t n = k.columns();
    Values ds(u), dcell(u), repeated(u, 0.0);
    for (int64_t i = 0; i < u; i++) {
      ds[i] = o.dh[b * u + i];
      dcell[i] = o.dc[b * u + i];
    }
    for (int64_t s = k.length - 1; s >= 0; s--) {
      const int64_t row = b * k.length + k.Time(s);
      for (int64_t i = 0; k.sequences && i < u; i++) {
        repeated[i] += o.dy[(b * k.length + s) * u + i];
      }
      if (IsMasked(k, o, b, k.Time(s))) continue;
      const auto gate = [&](int64_t column) {
        return gates[row * k.width() + column];
      };
      const double* const state = before.data() + row * u;
      double* const d = dprojected.data() + row * n;
      // Of the products with the recurrent kernel.
      Values inner(n), next(u, 0.0);
      for (int64_t i = 0; i < u; i++) {
        const double g = ds[i] + repeated[i];
        repeated[i] = 0;
        if (k.IsLstm()) {
          const double in = gate(i), f = gate(u + i), a = gate(2 * u + i),
                       out = gate(3 * u + i);
          const double t = std::tanh(cells[row * u + i]);
          const double old =
              s == 0 ? o.c[b * u + i]
                     : cells[(b * k.length + k.Time(s - 1)) * u + i];
          const double both = dcell[i] + g * out * (1 - t * t);
          d[i] = both * a * in * (1 - in);
          d[u + i] = both * old * f * (1 - f);
          d[2 * u + i] = both * in * (1 - a * a);
          d[3 * u + i] = g * t * out * (1 - out);
          dcell[i] = both * f;
        } else if (k.IsGru()) {
          const double z = gate(i), a = gate(2 * u + i);
          d[i] = g * (state[i] - a) * z * (1 - z);
          d[2 * u + i] = g * (1 - z) * (1 - a * a);
          next[i] = g * z;
        } else {
          const double a = gate(i);
          d[i] = k.kind == Kind::kRelu ? (a > 0 ? g : 0) : g * (1 - a * a);
        }
      }
      for (int64_t i = 0; k.IsGru() && i < u; i++) {
        const double r = gate(u + i);
        double dr;  // of r
        if (k.kind == Kind::kGruAfter) {
          dr = d[2 * u + i] * gate(3 * u + i);
          dcandidate[row * u + i] = d[2 * u + i] * r;
        } else {
          double dreset = 0;
          for (int64_t j = 0; j < u; j++) {
            dreset += d[2 * u + j] * o.recurrent[i * n + 2 * u + j];
          }
          dr = dreset * state[i];
          next[i] += dreset * r;
        }
        d[u + i] = dr * r * (1 - r);
      }
      std::copy(d, d + n, inner.begin());
      for (int64_t i = 0; k.kind == Kind::kGruAfter && i < u; i++) {
        inner[2 * u + i] = dcandidate[row * u + i];
      }
      for (int64_t i = 0; i < u; i++) {
        for (int64_t j = 0; j < n; j++) {
          const bool of_reset = k.kind == Kind::kGruBefore && j >= 2 * u;
          const double left = of_reset ? gate(3 * u + i) : state[i];
          drecurrent[i * n + j] += left * inner[j];
          if (!of_reset) next[i] += inner[j] * o.recurrent[i * n + j];
        }
      }
      for (int64_t j = 0; j < n; j++) {
        for (int64_t i = 0; i < k.features; i++) {
          dkernel[i * n + j] += o.x[row * k.features + i] * d[j];
        }
        dbias[j] += d[j];
        if (k.kind == Kind::kGruAfter) dbias[n + j] += inner[j];
      }
      ds = next;
    }
    std::copy(ds.begin(), ds.end(), dh.begin() + b * u);
    std::copy(dcell.begin(), dcell.end(), dc.begin() + b * u);
  }
};

// What a kernel gives, by its shape.
struct Output {
  const char* what;
  Shape shape;
  const Values* expected;
};

std::vector<Spec> SpecsOf(DType dtype, const std::vector<Output>& outputs) {
  std::vector<Spec> specs;
  for (const Output& output : outputs) specs.push_back({dtype, output.shape});
  return specs;
}

void CheckOutputs(const Case& k, Isa isa, double limit,
                  const std::vector<Output>& outputs,
                  const std::vector<Array>& found) {
  for (size_t i = 0; i < outputs.size(); i++) {
    const Values& expected = *outputs[i].expected;
    // Terms cancel: errors are relative to the largest element.
    double largest = 1;
    for (double x : expected) largest = std::max(largest, std::fabs(x));
    CheckNear(outputs[i].what + (" of " + k.text()), isa, found[i], expected,
              [&](int64_t) { return limit * largest; });
  }
}

void CheckSequence(const Case& k, DType dtype) {
  const Operands o(k, dtype);
  const Reference r(k, o);
  std::vector<Output> results{{"h", k.State(), &r.h}};
  if (k.IsLstm()) results.push_back({"c", k.State(), &r.c});
  if (k.sequences) results.push_back({"y", k.Each(k.units), &r.y});
  std::vector<Output> kept{{"states", k.Each(k.units), &r.before},
                           {"gates", k.Each(k.width()), &r.gates}};
  if (k.IsLstm()) kept.push_back({"cells", k.Each(k.units), &r.cells});
  std::vector<Output> gradients{
      {"dprojected", k.Each(k.columns()), &r.dprojected},
      {"dkernel", o.kernel.shape(), &r.dkernel},
      {"drecurrent", o.recurrent.shape(), &r.drecurrent},
      {"dh", k.State(), &r.dh}};
  if (k.IsLstm()) gradients.push_back({"dc", k.State(), &r.dc});
  if (k.bias) gradients.push_back({"dbias", k.Bias(), &r.dbias});
  if (k.kind == Kind::kGruAfter) {
    gradients.push_back({"dcandidate", k.Each(k.units), &r.dcandidate});
  }
  // A step's error is that of its sums and activations; errors of steps add up.
  const DType wide = dtype == DType::kFloat64 ? dtype : DType::kFloat32;
  const double limit =
      Epsilon(wide) * static_cast<double>(30 + k.features + k.units) *
          static_cast<double>(1 + k.length) +
      // Halves are rounded where they are kept and where they come out.
      (wide == dtype ? 0 : 6 * Epsilon(dtype));
  const std::string name = k.name();
  ForEachIsaAndThreads(
      name.c_str(), o.Inputs(k), SpecsOf(dtype, results), k.words(false),
      [&](Isa isa, const std::vector<Array>& out) {
        CheckOutputs(k, isa, limit, results, out);
      });
  std::vector<Output> all = results;
  all.insert(all.end(), kept.begin(), kept.end());
  ForEachIsaAndThreads(
      name.c_str(), o.Inputs(k), SpecsOf(dtype, all), k.words(true),
      [&](Isa isa, const std::vector<Array>& out) {
        CheckOutputs(k, isa, limit, all, out);
        std::vector<const Array*> inputs = o.Inputs(k);
        for (size_t i = results.size(); i < out.size(); i++) {
          inputs.push_back(&out[i]);
        }
        inputs.push_back(&o.dh);
        if (k.IsLstm()) inputs.push_back(&o.dc);
        if (k.sequences) inputs.push_back(&o.dy);
        std::vector<Array> first;
        ForEachThreadCount([&](int threads) {
          std::vector<Array> found;
          std::vector<Array*> pointers;
          for (const Spec& spec : SpecsOf(dtype, gradients)) {
            found.emplace_back(spec.dtype, spec.shape);
          }
          for (Array& array : found) pointers.push_back(&array);
          Run(isa, (name + "_backward").c_str(), inputs, pointers,
              k.words(true));
          for (size_t i = 0; threads > 1 && i < found.size(); i++) {
            CHECK(first[i].SameBits(found[i]));
          }
          if (threads == 1) first = std::move(found);
        });
        CheckOutputs(k, isa, 4 * limit, gradients, first);
      });
}

constexpr Kind kKinds[] = {Kind::kLstm, Kind::kGruAfter, Kind::kGruBefore,
                           Kind::kTanh, Kind::kRelu};

// Blocks have 48 samples, tiles up to 12 rows and 32 columns.
TEST(recurrent_shapes) {
  for (Kind kind : kKinds) {
    for (const Case& k : {
             Case{kind, 1, 1, 1, 1},
             Case{kind, 3, 5, 2, 3},
             Case{kind, 2, 4, 7, 17},
             Case{kind, 50, 3, 3, 9},       // two blocks
             Case{kind, 5, 30, 4, 33},      // steps projected together
             Case{kind, 1, 2, 300, 5},      // more than a depth of the kernel
             Case{kind, 2, 2, 3, 70},       // and of the transposed one
             Case{kind, 90, 3, 2, 2},       // and of the rows of all steps
         }) {
      for (DType dtype : kFloatTypes) CheckSequence(k, dtype);
    }
  }
}

TEST(recurrent_rules) {
  for (Kind kind : kKinds) {
    for (int rules = 0; rules < 16; rules++) {
      const Case k{kind,
                   4,
                   6,
                   3,
                   5,
                   (rules & 1) != 0,
                   (rules & 2) != 0,
                   (rules & 4) != 0,
                   (rules & 8) != 0};
      for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
        CheckSequence(k, dtype);
      }
      if (k.mask) CheckSequence(k, DType::kBFloat16);
    }
  }
}

TEST(recurrent_empty) {
  for (Kind kind : kKinds) {
    for (const Case& k : {
             Case{kind, 0, 3, 2, 4},
             Case{kind, 2, 0, 2, 4},
             Case{kind, 2, 3, 0, 4},
             Case{kind, 2, 3, 2, 0},
         }) {
      for (DType dtype : kFloatTypes) CheckSequence(k, dtype);
    }
  }
}

}  // namespace
}  // namespace keratin::test
