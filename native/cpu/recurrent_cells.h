// One step of each recurrent cell for one sample, forward and backward.
// U units; a row of sums, gates or gradients holds its columns U at a time.
// Retargeted: include after simd/math.h and wide.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// How the candidate's product with the recurrent kernel comes about.
enum class Candidate {
  kTogether,     // with those of all gates
  kResetAfter,   // apart: the reset gate scales it
  kResetBefore,  // of the state that the reset gate has scaled
};

KERATIN_INLINE Vec SigmoidOf(Vec x) { return Sigmoid(x); }
KERATIN_INLINE Vec TanhOf(Vec x) { return Tanh(x); }
using DoubleVec = Simd<double>::V;
KERATIN_INLINE DoubleVec SigmoidOf(DoubleVec x) {
  for (int i = 0; i < Simd<double>::kLanes; i++) x[i] = 1 / (1 + ::exp(-x[i]));
  return x;
}
KERATIN_INLINE DoubleVec TanhOf(DoubleVec x) {
  for (int i = 0; i < Simd<double>::kLanes; i++) x[i] = ::tanh(x[i]);
  return x;
}

// Vectors of a row of `units`: body(begin, lanes that exist).
template <class S, class Body>
KERATIN_INLINE void ForEachUnit(int64_t units, const Body& body) {
  constexpr int64_t kLanes = Simd<Wide<S>>::kLanes;
  for (int64_t j = 0; j < units; j += kLanes) {
    body(j, Min(kLanes, units - j));
  }
}

// Four columns of a row of gates.
template <class S, class V>
KERATIN_INLINE void StoreGates(S* gates, int64_t units, int64_t n, V a, V b,
                               V c, V d) {
  StoreNarrow(gates, n, a);
  StoreNarrow(gates + units, n, b);
  StoreNarrow(gates + 2 * units, n, c);
  StoreNarrow(gates + 3 * units, n, d);
}

// The rows of a sample that a step forward reads and writes.
template <class S>
struct StepRows {
  Wide<S>* sums;  // kWidth U: before the activations
  Wide<S>* h;     // U: the state, in place
  Wide<S>* c;     // U: the cell, in place
  bool masked;    // the states stay as they are
  S* gates;       // kWidth U, or null: what the step back needs
  S* cells;       // U: the cell after the step
};

// The rows of a sample that a step back reads and writes.
template <class S>
struct BackRows {
  const S* gates;
  const S* before;              // the state before the step
  const S *cell, *cell_before;  // after and before the step
  // In: of the states after the step. Out: of those before it, dh without what
  // comes through the products with the recurrent kernel.
  Wide<S>*dh, *dc;
  Wide<S>* sums;  // kColumns U: of the products with the recurrent kernel
  S* projected;   // kColumns U: of the products with the kernel
  S* candidate;   // U: the last of `sums`, where the two differ
};

// Gates i, f, candidate g, o: c' = f c + i g, h' = o tanh(c').
template <class S>
struct Lstm {
  static constexpr int kColumns = 4;
  static constexpr int kWidth = 4;
  static constexpr bool kHasCell = true;
  static constexpr Candidate kCandidate = Candidate::kTogether;
  using T = Wide<S>;
  using V = typename Simd<T>::V;

  static void Step(int64_t units, const StepRows<S>& r) {
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const T* sums = r.sums + j;
      const V i = SigmoidOf(LoadWide(sums, n));
      const V f = SigmoidOf(LoadWide(sums + units, n));
      const V g = TanhOf(LoadWide(sums + 2 * units, n));
      const V o = SigmoidOf(LoadWide(sums + 3 * units, n));
      V c = LoadWide(r.c + j, n);
      if (r.gates != nullptr) StoreGates(r.gates + j, units, n, i, f, g, o);
      if (!r.masked) {
        c = f * c + i * g;
        StoreNarrow(r.c + j, n, c);
        StoreNarrow(r.h + j, n, o * TanhOf(c));
      }
      if (r.gates != nullptr) StoreNarrow(r.cells + j, n, c);
    });
  }

  static void Back(int64_t units, const BackRows<S>& r) {
    const V one = Simd<T>::Broadcast(1);
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const V i = LoadWide(r.gates + j, n);
      const V f = LoadWide(r.gates + j + units, n);
      const V g = LoadWide(r.gates + j + 2 * units, n);
      const V o = LoadWide(r.gates + j + 3 * units, n);
      const V t = TanhOf(LoadWide(r.cell + j, n));
      const V dh = LoadWide(r.dh + j, n);
      const V dc = LoadWide(r.dc + j, n) + dh * o * (one - t * t);
      const V sums[] = {dc * g * (i * (one - i)),
                        dc * LoadWide(r.cell_before + j, n) * (f * (one - f)),
                        dc * i * (one - g * g), dh * t * (o * (one - o))};
      for (int k = 0; k < 4; k++) {
        StoreNarrow(r.sums + j + k * units, n, sums[k]);
        StoreNarrow(r.projected + j + k * units, n, sums[k]);
      }
      StoreNarrow(r.dc + j, n, dc * f);
      StoreNarrow(r.dh + j, n, Simd<T>::Broadcast(0));
    });
  }
};

