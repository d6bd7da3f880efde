// Elementwise ops beyond the everyday ones: powers of two, cube roots, Bessel
// functions, remainders and divisors, neighbours of floats.
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
#include "binary_loops.h"
#include "unary_loops.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// 2^x = 2^n e^(f ln 2) with n integral, exact where x is.
KERATIN_INLINE Vec Exp2(Vec x) {
  // NaN passes: the second operand wins.
  x = RawMin(Set(129.0f), RawMax(Set(-151.0f), x));
  const Vec n = Round(x);
  const Vec r = (x - n) * Set(0.693147181f);
  const Vec p = (ExpTail(r) + r) + Set(1);
  // In two steps, so that denormal results and overflow come out right.
  const IVec whole = ToInt(n);
  const IVec half = ShiftRightArithmetic<1>(whole);
  return p * PowerOfTwo(half) * PowerOfTwo(whole - half);
}

// Chebyshev series of the modified Bessel functions, computed from their power
// series in 60 decimal digits:
//   e^-x I0(x), e^-x I1(x) / x           in t = x / 4 - 1    on [0, 8]
//   e^-x sqrt(x) I0(x), e^-x sqrt(x) I1(x)  in t = 16 / x - 1  on [8, inf)
constexpr double kI0Small[] = {
    0.33839763720473803, -0.3046826723431984, 0.17162090152220877,
    -0.094901097048047639, 0.049305284239670712, -0.023737414805899471,
    0.010546460394594998, -0.0043243099950505759, 0.0016394756169413357,
    -0.00057637557453858236, 0.00018850288509584165, -5.754195010082104e-05,
    1.6448448070728896e-05, -4.4167383584587505e-06, 1.1173875391201037e-06,
    -2.6707938539406119e-07, 6.0469950225419186e-08, -1.300025009986248e-08,
    2.6598237246823866e-09, -5.1897956016352627e-10, 9.675809035373237e-11,
    -1.7268262914415559e-11, 2.9550526631296399e-12, -4.856446783111929e-13,
    7.6761854986049361e-14, -1.1685332877993451e-14, 1.7153912855551331e-15,
    -2.4312798465479549e-16, 3.3307945188222384e-17, -4.4153416464793395e-18,
    5.6691780069214962e-19,
};
constexpr double kI0Large[] = {
    0.40224520550705439, 0.0033691164782556943, 6.8897583469168245e-05,
    2.8913705208347567e-06, 2.0489185894690638e-07, 2.266668990498178e-08,
    3.3962320257083865e-09, 4.9406023882249701e-10, 1.1889147107846439e-11,
    -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12,
    7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14,
    -4.1505693472872222e-14, -9.5548466988283073e-15, 3.8116806693526224e-15,
    1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16,
    3.4612228676974612e-17, 4.4656214202967598e-17, -4.8305044859441819e-18,
    -7.2331804878747538e-18, 9.9214754121736987e-19, 1.193650890845982e-18,
};
constexpr double kI1Small[] = {
    0.12629359322181682, -0.17641651835783406, 0.10264365868984709,
    -0.052945981208094989, 0.024726449030626516, -0.010564084894626197,
    0.0041564229443128882, -0.0015135724506312532, 0.00051228595616857576,
    -0.00016176081582589674, 4.7815651075500542e-05, -1.3273163656039436e-05,
    3.4702513081376785e-06, -8.5687202646954547e-07, 2.0032947535521353e-07,
    -4.4450591287963281e-08, 9.3815373864957726e-09, -1.8872497517228294e-09,
    3.6255902815521172e-10, -6.6634897235020271e-11, 1.1736186298890901e-11,
    -1.9839743977649436e-12, 3.2237933659455748e-13, -5.0421855047279118e-14,
    7.6006842947354077e-15, -1.1055969477353862e-15, 1.5536319577362005e-16,
    -2.111421214358166e-17, 2.7779141127610464e-18, -3.5415817725421362e-19,
    4.3793027566550707e-20,
};
constexpr double kI1Large[] = {
    0.38928811750914005, -0.0097610974913614687, -0.00011058893876262371,
    -3.8825648088776906e-06, -2.5122362378702088e-07, -2.6314688468895196e-08,
    -3.835380385964237e-09, -5.5897434621965838e-10, -1.8974958123505413e-11,
    3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12,
    -7.1985517762459084e-13, -4.0835511110921974e-13, -2.1015418427726643e-14,
    4.272440016711951e-14, 1.0420276984128802e-14, -3.8144030724370075e-15,
    -1.8803547755107825e-15, 3.3082023109209285e-16, 2.9626289976459501e-16,
    -3.2095259219934238e-17, -4.6503053684893586e-17, 4.4143483230717077e-18,
    7.5172963108421052e-18, -9.3141788673268842e-19, -1.242193275194891e-18,
};

