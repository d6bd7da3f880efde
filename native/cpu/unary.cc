// Elementwise ops of one operand.
#include <cmath>
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/math.h"
#include "half.h"
#include "elementwise.h"
#include "unary_loops.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

double SigmoidOf(double x) {
  const double z = ::exp(-__builtin_fabs(x));
  return (x < 0 ? z : 1) / (1 + z);
}

// Halley's iteration on erf, or on erfc where erf has no digits left.
double ErfinvOf(double x) {
  const double a = __builtin_fabs(x);
  if (!(a < 1)) return a == 1 ? x * __builtin_inf() : __builtin_nan("");
  if (a == 0) return x;
  // Winitzki's first guess (2008).
  const double l = ::log1p(-a * a);
  const double t = 2 / (3.14159265358979323846 * 0.147) + l / 2;
  double y = __builtin_sqrt(__builtin_sqrt(t * t - l / 0.147) - t);
  for (int i = 0; i < 3; i++) {
    const double error =
        a < 0.5 ? ::erf(y) - a : (1 - a) - ::erfc(y);
    const double step =
        error / (1.12837916709551257390 * ::exp(-y * y));
    y -= step / (1 + y * step);
  }
  return __builtin_copysign(y, x);
}

double SignOf(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

KERATIN_VECTOR_OP(Negative, FromBits(Bits(x) ^ ISet(INT32_MIN)), -x)
KERATIN_VECTOR_OP(AbsoluteOp, Abs(x), __builtin_fabs(x))
KERATIN_VECTOR_OP(Square, x * x, x * x)
KERATIN_VECTOR_OP(Sign,
                  Select(Less(Set(0), x), Set(1),
                         Select(Less(x, Set(0)), Set(-1), x)),
                  SignOf(x))
KERATIN_VECTOR_OP(ExpOp, Exp(x), ::exp(x))
KERATIN_VECTOR_OP(Expm1Op, Expm1(x), ::expm1(x))
KERATIN_VECTOR_OP(LogOp, Log(x), ::log(x))
KERATIN_VECTOR_OP(Log1pOp, Log1p(x), ::log1p(x))
KERATIN_VECTOR_OP(Log2Op, Log2(x), ::log2(x))
KERATIN_VECTOR_OP(SqrtOp, Sqrt(x), __builtin_sqrt(x))
KERATIN_VECTOR_OP(Rsqrt, Set(1) / Sqrt(x), 1 / __builtin_sqrt(x))
KERATIN_VECTOR_OP(Reciprocal, Set(1) / x, 1 / x)
KERATIN_VECTOR_OP(TanhOp, Tanh(x), ::tanh(x))
KERATIN_VECTOR_OP(SigmoidOp, Sigmoid(x), SigmoidOf(x))
KERATIN_VECTOR_OP(ErfOp, Erf(x), ::erf(x))
KERATIN_VECTOR_OP(ErfinvOp, Erfinv(x), ErfinvOf(x))
KERATIN_VECTOR_OP(FloorOp, Floor(x), __builtin_floor(x))
KERATIN_VECTOR_OP(CeilOp, Ceil(x), __builtin_ceil(x))
KERATIN_VECTOR_OP(RoundOp, Round(x), __builtin_rint(x))
KERATIN_VECTOR_OP(TruncOp, Trunc(x), __builtin_trunc(x))
KERATIN_LIBRARY_OP(Tan, ::tanf, ::tan)
KERATIN_LIBRARY_OP(Arcsin, ::asinf, ::asin)
KERATIN_LIBRARY_OP(Arccos, ::acosf, ::acos)
KERATIN_LIBRARY_OP(Arctan, ::atanf, ::atan)
KERATIN_LIBRARY_OP(Sinh, ::sinhf, ::sinh)
KERATIN_LIBRARY_OP(Cosh, ::coshf, ::cosh)
KERATIN_LIBRARY_OP(Arcsinh, ::asinhf, ::asinh)
KERATIN_LIBRARY_OP(Arccosh, ::acoshf, ::acosh)
KERATIN_LIBRARY_OP(Arctanh, ::atanhf, ::atanh)
KERATIN_LIBRARY_OP(ErfcOp, ::erfcf, ::erfc)
KERATIN_LIBRARY_OP(LibrarySin, ::sinf, ::sin)
KERATIN_LIBRARY_OP(LibraryCos, ::cosf, ::cos)

struct Sin {
  KERATIN_INLINE_MEMBER Vec Do(Vec x) {
    const Lanes large = Less(Set(kMaxReducible), Abs(x));
    if (Any(Or(large, IsNan(x)))) return LibrarySin::Do(x);
    // sin(-0) = -0.
    return Select(Equal(x, Set(0)), x, SinQuadrant(x, 0));
  }
  static double Do(double x) { return ::sin(x); }
};
struct Cos {
  KERATIN_INLINE_MEMBER Vec Do(Vec x) {
    const Lanes large = Less(Set(kMaxReducible), Abs(x));
    if (Any(Or(large, IsNan(x)))) return LibraryCos::Do(x);
    return SinQuadrant(x, 1);
  }
  static double Do(double x) { return ::cos(x); }
};

template <class Op, class T>
void IntegerLoop(const void* a, void* out, int64_t n) {
  const T* x = static_cast<const T*>(a);
  T* y = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) y[i] = Op::template Of<T>(x[i]);
}

