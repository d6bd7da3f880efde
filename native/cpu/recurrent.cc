// Recurrent layers over whole sequences: LSTM, GRU, simple RNN, and back.
//   x [B, T, F], kernel [F, G U], recurrent kernel [U, G U], states [B, U],
//   bias [G U] (GRU with reset after: [2, G U], the second of the product with
//   the recurrent kernel), mask [B, T] -> the last states, all outputs.
//
// A worker owns samples for the whole sequence, so no thread waits for another
// between steps. It packs the weights once and takes its samples a block at a
// time: the sums of a step stay in L2, where the gates are computed in one pass.
// Back, the gradients of the sums go to memory, and those of the weights are
// products over all steps and samples at the end, where a worker owns columns.
//
// Outputs of masked steps are those of the step before (zero before the first).
// Halves are widened where they are read; states and sums are float32.
#include <cmath>
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "half.h"
#include "wide.h"
#include "microkernel.h"
#include "pack.h"
#include "gemm.h"
#include "gemm_blocks.h"
#include "panels.h"
#include "recurrent_cells.h"
#include "recurrent_gradients.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Samples of a block at most; of few samples, the inputs of so many rows of
// several steps are projected at once.
constexpr int64_t kBlockSamples = 48;

// What a call says. Inputs: x, kernel, recurrent kernel, h, (c), (bias),
// (mask), then what the step back needs.
template <class S, class Cell>
struct Sequence {
  int64_t batch, length, features, units;
  bool reverse;    // from the last step to the first; outputs in that order
  bool sequences;  // all outputs are wanted (or have gradients)
  bool keep;       // what the step back needs is wanted
  const S *x, *kernel, *recurrent, *h, *c, *bias;
  const uint8_t* mask;
  int next;  // the first of the other inputs

  explicit Sequence(const KernelCall& call) {
    Attributes attributes = call.attributes();
    reverse = attributes.Bool();
    sequences = attributes.Bool();
    keep = attributes.Bool();
    const bool has_bias = attributes.Bool();
    const bool has_mask = attributes.Bool();
    batch = call.inputs[0].shape[0];
    length = call.inputs[0].shape[1];
    features = call.inputs[0].shape[2];
    units = call.inputs[2].shape[0];
    next = 0;
    const auto take = [&](bool is_there) {
      return is_there ? call.inputs[next++].as<const S>() : nullptr;
    };
    x = take(true);
    kernel = take(true);
    recurrent = take(true);
    h = take(true);
    c = take(Cell::kHasCell);
    bias = take(has_bias);
    mask = has_mask ? call.inputs[next++].as<const uint8_t>() : nullptr;
  }

  int64_t columns() const { return Cell::kColumns * units; }
  int64_t width() const { return Cell::kWidth * units; }
  // Which step of the inputs comes `step`th.
  int64_t Time(int64_t step) const {
    return reverse ? length - 1 - step : step;
  }
  // The row of a sample's step in what has one for each.
  int64_t Row(int64_t sample, int64_t time) const {
    return sample * length + time;
  }
  bool IsMasked(int64_t sample, int64_t time) const {
    return mask != nullptr && mask[Row(sample, time)] == 0;
  }
};

// block(shared, first, count) for blocks of samples; make(scratch) gives what
// the blocks of a worker share. False: out of scratch memory.
template <class Make, class Block>
bool ForEachBlock(int64_t batch, double ns, const Make& make,
                  const Block& block) {
  bool failed = false;
  ParallelFor(batch, ns, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    const auto shared = make(scratch);
    bool ok = shared.IsComplete();
    const int64_t samples = EvenBlock(end - begin, kBlockSamples);
    for (int64_t i = begin; ok && i < end; i += samples) {
      ok = block(shared, i, Min(samples, end - i));
    }
    if (!ok) __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
  });
  return !failed;
}

// Single-threaded nanoseconds of one sample; `features`: 0 on the way back,
// where the products with the kernel come at the end.
template <class S, class Cell>
double NsPerSample(const Sequence<S, Cell>& q, int64_t features) {
  constexpr bool kIsDouble = sizeof(S) == sizeof(double);
  const double products =
      GemmCost(kIsDouble ? DType::kFloat64 : DType::kFloat32, kBlockSamples,
               q.columns(), features + q.units) /
      kBlockSamples;
  const double ns_per_gate = kIsDouble ? 20 : 0.7;
  return static_cast<double>(q.length) *
         (products + static_cast<double>(q.width()) * ns_per_gate);
}