// Clenshaw's recurrence over the first `count` terms.
double Chebyshev(double t, const double* c, int count) {
  double next = 0, after = 0;
  for (int k = count - 1; k > 0; k--) {
    const double b = 2 * t * next - after + c[k];
    after = next;
    next = b;
  }
  return t * next - after + c[0];
}

template <bool kWide>
double BesselI(double x, const double* small, const double* large, bool odd) {
  // Where the terms fall below half a unit of the result's type.
  constexpr int kSmall = kWide ? 31 : 21;
  constexpr int kLarge = kWide ? 27 : 8;
  const double a = __builtin_fabs(x);
  if (a != a) return x;
  if (a == __builtin_inf()) return odd ? x : a;
  double scaled;
  if (a <= 8) {
    scaled = Chebyshev(a / 4 - 1, small, kSmall);
    if (odd) scaled *= a;
  } else {
    scaled = Chebyshev(16 / a - 1, large, kLarge) / __builtin_sqrt(a);
  }
  // e^x alone would overflow too early.
  const double root = ::exp(a / 2);
  const double result = scaled * root * root;
  return odd && x < 0 ? -result : result;
}

float I0Of(float x) {
  return static_cast<float>(BesselI<false>(x, kI0Small, kI0Large, false));
}
double I0Of(double x) { return BesselI<true>(x, kI0Small, kI0Large, false); }
float I1Of(float x) {
  return static_cast<float>(BesselI<false>(x, kI1Small, kI1Large, true));
}
double I1Of(double x) { return BesselI<true>(x, kI1Small, kI1Large, true); }

KERATIN_VECTOR_OP(Exp2Op, Exp2(x), ::exp2(x))
KERATIN_LIBRARY_OP(Cbrt, ::cbrtf, ::cbrt)
KERATIN_LIBRARY_OP(I0Op, I0Of, I0Of)
KERATIN_LIBRARY_OP(I1Op, I1Of, I1Of)

struct SignbitTest {
  template <class T>
  static bool Of(T x) {
    return __builtin_signbit(x);
  }
};

// The square of a float32 is exact in float64 and does not overflow there.
struct Hypot {
  static float Do(float a, float b) {
    const double x = a, y = b;
    const auto root = static_cast<float>(__builtin_sqrt(x * x + y * y));
    // Infinite even where the other is NaN.
    const bool infinite = __builtin_fabsf(a) == kInfinity ||
                          __builtin_fabsf(b) == kInfinity;
    return infinite ? kInfinity : root;
  }
  static double Do(double a, double b) { return ::hypot(a, b); }
};