// Gates z, r and a candidate: h' = z h + (1 - z) candidate. A fourth column
// holds what r scales (reset after) or has scaled (reset before).
template <class S, bool kAfter>
struct Gru {
  static constexpr int kColumns = 3;
  static constexpr int kWidth = 4;
  static constexpr bool kHasCell = false;
  static constexpr Candidate kCandidate =
      kAfter ? Candidate::kResetAfter : Candidate::kResetBefore;
  using T = Wide<S>;
  using V = typename Simd<T>::V;

  // Before the product of the candidate: the fourth column = r h.
  static void Reset(int64_t units, T* sums, const T* h) {
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const V r = SigmoidOf(LoadWide(sums + j + units, n));
      StoreNarrow(sums + j + units, n, r);
      StoreNarrow(sums + j + 3 * units, n, r * LoadWide(h + j, n));
    });
  }

  static void Step(int64_t units, const StepRows<S>& s) {
    const V one = Simd<T>::Broadcast(1);
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const T* sums = s.sums + j;
      const V z = SigmoidOf(LoadWide(sums, n));
      const V given = LoadWide(sums + units, n);
      const V r = kAfter ? SigmoidOf(given) : given;
      const V product = LoadWide(sums + 2 * units, n);
      const V fourth = LoadWide(sums + 3 * units, n);
      const V candidate = TanhOf(kAfter ? product + r * fourth : product);
      if (s.gates != nullptr) {
        StoreGates(s.gates + j, units, n, z, r, candidate, fourth);
      }
      if (s.masked) return;
      StoreNarrow(s.h + j, n,
                  z * LoadWide(s.h + j, n) + (one - z) * candidate);
    });
  }

  static void Back(int64_t units, const BackRows<S>& s) {
    const V one = Simd<T>::Broadcast(1);
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const V z = LoadWide(s.gates + j, n);
      const V candidate = LoadWide(s.gates + j + 2 * units, n);
      const V h = LoadWide(s.before + j, n);
      const V dh = LoadWide(s.dh + j, n);
      const V dz = dh * (h - candidate) * (z * (one - z));
      const V dcandidate = dh * (one - z) * (one - candidate * candidate);
      StoreNarrow(s.dh + j, n, dh * z);
      StoreNarrow(s.sums + j, n, dz);
      StoreNarrow(s.projected + j, n, dz);
      StoreNarrow(s.projected + j + 2 * units, n, dcandidate);
      if constexpr (kAfter) {
        const V r = LoadWide(s.gates + j + units, n);
        const V fourth = LoadWide(s.gates + j + 3 * units, n);
        const V dr = dcandidate * fourth * (r * (one - r));
        StoreNarrow(s.sums + j + units, n, dr);
        StoreNarrow(s.projected + j + units, n, dr);
        StoreNarrow(s.sums + j + 2 * units, n, dcandidate * r);
        StoreNarrow(s.candidate + j, n, dcandidate * r);
      } else {
        StoreNarrow(s.sums + j + 2 * units, n, dcandidate);
      }
    });
  }

  // With reset before: the rest, from the gradient of r h.
  static void BackReset(int64_t units, const BackRows<S>& s, const T* dreset) {
    const V one = Simd<T>::Broadcast(1);
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const V r = LoadWide(s.gates + j + units, n);
      const V d = LoadWide(dreset + j, n);
      const V dr = d * LoadWide(s.before + j, n) * (r * (one - r));
      StoreNarrow(s.sums + j + units, n, dr);
      StoreNarrow(s.projected + j + units, n, dr);
      StoreNarrow(s.dh + j, n, LoadWide(s.dh + j, n) + d * r);
    });
  }
};

// h' = tanh or relu of the sums.
template <class S, bool kRelu>
struct SimpleRnn {
  static constexpr int kColumns = 1;
  static constexpr int kWidth = 1;
  static constexpr bool kHasCell = false;
  static constexpr Candidate kCandidate = Candidate::kTogether;
  using T = Wide<S>;
  using V = typename Simd<T>::V;

  static void Step(int64_t units, const StepRows<S>& r) {
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const V sums = LoadWide(r.sums + j, n);
      const V h = kRelu ? Simd<T>::Max(sums, Simd<T>::Broadcast(0))
                        : TanhOf(sums);
      if (r.gates != nullptr) StoreNarrow(r.gates + j, n, h);
      if (!r.masked) StoreNarrow(r.h + j, n, h);
    });
  }

  static void Back(int64_t units, const BackRows<S>& r) {
    const V zero = Simd<T>::Broadcast(0);
    ForEachUnit<S>(units, [&](int64_t j, int64_t n) {
      const V h = LoadWide(r.gates + j, n);
      const V dh = LoadWide(r.dh + j, n);
      const V d = kRelu ? Simd<T>::Select(Simd<T>::Exceeds(h, zero), dh, zero)
                        : dh * (Simd<T>::Broadcast(1) - h * h);
      StoreNarrow(r.sums + j, n, d);
      StoreNarrow(r.projected + j, n, d);
      StoreNarrow(r.dh + j, n, zero);
    });
  }
};

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
