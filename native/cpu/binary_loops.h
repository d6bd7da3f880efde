// Loops of elementwise ops of two operands, one for each dtype. An op is a type
// with `Do(a, b)`. Retargeted: include after half.h and elementwise.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class T>
constexpr bool kIsFloat = static_cast<T>(0.5) != T{0};
template <class T>
constexpr bool kIsSigned = static_cast<T>(-1) < T{0};

template <class Op, class T>
void Loop(const void* a, const void* b, void* out, int64_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  using R = decltype(Op::Do(T{}, T{}));
  R* z = static_cast<R*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) z[i] = Op::Do(x[i], y[i]);
}

template <class Op, class H>
void HalfLoop(const void* a, const void* b, void* out, int64_t n) {
  const H* x = static_cast<const H*>(a);
  const H* y = static_cast<const H*>(b);
  alignas(64) float wide[2][kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    Widen(x + i, wide[0], m);
    Widen(y + i, wide[1], m);
    if constexpr (sizeof(Op::Do(0.f, 0.f)) == 1) {
      Loop<Op, float>(wide[0], wide[1], static_cast<bool*>(out) + i, m);
    } else {
      Loop<Op, float>(wide[0], wide[1], wide[0], m);
      Narrow(wide[0], static_cast<H*>(out) + i, m);
    }
  }
}

// One loop for each dtype; nullptr where the op does not take it.
struct Loops {
  Loop2 by[kDTypeCount];
  double ns;
};

template <class Op>
constexpr Loops WithFloats(double ns) {
  Loops loops{};
  loops.ns = ns;
  loops.by[static_cast<int>(DType::kFloat16)] = HalfLoop<Op, Half>;
  loops.by[static_cast<int>(DType::kBFloat16)] = HalfLoop<Op, BFloat16>;
  loops.by[static_cast<int>(DType::kFloat32)] = Loop<Op, float>;
  loops.by[static_cast<int>(DType::kFloat64)] = Loop<Op, double>;
  return loops;
}
// Signed and unsigned integers have the same bits under + - * & | ^ == !=.
template <class Op>
constexpr Loops WithBits(Loops loops) {
  loops.by[static_cast<int>(DType::kUInt8)] = Loop<Op, uint8_t>;
  loops.by[static_cast<int>(DType::kInt8)] = Loop<Op, uint8_t>;
  loops.by[static_cast<int>(DType::kUInt16)] = Loop<Op, uint16_t>;
  loops.by[static_cast<int>(DType::kInt16)] = Loop<Op, uint16_t>;
  loops.by[static_cast<int>(DType::kUInt32)] = Loop<Op, uint32_t>;
  loops.by[static_cast<int>(DType::kInt32)] = Loop<Op, uint32_t>;
  loops.by[static_cast<int>(DType::kUInt64)] = Loop<Op, uint64_t>;
  loops.by[static_cast<int>(DType::kInt64)] = Loop<Op, uint64_t>;
  return loops;
}
template <class Op>
constexpr Loops WithIntegers(Loops loops) {
  loops.by[static_cast<int>(DType::kUInt8)] = Loop<Op, uint8_t>;
  loops.by[static_cast<int>(DType::kInt8)] = Loop<Op, int8_t>;
  loops.by[static_cast<int>(DType::kUInt16)] = Loop<Op, uint16_t>;
  loops.by[static_cast<int>(DType::kInt16)] = Loop<Op, int16_t>;
  loops.by[static_cast<int>(DType::kUInt32)] = Loop<Op, uint32_t>;
  loops.by[static_cast<int>(DType::kInt32)] = Loop<Op, int32_t>;
  loops.by[static_cast<int>(DType::kUInt64)] = Loop<Op, uint64_t>;
  loops.by[static_cast<int>(DType::kInt64)] = Loop<Op, int64_t>;
  return loops;
}
// Booleans are stored as 0 and 1.
template <class Op>
constexpr Loops WithBool(Loops loops) {
  loops.by[static_cast<int>(DType::kBool)] = Loop<Op, uint8_t>;
  return loops;
}

constexpr double kSimple = 0.15;
constexpr double kSlow = 1.5;
constexpr double kTranscendental = 8;

template <const Loops& kLoops>
Status Binary(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const Loop2 loop = kLoops.by[static_cast<int>(call.inputs[0].dtype)];
  RunBinary(call.inputs, out, kLoops.ns, loop);
  return 0;
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