// Wrapping, so that the smallest value is its own negative.
struct IntegerNegative {
  template <class T>
  static T Of(T x) {
    return static_cast<T>(0 - static_cast<uint64_t>(x));
  }
};
struct IntegerAbsolute {
  template <class T>
  static T Of(T x) {
    return x < T{0} ? IntegerNegative::Of(x) : x;
  }
};
struct IntegerSign {
  template <class T>
  static T Of(T x) {
    return static_cast<T>((x > T{0}) - (x < T{0}));
  }
};
struct IntegerSquare {
  template <class T>
  static T Of(T x) {
    return static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(x));
  }
};
struct IntegerNot {
  template <class T>
  static T Of(T x) {
    return static_cast<T>(~x);
  }
};

template <class Op>
Loop1 IntegerLoopOf(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return IntegerLoop<Op, int8_t>;
    case DType::kUInt8:
      return IntegerLoop<Op, uint8_t>;
    case DType::kInt16:
      return IntegerLoop<Op, int16_t>;
    case DType::kUInt16:
      return IntegerLoop<Op, uint16_t>;
    case DType::kInt32:
      return IntegerLoop<Op, int32_t>;
    case DType::kUInt32:
      return IntegerLoop<Op, uint32_t>;
    case DType::kInt64:
      return IntegerLoop<Op, int64_t>;
    default:
      return IntegerLoop<Op, uint64_t>;
  }
}

// Floats by one op, integers by another.
template <class FloatOp, class IntegerOp>
Status Number(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  if (in.size == 0) return 0;
  const bool is_float = (Mask(in.dtype) & kFloats) != 0;
  RunUnary(in, call.outputs[0], 0.15,
           is_float ? LoopOf<FloatOp>(in.dtype)
                    : IntegerLoopOf<IntegerOp>(in.dtype));
  return 0;
}

struct LogicalNot {
  template <class T>
  static T Of(T x) {
    return x ^ 1;
  }
};

Status Not(const KernelCall& call) {
  const TensorView& in = call.inputs[0];
  if (in.size > 0) {
    RunUnary(in, call.outputs[0], 0.1, IntegerLoop<LogicalNot, uint8_t>);
  }
  return 0;
}

Status BitwiseNot(const KernelCall& call) {
  if (call.inputs[0].dtype == DType::kBool) return Not(call);
  return Number<Negative, IntegerNot>(call);
}

struct IsNanTest {
  template <class T>
  static bool Of(T x) {
    return x != x;
  }
};
struct IsInfTest {
  template <class T>
  static bool Of(T x) {
    return x - x != x - x && x == x;
  }
};
struct IsFiniteTest {
  template <class T>
  static bool Of(T x) {
    return x - x == 0;
  }
};

}  // namespace

void Register_unary(Registry& registry) {
  registry.Add("negative", Number<Negative, IntegerNegative>, kNumbers);
  registry.Add("absolute", Number<AbsoluteOp, IntegerAbsolute>, kNumbers);
  registry.Add("sign", Number<Sign, IntegerSign>, kNumbers);
  registry.Add("square", Number<Square, IntegerSquare>, kNumbers);
  registry.Add("exp", Float<ExpOp, 300>, kFloats);
  registry.Add("expm1", Float<Expm1Op, 600>, kFloats);
  registry.Add("log", Float<LogOp, 400>, kFloats);
  registry.Add("log1p", Float<Log1pOp, 600>, kFloats);
  registry.Add("log2", Float<Log2Op, 400>, kFloats);
  registry.Add("sqrt", Float<SqrtOp, 200>, kFloats);
  registry.Add("rsqrt", Float<Rsqrt, 300>, kFloats);
  registry.Add("reciprocal", Float<Reciprocal, 200>, kFloats);
  registry.Add("sin", Float<Sin, 500>, kFloats);
  registry.Add("cos", Float<Cos, 500>, kFloats);
  registry.Add("tan", Float<Tan, 8000>, kFloats);
  registry.Add("arcsin", Float<Arcsin, 8000>, kFloats);
  registry.Add("arccos", Float<Arccos, 8000>, kFloats);
  registry.Add("arctan", Float<Arctan, 8000>, kFloats);
  registry.Add("sinh", Float<Sinh, 8000>, kFloats);
  registry.Add("cosh", Float<Cosh, 8000>, kFloats);
  registry.Add("tanh", Float<TanhOp, 500>, kFloats);
  registry.Add("arcsinh", Float<Arcsinh, 12000>, kFloats);
  registry.Add("arccosh", Float<Arccosh, 12000>, kFloats);
  registry.Add("arctanh", Float<Arctanh, 12000>, kFloats);
  registry.Add("erf", Float<ErfOp, 800>, kFloats);
  registry.Add("erfc", Float<ErfcOp, 12000>, kFloats);
  registry.Add("erfinv", Float<ErfinvOp, 1000>, kFloats);
  registry.Add("sigmoid", Float<SigmoidOp, 400>, kFloats);
  registry.Add("floor", Float<FloorOp, 150>, kFloats);
  registry.Add("ceil", Float<CeilOp, 150>, kFloats);
  registry.Add("round", Float<RoundOp, 150>, kFloats);
  registry.Add("trunc", Float<TruncOp, 150>, kFloats);
  registry.Add("isnan", FloatTest<IsNanTest>, kFloats);
  registry.Add("isinf", FloatTest<IsInfTest>, kFloats);
  registry.Add("isfinite", FloatTest<IsFiniteTest>, kFloats);
  registry.Add("logical_not", Not, Mask(DType::kBool));
  registry.Add("bitwise_not", BitwiseNot, kIntegers | Mask(DType::kBool));
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
