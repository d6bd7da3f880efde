// Loops of elementwise ops of one float operand. An op is a type with `Do` on
// vectors and doubles, a test one with `Of` on scalars. Retargeted: include
// after simd/math.h, half.h and elementwise.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// An op gives a vector and a scalar double form.
#define KERATIN_VECTOR_OP(name, vector, scalar)    \
  struct name {                                    \
    KERATIN_INLINE_MEMBER Vec Do(Vec x) { return vector; } \
    static double Do(double x) { return scalar; }  \
  };
// ... or takes the C library's functions lane by lane.
#define KERATIN_LIBRARY_OP(name, single, wide)     \
  struct name {                                    \
    static Vec Do(Vec x) {                         \
      float lanes[Vec::kLanes];                    \
      Store(lanes, x);                             \
      for (float& lane : lanes) lane = single(lane); \
      return Load(lanes);                          \
    }                                              \
    static double Do(double x) { return wide(x); } \
  };
#define KERATIN_INLINE_MEMBER static inline __attribute__((always_inline))

template <class Op>
void FloatLoop(const void* a, void* out, int64_t n) {
  const float* x = static_cast<const float*>(a);
  float* y = static_cast<float*>(out);
  int64_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    Store(y + i, Op::Do(Load(x + i)));
  }
  if (i < n) {
    const Lanes rest = FirstLanes(static_cast<int>(n - i));
    Store(y + i, rest, Op::Do(Load(x + i, rest)));
  }
}

template <class Op>
void DoubleLoop(const void* a, void* out, int64_t n) {
  const double* x = static_cast<const double*>(a);
  double* y = static_cast<double*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = Op::Do(x[i]);
}

template <class Op, class H>
void HalfLoop(const void* a, void* out, int64_t n) {
  alignas(64) float wide[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    Widen(static_cast<const H*>(a) + i, wide, m);
    FloatLoop<Op>(wide, wide, m);
    Narrow(wide, static_cast<H*>(out) + i, m);
  }
}

template <class Op>
Loop1 LoopOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
      return HalfLoop<Op, Half>;
    case DType::kBFloat16:
      return HalfLoop<Op, BFloat16>;
    case DType::kFloat64:
      return DoubleLoop<Op>;
    default:
      return FloatLoop<Op>;
  }
}

template <class Op, int kPicoseconds>
Status Float(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  if (in.size > 0) {
    RunUnary(in, call.outputs[0], kPicoseconds / 1000.0, LoopOf<Op>(in.dtype));
  }
  return 0;
}

template <class Test, class T>
void TestLoop(const void* a, void* out, int64_t n) {
  const T* x = static_cast<const T*>(a);
  bool* y = static_cast<bool*>(out);
  for (int64_t i = 0; i < n; i++) y[i] = Test::Of(x[i]);
}

template <class Test, class H>
void HalfTestLoop(const void* a, void* out, int64_t n) {
  alignas(64) float wide[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    Widen(static_cast<const H*>(a) + i, wide, m);
    TestLoop<Test, float>(wide, static_cast<bool*>(out) + i, m);
  }
}

template <class Test>
Status FloatTest(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  if (in.size == 0) return 0;
  const Loop1 loop = in.dtype == DType::kFloat16    ? HalfTestLoop<Test, Half>
                     : in.dtype == DType::kBFloat16 ? HalfTestLoop<Test, BFloat16>
                     : in.dtype == DType::kFloat64  ? TestLoop<Test, double>
                                                    : TestLoop<Test, float>;
  RunUnary(in, call.outputs[0], 0.15, loop);
  return 0;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