template <class S, class Cell>
struct Forward {
  using T = Wide<S>;
  static constexpr Candidate kCandidate = Cell::kCandidate;
  static constexpr bool kApart = kCandidate != Candidate::kTogether;

  struct Weights {
    Panels<T> kernel;
    Panels<T> recurrent;  // of all gates, or all but the candidate
    Panels<T> candidate;
    const T* bias;            // of the products with the kernel, or null
    const T* recurrent_bias;  // of the others, or null

    bool IsComplete() const {
      return kernel.data != nullptr && recurrent.data != nullptr &&
             (!kApart || candidate.data != nullptr);
    }
  };

  static Weights Pack(const Sequence<S, Cell>& q, Scratch& scratch) {
    const int64_t u = q.units;
    const int64_t n = q.columns();
    const int64_t gates = kApart ? n - u : n;
    Weights w{};
    w.kernel = MakePanels<T>(scratch, q.kernel, n, 1, q.features, n);
    w.recurrent = MakePanels<T>(scratch, q.recurrent, n, 1, u, gates);
    if (kApart) {
      w.candidate = MakePanels<T>(scratch, q.recurrent + gates, n, 1, u, u);
    }
    if (q.bias != nullptr) {
      const int64_t rows = kCandidate == Candidate::kResetAfter ? 2 : 1;
      T* const bias = scratch.Take<T>(rows * n);
      if (bias == nullptr) return {};
      Widen(q.bias, bias, rows * n);
      w.bias = bias;
      if (rows == 2) w.recurrent_bias = bias + n;
    }
    return w;
  }

  // Samples [first, first + count) through all steps.
  static bool Run(const Sequence<S, Cell>& q, const KernelCall& call,
                  const Weights& w, int64_t first, int64_t count) {
    const int64_t u = q.units;
    const int64_t width = q.width();
    const int64_t steps =
        Max(1, Min(q.length, kBlockSamples / count));  // projected at once
    Scratch scratch;
    T* const x = scratch.Take<T>(steps * count * q.features);
    T* const sums = scratch.Take<T>(steps * count * width);
    T* const h = scratch.Take<T>(count * u);
    T* const c = scratch.Take<T>(Cell::kHasCell ? count * u : 1);
    if (x == nullptr || sums == nullptr || h == nullptr || c == nullptr) {
      return false;
    }
    int next = 0;
    S* const last_h = call.outputs[next++].as<S>();
    S* const last_c = Cell::kHasCell ? call.outputs[next++].as<S>() : nullptr;
    S* const y = q.sequences ? call.outputs[next++].as<S>() : nullptr;
    S* const before = q.keep ? call.outputs[next++].as<S>() : nullptr;
    S* const gates = q.keep ? call.outputs[next++].as<S>() : nullptr;
    S* const cells = q.keep && Cell::kHasCell ? call.outputs[next].as<S>()
                                              : nullptr;
    Widen(q.h + first * u, h, count * u);
    if (Cell::kHasCell) Widen(q.c + first * u, c, count * u);
    for (int64_t begin = 0; begin < q.length; begin += steps) {
      const int64_t end = Min(begin + steps, q.length);
      for (int64_t s = begin; s < end; s++) {
        T* const to = x + (s - begin) * count * q.features;
        for (int64_t i = 0; i < count; i++) {
          Widen(q.x + q.Row(first + i, q.Time(s)) * q.features,
                to + i * q.features, q.features);
        }
      }
      RunPanels(x, q.features, (end - begin) * count, w.kernel, w.bias, false,
                sums, width);
      for (int64_t s = begin; s < end; s++) {
        T* const at = sums + (s - begin) * count * width;
        AddStateProducts(u, count, w, h, at, width);
        for (int64_t i = 0; i < count; i++) {
          const int64_t sample = first + i;
          const int64_t row = q.Row(sample, q.Time(s));
          const bool masked = q.IsMasked(sample, q.Time(s));
          T* const state = h + i * u;
          if (q.keep) Narrow(state, before + row * u, u);
          Cell::Step(u, {at + i * width, state, c + i * u, masked,
                         q.keep ? gates + row * width : nullptr,
                         cells == nullptr ? nullptr : cells + row * u});
          if (q.sequences) {
            StoreOutput(state, u, masked, s == 0, y + q.Row(sample, s) * u);
          }
        }
      }
    }
    Narrow(h, last_h + first * u, count * u);
    if (Cell::kHasCell) Narrow(c, last_c + first * u, count * u);
    return true;
  }