// The remainder of the division that rounds towards 0: of the sign of a.
struct Fmod {
  static float Do(float a, float b) { return ::fmodf(a, b); }
  static double Do(double a, double b) { return ::fmod(a, b); }
  template <class T>
  static T Do(T a, T b) {
    if (b == 0) return 0;
    if constexpr (kIsSigned<T>) {
      // The smallest value over -1 would trap.
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
};

// The other operand where one is NaN.
struct Fmax {
  template <class T>
  static T Do(T a, T b) {
    return a > b || b != b ? a : b;
  }
};
struct Fmin {
  template <class T>
  static T Do(T a, T b) {
    return a < b || b != b ? a : b;
  }
};

// a 2^b; an integral b far outside of the exponents there are is clamped.
struct Ldexp {
  static float Do(float a, float b) {
    if (b != b) return b;
    return ::ldexpf(a, static_cast<int>(b < -300 ? -300 : b > 300 ? 300 : b));
  }
  static double Do(double a, double b) {
    if (b != b) return b;
    return ::ldexp(a,
                   static_cast<int>(b < -2200 ? -2200 : b > 2200 ? 2200 : b));
  }
};

// The absolute value as an unsigned number, so that the smallest one has one.
template <class T>
uint64_t Magnitude(T x) {
  if constexpr (kIsSigned<T>) {
    if (x < 0) return 0 - static_cast<uint64_t>(x);
  }
  return static_cast<uint64_t>(x);
}

// J. Stein's binary algorithm: shifts and subtractions in place of divisions.
KERATIN_INLINE uint64_t GcdOf(uint64_t a, uint64_t b) {
  if (a == 0) return b;
  if (b == 0) return a;
  const int twos = __builtin_ctzll(a | b);
  a >>= __builtin_ctzll(a);
  do {
    b >>= __builtin_ctzll(b);
    if (a > b) {
      const uint64_t t = a;
      a = b;
      b = t;
    }
    b -= a;
  } while (b != 0);
  return a << twos;
}
struct Gcd {
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(GcdOf(Magnitude(a), Magnitude(b)));
  }
};
struct Lcm {
  template <class T>
  static T Do(T a, T b) {
    const uint64_t x = Magnitude(a), y = Magnitude(b);
    if (x == 0 || y == 0) return 0;
    return static_cast<T>(x / GcdOf(x, y) * y);
  }
};

// The next float from a towards b, on the bits U of a type whose infinity is
// kInfinite: magnitudes are ordered as integers.
template <class U, U kInfinite>
void NextafterLoop(const void* a, const void* b, void* out, int64_t n) {
  const U* x = static_cast<const U*>(a);
  const U* y = static_cast<const U*>(b);
  U* z = static_cast<U*>(out);
  constexpr U kSign = static_cast<U>(U{1} << (sizeof(U) * 8 - 1));
  constexpr U kMagnitude = static_cast<U>(~kSign);
  for (int64_t i = 0; i < n; i++) {
    const U from = x[i], to = y[i];
    const U m = from & kMagnitude, t = to & kMagnitude;
    if (m > kInfinite || t > kInfinite) {
      z[i] = m > kInfinite ? from : to;  // NaN
    } else if (from == to || (m == 0 && t == 0)) {
      z[i] = to;
    } else if (m == 0) {
      z[i] = static_cast<U>((to & kSign) | 1);
    } else {
      const bool outwards = (from & kSign) == (to & kSign) && t > m;
      z[i] = static_cast<U>(outwards ? from + 1 : from - 1);
    }
  }
}

constexpr Loops kHypot = WithFloats<Hypot>(1);
constexpr Loops kFmod = WithIntegers<Fmod>(WithFloats<Fmod>(kTranscendental));
constexpr Loops kFmax =
    WithBool<Fmax>(WithIntegers<Fmax>(WithFloats<Fmax>(kSimple)));
constexpr Loops kFmin =
    WithBool<Fmin>(WithIntegers<Fmin>(WithFloats<Fmin>(kSimple)));
constexpr Loops kLdexp = WithFloats<Ldexp>(3);
constexpr Loops kGcd = WithIntegers<Gcd>(Loops{{}, 50});
constexpr Loops kLcm = WithIntegers<Lcm>(Loops{{}, 60});
constexpr Loops NextafterLoops() {
  Loops loops{};
  loops.ns = 1;
  loops.by[static_cast<int>(DType::kFloat16)] = NextafterLoop<uint16_t, 0x7c00>;
  loops.by[static_cast<int>(DType::kBFloat16)] =
      NextafterLoop<uint16_t, 0x7f80>;
  loops.by[static_cast<int>(DType::kFloat32)] =
      NextafterLoop<uint32_t, 0x7f800000u>;
  loops.by[static_cast<int>(DType::kFloat64)] =
      NextafterLoop<uint64_t, uint64_t{0x7ff} << 52>;
  return loops;
}
constexpr Loops kNextafter = NextafterLoops();

}  // namespace

void Register_special(Registry& registry) {
  registry.Add("exp2", Float<Exp2Op, 300>, kFloats);
  registry.Add("cbrt", Float<Cbrt, 12000>, kFloats);
  registry.Add("i0", Float<I0Op, 60000>, kFloats);
  registry.Add("i1", Float<I1Op, 60000>, kFloats);
  registry.Add("signbit", FloatTest<SignbitTest>, kFloats);
  registry.Add("hypot", Binary<kHypot>, kFloats);
  registry.Add("fmod", Binary<kFmod>, kNumbers);
  registry.Add("fmax", Binary<kFmax>, kAllDTypes);
  registry.Add("fmin", Binary<kFmin>, kAllDTypes);
  registry.Add("ldexp", Binary<kLdexp>, kFloats);
  registry.Add("gcd", Binary<kGcd>, kIntegers);
  registry.Add("lcm", Binary<kLcm>, kIntegers);
  registry.Add("nextafter", Binary<kNextafter>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
