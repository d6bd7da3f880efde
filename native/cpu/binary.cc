// Elementwise ops of two operands, which broadcast.
#include <cmath>
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"
#include "elementwise.h"
#include "simd/lanes.h"
#include "binary_loops.h"
#include "power.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

struct Add {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct Subtract {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a - b);
  }
};
struct Multiply {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a * b);
  }
  // uint16 would be promoted to int and overflow.
  static uint16_t Do(uint16_t a, uint16_t b) {
    return static_cast<uint16_t>(uint32_t{a} * uint32_t{b});
  }
};
struct Divide {
  template <class T>
  static T Do(T a, T b) {
    return a / b;
  }
};
struct Maximum {
  template <class T>
  static T Do(T a, T b) {
    return a > b || a != a ? a : b;
  }
};
struct Minimum {
  template <class T>
  static T Do(T a, T b) {
    return a < b || a != a ? a : b;
  }
};
KERATIN_INLINE float FloorOf(float x) { return __builtin_floorf(x); }
KERATIN_INLINE double FloorOf(double x) { return __builtin_floor(x); }

// The remainder of the division that rounds towards minus infinity.
struct Mod {
  template <class T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      const T r = sizeof(T) == 4 ? static_cast<T>(::fmodf(
                                       static_cast<float>(a),
                                       static_cast<float>(b)))
                                 : static_cast<T>(::fmod(a, b));
      if (r == 0) return __builtin_copysign(T{0}, b);
      return (r < 0) != (b < 0) ? r + b : r;
    } else {
      if (b == 0) return 0;
      if constexpr (kIsSigned<T>) {
        if (b == -1) return 0;
        const T r = static_cast<T>(a % b);
        return static_cast<T>(r != 0 && (r < 0) != (b < 0) ? r + b : r);
      } else {
        return static_cast<T>(a % b);
      }
    }
  }
};
struct FloorDivide {
  template <class T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return FloorOf(a / b);
    } else {
      if (b == 0) return 0;
      if constexpr (kIsSigned<T>) {
        // -a wraps for the smallest value, where a / -1 would trap.
        if (b == -1) {
          return static_cast<T>(0 - static_cast<uint64_t>(a));
        }
        const T q = static_cast<T>(a / b);
        return static_cast<T>(a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q);
      } else {
        return static_cast<T>(a / b);
      }
    }
  }
};
struct Power {
  static float Do(float a, float b) { return ::powf(a, b); }
  static double Do(double a, double b) { return ::pow(a, b); }
  template <class T>
  static T Do(T a, T b) {
    if constexpr (kIsSigned<T>) {
      if (b < 0) {
        if (a == 1) return 1;
        if (a == -1) return static_cast<T>(b % 2 == 0 ? 1 : -1);
        return 0;
      }
    }
    uint64_t result = 1;
    auto base = static_cast<uint64_t>(a);
    for (auto n = static_cast<uint64_t>(b); n != 0; n >>= 1) {
      if (n & 1) result *= base;
      base *= base;
    }
    return static_cast<T>(result);
  }
};
struct Arctan2 {
  static float Do(float a, float b) { return ::atan2f(a, b); }
  static double Do(double a, double b) { return ::atan2(a, b); }
};
struct BitAnd {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct BitOr {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct BitXor {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct LeftShift {
  template <class T>
  static T Do(T a, T b) {
    constexpr uint64_t kBits = sizeof(T) * 8;
    const auto n = static_cast<uint64_t>(b);
    return n < kBits ? static_cast<T>(static_cast<uint64_t>(a) << n) : T{0};
  }
};
struct RightShift {
  template <class T>
  static T Do(T a, T b) {
    constexpr uint64_t kBits = sizeof(T) * 8;
    const auto n = static_cast<uint64_t>(b);
    if (n < kBits) return static_cast<T>(a >> n);
    return kIsSigned<T> && a < 0 ? static_cast<T>(-1) : T{0};
  }
};
struct IsEqual {
  template <class T>
  static bool Do(T a, T b) {
    return a == b;
  }
};
struct Differs {
  template <class T>
  static bool Do(T a, T b) {
    return a != b;
  }
};
struct LessThan {
  template <class T>
  static bool Do(T a, T b) {
    return a < b;
  }
};
struct AtMost {
  template <class T>
  static bool Do(T a, T b) {
    return a <= b;
  }
};
struct GreaterThan {
  template <class T>
  static bool Do(T a, T b) {
    return a > b;
  }
};
struct AtLeast {
  template <class T>
  static bool Do(T a, T b) {
    return a >= b;
  }
};

template <>
void Loop<Power, float>(const void* a, const void* b, void* out, int64_t n) {
  const auto* x = static_cast<const float*>(a);
  const auto* y = static_cast<const float*>(b);
  auto* z = static_cast<float*>(out);
  const auto step = [&](int64_t i, size_t bytes) __attribute__((always_inline)) {
    PowerF base{}, exponent{};
    __builtin_memcpy(&base, x + i, bytes);
    __builtin_memcpy(&exponent, y + i, bytes);
    const PowerF result = PowerOf(base, exponent);
    __builtin_memcpy(z + i, &result, bytes);
  };
  int64_t i = 0;
  for (; i + kPowerLanes <= n; i += kPowerLanes) step(i, sizeof(PowerF));
  if (i < n) step(i, static_cast<size_t>(n - i) * sizeof(float));
}

constexpr Loops kAdd = WithBits<Add>(WithFloats<Add>(kSimple));
constexpr Loops kSubtract = WithBits<Subtract>(WithFloats<Subtract>(kSimple));
constexpr Loops kMultiply = WithBits<Multiply>(WithFloats<Multiply>(kSimple));
constexpr Loops kDivide = WithFloats<Divide>(0.3);
constexpr Loops kMaximum =
    WithBool<Maximum>(WithIntegers<Maximum>(WithFloats<Maximum>(kSimple)));
constexpr Loops kMinimum =
    WithBool<Minimum>(WithIntegers<Minimum>(WithFloats<Minimum>(kSimple)));
constexpr Loops kMod = WithIntegers<Mod>(WithFloats<Mod>(kTranscendental));
constexpr Loops kFloorDivide =
    WithIntegers<FloorDivide>(WithFloats<FloorDivide>(kSlow));
constexpr Loops kPower =
    WithIntegers<Power>(WithFloats<Power>(kTranscendental));
constexpr Loops kArctan2 = WithFloats<Arctan2>(kTranscendental);
constexpr Loops kBitwiseAnd = WithBool<BitAnd>(WithBits<BitAnd>(Loops{{}, kSimple}));
constexpr Loops kBitwiseOr = WithBool<BitOr>(WithBits<BitOr>(Loops{{}, kSimple}));
constexpr Loops kBitwiseXor = WithBool<BitXor>(WithBits<BitXor>(Loops{{}, kSimple}));
constexpr Loops kLeftShift = WithIntegers<LeftShift>(Loops{{}, kSimple});
constexpr Loops kRightShift = WithIntegers<RightShift>(Loops{{}, kSimple});
constexpr Loops kLogicalAnd = WithBool<BitAnd>(Loops{{}, kSimple});
constexpr Loops kLogicalOr = WithBool<BitOr>(Loops{{}, kSimple});
constexpr Loops kLogicalXor = WithBool<BitXor>(Loops{{}, kSimple});
constexpr Loops kEqual =
    WithBool<IsEqual>(WithBits<IsEqual>(WithFloats<IsEqual>(kSimple)));
constexpr Loops kNotEqual =
    WithBool<Differs>(WithBits<Differs>(WithFloats<Differs>(kSimple)));
constexpr Loops kLess =
    WithBool<LessThan>(WithIntegers<LessThan>(WithFloats<LessThan>(kSimple)));
constexpr Loops kLessEqual =
    WithBool<AtMost>(WithIntegers<AtMost>(WithFloats<AtMost>(kSimple)));
constexpr Loops kGreater = WithBool<GreaterThan>(
    WithIntegers<GreaterThan>(WithFloats<GreaterThan>(kSimple)));
constexpr Loops kGreaterEqual =
    WithBool<AtLeast>(WithIntegers<AtLeast>(WithFloats<AtLeast>(kSimple)));

// a where the condition holds, else b: by the size of an element.
template <class T>
void SelectLoop(const void* condition, const void* a, const void* b, void* out,
                int64_t n) {
  const uint8_t* c = static_cast<const uint8_t*>(condition);
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  T* z = static_cast<T*>(out);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) z[i] = c[i] ? x[i] : y[i];
}

Status Where(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const int size = ItemSize(out.dtype);
  const Loop3 loop = size == 1   ? SelectLoop<uint8_t>
                     : size == 2 ? SelectLoop<uint16_t>
                     : size == 4 ? SelectLoop<uint32_t>
                                 : SelectLoop<uint64_t>;
  const int sizes[3] = {1, size, size};
  Walk walk;
  MakeWalk(call.inputs, 3, out, &walk);
  ParallelFor(out.size, 0.3, kBlock, [&](int64_t begin, int64_t end) {
    alignas(64) uint8_t repeated[3][kBlock * 8];
    WalkRows(walk, 3, begin, end,
             [&](int64_t at, const int64_t* offsets, int64_t length) {
               const uint8_t* p[3];
               int64_t step[3];
               const int64_t filled = length < kBlock ? length : kBlock;
               for (int k = 0; k < 3; k++) {
                 p[k] = call.inputs[k].as<const uint8_t>() +
                        offsets[k] * sizes[k];
                 step[k] = walk.strides[k][0] != 0 ? sizes[k] : 0;
                 if (step[k] == 0) {
                   FillBlock(sizes[k], repeated[k], p[k], filled);
                   p[k] = repeated[k];
                 }
               }
               uint8_t* to = out.as<uint8_t>() + at * size;
               for (int64_t i = 0; i < length; i += kBlock) {
                 const int64_t n = length - i < kBlock ? length - i : kBlock;
                 loop(p[0] + i * step[0], p[1] + i * step[1],
                      p[2] + i * step[2], to + i * size, n);
               }
             });
  });
  return 0;
}

}  // namespace

void Register_binary(Registry& registry) {
  constexpr DTypeMask kBool = Mask(DType::kBool);
  registry.Add("add", Binary<kAdd>, kNumbers);
  registry.Add("subtract", Binary<kSubtract>, kNumbers);
  registry.Add("multiply", Binary<kMultiply>, kNumbers);
  registry.Add("divide", Binary<kDivide>, kFloats);
  registry.Add("maximum", Binary<kMaximum>, kAllDTypes);
  registry.Add("minimum", Binary<kMinimum>, kAllDTypes);
  registry.Add("mod", Binary<kMod>, kNumbers);
  registry.Add("floor_divide", Binary<kFloorDivide>, kNumbers);
  registry.Add("power", Binary<kPower>, kNumbers);
  registry.Add("arctan2", Binary<kArctan2>, kFloats);
  registry.Add("bitwise_and", Binary<kBitwiseAnd>, kIntegers | kBool);
  registry.Add("bitwise_or", Binary<kBitwiseOr>, kIntegers | kBool);
  registry.Add("bitwise_xor", Binary<kBitwiseXor>, kIntegers | kBool);
  registry.Add("left_shift", Binary<kLeftShift>, kIntegers);
  registry.Add("right_shift", Binary<kRightShift>, kIntegers);
  registry.Add("logical_and", Binary<kLogicalAnd>, kBool);
  registry.Add("logical_or", Binary<kLogicalOr>, kBool);
  registry.Add("logical_xor", Binary<kLogicalXor>, kBool);
  registry.Add("equal", Binary<kEqual>, kAllDTypes);
  registry.Add("not_equal", Binary<kNotEqual>, kAllDTypes);
  registry.Add("less", Binary<kLess>, kAllDTypes);
  registry.Add("less_equal", Binary<kLessEqual>, kAllDTypes);
  registry.Add("greater", Binary<kGreater>, kAllDTypes);
  registry.Add("greater_equal", Binary<kGreaterEqual>, kAllDTypes);
  registry.Add("where", Where, Mask(DType::kBool));
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