  static void AddStateProducts(int64_t u, int64_t count, const Weights& w,
                               const T* h, T* sums, int64_t width) {
    RunPanels(h, u, count, w.recurrent, w.recurrent_bias, true, sums, width);
    if constexpr (kCandidate == Candidate::kResetAfter) {
      RunPanels(h, u, count, w.candidate,
                w.recurrent_bias == nullptr ? nullptr
                                            : w.recurrent_bias + 2 * u,
                false, sums + 3 * u, width);
    } else if constexpr (kCandidate == Candidate::kResetBefore) {
      for (int64_t i = 0; i < count; i++) {
        Cell::Reset(u, sums + i * width, h + i * u);
      }
      RunPanels<T>(sums + 3 * u, width, count, w.candidate, nullptr, true,
                   sums + 2 * u, width);
    }
  }

  static void StoreOutput(const T* state, int64_t u, bool masked, bool is_first,
                          S* y) {
    const size_t bytes = static_cast<size_t>(u) * sizeof(S);
    if (!masked) {
      Narrow(state, y, u);
    } else if (is_first) {
      __builtin_memset(y, 0, bytes);
    } else {
      __builtin_memcpy(y, y - u, bytes);
    }
  }

  static bool RunAll(const KernelCall& call) {
    const Sequence<S, Cell> q(call);
    return ForEachBlock(
        q.batch, NsPerSample(q, q.features),
        [&](Scratch& scratch) { return Pack(q, scratch); },
        [&](const Weights& w, int64_t first, int64_t count) {
          return Run(q, call, w, first, count);
        });
  }
};

template <class S, class Cell>
struct Backward {
  using T = Wide<S>;
  static constexpr Candidate kCandidate = Cell::kCandidate;
  static constexpr bool kIsAfter = kCandidate == Candidate::kResetAfter;
  static constexpr bool kIsBefore = kCandidate == Candidate::kResetBefore;

  // Inputs that follow those of the sequence, and outputs; null where none.
  struct Operands {
    const S *before, *gates, *cells, *dlast_h, *dlast_c, *dy;
    S *projected, *dkernel, *drecurrent, *dh, *dc, *dbias, *candidate;

    Operands(const Sequence<S, Cell>& q, const KernelCall& call) {
      int next = q.next;
      const auto take = [&](bool is_there) {
        return is_there ? call.inputs[next++].as<const S>() : nullptr;
      };
      before = take(true);
      gates = take(true);
      cells = take(Cell::kHasCell);
      dlast_h = take(true);
      dlast_c = take(Cell::kHasCell);
      dy = take(q.sequences);
      int given = 0;
      const auto give = [&](bool is_there) {
        return is_there ? call.outputs[given++].as<S>() : nullptr;
      };
      projected = give(true);
      dkernel = give(true);
      drecurrent = give(true);
      dh = give(true);
      dc = give(Cell::kHasCell);
      dbias = give(q.bias != nullptr);
      candidate = give(kIsAfter);
    }
  };

  // The recurrent kernel, transposed.
  struct Weights {
    Panels<T> recurrent;  // of all gates, or (reset before) all but the candidate
    Panels<T> candidate;

    bool IsComplete() const {
      return recurrent.data != nullptr &&
             (!kIsBefore || candidate.data != nullptr);
    }
  };

