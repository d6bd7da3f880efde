// a^b in float32, computed in float64: 2^(b log2 |a|), correctly rounded but for
// one result in thousands. Retargeted: include after binary_loops.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Vectors of the compiler, so that one text serves every width.
constexpr int kPowerLanes = Simd<double>::kLanes;
typedef float PowerF __attribute__((vector_size(4 * kPowerLanes)));
typedef double PowerD __attribute__((vector_size(8 * kPowerLanes)));
typedef int64_t PowerI __attribute__((vector_size(8 * kPowerLanes)));

KERATIN_INLINE PowerD PowerSet(double x) { return Simd<double>::Broadcast(x); }
KERATIN_INLINE PowerI PowerBits(PowerD x) { return reinterpret_cast<PowerI>(x); }

template <int kCount>
KERATIN_INLINE PowerD PowerPolynomial(PowerD x, const double (&c)[kCount]) {
  PowerD p = PowerSet(c[0]);
#pragma GCC unroll 16
  for (int i = 1; i < kCount; i++) p = Simd<double>::Fma(p, x, PowerSet(c[i]));
  return p;
}

// log2 of positive finite x: x = m 2^e with m in [sqrt(1/2), sqrt(2)), then
// 2 atanh(t) / ln 2 with t = (m - 1) / (m + 1), its series to 2^-45.
KERATIN_INLINE PowerD PowerLog2(PowerD x) {
  constexpr double kC[] = {0.19235933878519512, 0.22195308321368667,
                           0.2623081892525389,  0.32059889797532526,
                           0.4121985831111324,  0.5770780163555854,
                           0.9617966939259756,  2.8853900817779268};
  constexpr int64_t kRoot = 0x3fe6a09e667f3bcd;  // sqrt(1/2)
  const PowerI whole = (PowerBits(x) - kRoot) >> 52;
  const PowerD m = reinterpret_cast<PowerD>(PowerBits(x) - (whole << 52));
  // An integer in the low bits of 2^52 + 2^51 as a float64.
  constexpr double kShift = 6755399441055744.0;
  const PowerD e =
      reinterpret_cast<PowerD>(PowerBits(PowerSet(kShift)) + whole) - kShift;
  const PowerD t = (m - 1.0) / (m + 1.0);
  return Simd<double>::Fma(PowerPolynomial(t * t, kC), t, e);
}

// 2^z for z in [-200, 200].
KERATIN_INLINE PowerD PowerExp2(PowerD z) {
  constexpr double kC[] = {
      1.0178086009239699e-07, 1.3215486790144307e-06, 1.525273380405984e-05,
      0.0001540353039338161,  0.0013333558146428443,  0.009618129107628477,
      0.05550410866482158,    0.2402265069591007,     0.6931471805599453,
      1.0};
  constexpr double kShift = 6755399441055744.0;
  const PowerD shifted = z + kShift;
  const PowerD q = PowerPolynomial(z - (shifted - kShift), kC);
  return q * reinterpret_cast<PowerD>((PowerBits(shifted) + 1023) << 52);
}

KERATIN_INLINE PowerF PowerOf(PowerF base, PowerF exponent) {
  const PowerD a = __builtin_convertvector(base, PowerD);
  const PowerD b = __builtin_convertvector(exponent, PowerD);
  constexpr double kInf = __builtin_inf();
  const PowerI sign = PowerBits(a) & INT64_MIN;
  const PowerD x = reinterpret_cast<PowerD>(PowerBits(a) ^ sign);
  const PowerD size_b = b < 0.0 ? -b : b;
  PowerD log2 = PowerLog2(x);
  log2 = x == 0.0 ? PowerSet(-kInf) : log2;
  log2 = x < kInf ? log2 : x;  // infinity, NaN
  PowerD z = b * log2;
  z = z < -200.0 ? PowerSet(-200) : z;
  z = z > 200.0 ? PowerSet(200) : z;
  PowerD result = PowerExp2(z);
  // Of NaN the bits of 2^z are anything.
  result = z == z ? result : z;
  // From 2^24 on every float32 is an even integer.
  constexpr double kEven = 1 << 24;
  const PowerD small = size_b < kEven ? size_b : PowerSet(kEven);
  constexpr double kUnit = 4503599627370496.0;
  const PowerD unit = small + kUnit;
  const PowerI integral = unit - kUnit == small;
  const PowerI odd = integral & -(PowerBits(unit) & 1);
  result = reinterpret_cast<PowerD>(PowerBits(result) | (sign & odd));
  const PowerI undefined = (a < 0.0) & ~integral & (x < kInf) & (b == b);
  result = undefined ? PowerSet(__builtin_nan("")) : result;
  const PowerI one = (a == 1.0) | (b == 0.0) | ((a == -1.0) & (size_b == kInf));
  result = one ? PowerSet(1) : result;
  return __builtin_convertvector(result, PowerF);
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