  static Weights Pack(const Sequence<S, Cell>& q, Scratch& scratch) {
    const int64_t u = q.units;
    const int64_t n = q.columns();
    const int64_t gates = kIsBefore ? n - u : n;
    Weights w{};
    w.recurrent = MakePanels<T>(scratch, q.recurrent, 1, n, gates, u);
    if (kIsBefore) {
      w.candidate = MakePanels<T>(scratch, q.recurrent + gates, 1, n, u, u);
    }
    return w;
  }

  static bool Run(const Sequence<S, Cell>& q, const Operands& o,
                  const Weights& w, int64_t first, int64_t count) {
    const int64_t u = q.units;
    const int64_t n = q.columns();
    Scratch scratch;
    T* const sums = scratch.Take<T>(count * n);
    T* const dh = scratch.Take<T>(count * u);
    T* const dc = scratch.Take<T>(count * u);
    T* const dreset = scratch.Take<T>(kIsBefore ? count * u : 1);
    // Gradients of outputs that repeat one of a step before.
    T* const repeated = scratch.Take<T>(count * u);
    if (sums == nullptr || dh == nullptr || dc == nullptr ||
        dreset == nullptr || repeated == nullptr) {
      return false;
    }
    Widen(o.dlast_h + first * u, dh, count * u);
    if (Cell::kHasCell) Widen(o.dlast_c + first * u, dc, count * u);
    for (int64_t i = 0; i < count * u; i++) repeated[i] = 0;
    for (int64_t s = q.length - 1; s >= 0; s--) {
      const int64_t time = q.Time(s);
      const auto rows_of = [&](int64_t i) {
        const int64_t sample = first + i;
        const int64_t row = q.Row(sample, time);
        BackRows<S> r{};
        r.gates = o.gates + row * q.width();
        r.before = o.before + row * u;
        if (Cell::kHasCell) {
          r.cell = o.cells + row * u;
          r.cell_before = s == 0 ? q.c + sample * u
                                 : o.cells + q.Row(sample, q.Time(s - 1)) * u;
        }
        r.dh = dh + i * u;
        r.dc = dc + i * u;
        r.sums = sums + i * n;
        r.projected = o.projected + row * n;
        if (kIsAfter) r.candidate = o.candidate + row * u;
        return r;
      };
      for (int64_t i = 0; i < count; i++) {
        const bool masked = q.IsMasked(first + i, time);
        const BackRows<S> r = rows_of(i);
        if (o.dy != nullptr) {
          const S* const dy = o.dy + q.Row(first + i, s) * u;
          AddOutputGradient(dy, u, masked, repeated + i * u, r.dh);
        }
        if (masked) {
          const size_t units = static_cast<size_t>(u);
          __builtin_memset(r.sums, 0, Cell::kColumns * units * sizeof(T));
          __builtin_memset(r.projected, 0, Cell::kColumns * units * sizeof(S));
          if (kIsAfter) __builtin_memset(r.candidate, 0, units * sizeof(S));
        } else {
          Cell::Back(u, r);
        }
      }
      if constexpr (kIsBefore) {
        RunPanels<T>(sums + 2 * u, n, count, w.candidate, nullptr, false,
                     dreset, u);
        for (int64_t i = 0; i < count; i++) {
          if (!q.IsMasked(first + i, time)) {
            Cell::BackReset(u, rows_of(i), dreset + i * u);
          }
        }
      }
      RunPanels<T>(sums, n, count, w.recurrent, nullptr, true, dh, u);
    }
    Narrow(dh, o.dh + first * u, count * u);
    if (Cell::kHasCell) Narrow(dc, o.dc + first * u, count * u);
    return true;
  }

  // dh += dy, unless a mask hands it on to the output that was repeated.
  static void AddOutputGradient(const S* dy, int64_t u, bool masked,
                                T* repeated, T* dh) {
    ForEachUnit<S>(u, [&](int64_t j, int64_t n) {
      const auto d = LoadWide(dy + j, n) + LoadWide(repeated + j, n);
      StoreNarrow(repeated + j, n, masked ? d : Simd<T>::Broadcast(0));
      if (!masked) StoreNarrow(dh + j, n, LoadWide(dh + j, n) + d);
    });
  }

  static bool ReduceWeights(const Sequence<S, Cell>& q, const Operands& o) {
    const int64_t u = q.units;
    const int64_t n = q.columns();
    const int64_t gates = kCandidate == Candidate::kTogether ? n : n - u;
    const LeftSide<S> inputs{q.x, q.features, q.features, o.dkernel};
    const LeftSide<S> states{o.before, u, u, o.drecurrent};
    Reduction<S> r{};
    r.rows = q.batch * q.length;
    r.b = o.projected;
    r.b_row = n;
    r.columns = gates;
    r.c_row = n;
    r.sides[0] = inputs;
    r.sides[1] = states;
    r.num_sides = 2;
    r.sums = o.dbias;
    if (!Reduce(r)) return false;
    if constexpr (kCandidate != Candidate::kTogether) {
      r.b += gates;
      r.columns = u;
      r.sides[0].c += gates;
      if (o.dbias != nullptr) r.sums += gates;
      if constexpr (kIsBefore) {
        // What the reset gate has scaled, in the gates' fourth column.
        r.sides[1] = {o.gates + 3 * u, q.width(), u, o.drecurrent + gates};
        return Reduce(r);
      } else {
        r.num_sides = 1;
        if (!Reduce(r)) return false;
        r.b = o.candidate;
        r.b_row = u;
        r.sides[0] = {o.before, u, u, o.drecurrent + gates};
        if (o.dbias != nullptr) {
          r.sums = o.dbias + n + gates;
          // Both biases of the other gates are added to the same sums.
          __builtin_memcpy(o.dbias + n, o.dbias,
                           static_cast<size_t>(gates) * sizeof(S));
        }
        return Reduce(r);
      }
    }
    return true;
  }

  static bool RunAll(const KernelCall& call) {
    const Sequence<S, Cell> q(call);
    const Operands o(q, call);
    return ForEachBlock(
               q.batch, NsPerSample(q, 0),
               [&](Scratch& scratch) { return Pack(q, scratch); },
               [&](const Weights& w, int64_t first, int64_t count) {
                 return Run(q, o, w, first, count);
               }) &&
           ReduceWeights(q, o);
  }
};

Status Result(const KernelCall& call, bool ok) {
  return ok ? 0 : call.Fail("recurrent sequence: out of memory for a block");
}

template <template <class, class> class Way, template <class> class Cell>
Status ByType(const KernelCall& call) {
  switch (call.inputs[0].dtype) {
    case DType::kFloat16:
      return Result(call, Way<Half, Cell<Half>>::RunAll(call));
    case DType::kBFloat16:
      return Result(call, Way<BFloat16, Cell<BFloat16>>::RunAll(call));
    case DType::kFloat64:
      return Result(call, Way<double, Cell<double>>::RunAll(call));
    default:
      return Result(call, Way<float, Cell<float>>::RunAll(call));
  }
}

// The attribute behind those of every sequence.
int32_t LastAttribute(const KernelCall& call) {
  return call.words[call.num_words - 1];
}

template <class S>
using GruAfter = Gru<S, true>;
template <class S>
using GruBefore = Gru<S, false>;
template <class S>
using TanhRnn = SimpleRnn<S, false>;
template <class S>
using ReluRnn = SimpleRnn<S, true>;

template <template <class, class> class Way>
Status GruSequence(const KernelCall& call) {
  return LastAttribute(call) != 0 ? ByType<Way, GruAfter>(call)
                                  : ByType<Way, GruBefore>(call);
}

template <template <class, class> class Way>
Status SimpleSequence(const KernelCall& call) {
  return LastAttribute(call) != 0 ? ByType<Way, ReluRnn>(call)
                                  : ByType<Way, TanhRnn>(call);
}

}  // namespace

void Register_recurrent(Registry& registry) {
  registry.Add("lstm_sequence", ByType<Forward, Lstm>, kFloats);
  registry.Add("lstm_sequence_backward", ByType<Backward, Lstm>, kFloats);
  registry.Add("gru_sequence", GruSequence<Forward>, kFloats);
  registry.Add("gru_sequence_backward", GruSequence<Backward>, kFloats);
  registry.Add("simple_rnn_sequence", SimpleSequence<Forward>, kFloats);
  registry.Add("simple_rnn_sequence_backward", SimpleSequence<Backward>,
               kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
