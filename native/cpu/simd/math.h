// Elementary functions on vectors of float32. Retargeted: include after
// simd/f32.h. Errors are against float64, over all float32 arguments; the
// polynomials are least-squares fits weighted towards equal relative error.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

constexpr float kInfinity = __builtin_inff();
constexpr float kNan = __builtin_nanf("");

// The polynomial of the given coefficients, the highest first.
template <int kCount>
KERATIN_INLINE Vec Polynomial(Vec x, const float (&c)[kCount]) {
  Vec p = Set(c[0]);
#pragma GCC unroll 16
  for (int i = 1; i < kCount; i++) p = MulAdd(p, x, Set(c[i]));
  return p;
}

// 2^n for integral n in [-126, 127].
KERATIN_INLINE Vec PowerOfTwo(IVec n) {
  return FromBits(ShiftLeft<23>(n + ISet(127)));
}

// x = n ln 2 + r with |r| <= ln 2 / 2; returns r.
KERATIN_INLINE Vec ReduceExp(Vec x, Vec* n) {
  *n = Round(x * Set(1.44269504f));
  const Vec r = NegMulAdd(*n, Set(0.693145752f), x);
  return NegMulAdd(*n, Set(1.42860677e-6f), r);
}

// e^r - 1 - r for the reduced argument.
KERATIN_INLINE Vec ExpTail(Vec r) {
  constexpr float kC[] = {1.395046595e-03f, 8.368876763e-03f, 4.166620597e-02f,
                          1.666651964e-01f, 5.000000000e-01f};
  return Polynomial(r, kC) * r * r;
}

KERATIN_INLINE Vec Exp(Vec x) {
  // NaN passes: the second operand wins.
  x = RawMin(Set(89.0f), RawMax(Set(-104.0f), x));
  Vec n;
  const Vec r = ReduceExp(x, &n);
  const Vec p = (ExpTail(r) + r) + Set(1);
  // In two steps, so that denormal results and overflow come out right.
  const IVec whole = ToInt(n);
  const IVec half = ShiftRightArithmetic<1>(whole);
  return p * PowerOfTwo(half) * PowerOfTwo(whole - half);
}

KERATIN_INLINE Vec Expm1(Vec x) {
  const Vec clamped = RawMin(Set(88.0f), RawMax(Set(-17.5f), x));
  Vec n;
  const Vec r = ReduceExp(clamped, &n);
  const Vec e = ExpTail(r) + r;
  const Vec scale = PowerOfTwo(ToInt(n));
  const Vec small = MulAdd(scale, e, scale - Set(1));
  const Vec result = Select(Less(Set(87.0f), x), Exp(x), small);
  // Keeps -0 and NaN.
  return Select(Or(Equal(x, Set(0)), IsNan(x)), x, result);
}

// x = m 2^e with m in [sqrt(1/2), sqrt(2)); x positive and finite.
KERATIN_INLINE Vec SplitLog(Vec x, Vec* e) {
  const Lanes tiny = Less(x, Set(1.17549435e-38f));
  x = Select(tiny, x * Set(16777216.0f), x);
  const IVec bits = Bits(x);
  const IVec above = bits - ISet(0x3f3504f3);
  const IVec whole = ShiftRightArithmetic<23>(above);
  *e = ToFloat(whole) - Select(tiny, Set(24), Set(0));
  return FromBits(bits - ShiftLeft<23>(whole));
}

// log(1 + f) - f + f^2 / 2 for 1 + f in [sqrt(1/2), sqrt(2)).
KERATIN_INLINE Vec LogTail(Vec f) {
  constexpr float kC[] = {6.913836300e-02f,  -1.178827658e-01f,
                          1.187275052e-01f,  -1.238460094e-01f,
                          1.421874017e-01f,  -1.666923910e-01f,
                          2.000222057e-01f,  -2.499998659e-01f,
                          3.333331048e-01f};
  return Polynomial(f, kC) * f * (f * f);
}

// The result where x is 0, negative, infinite or NaN.
KERATIN_INLINE Vec LogSpecial(Vec x, Vec result) {
  result = Select(Less(x, Set(0)), Set(kNan), result);
  result = Select(Equal(x, Set(0)), Set(-kInfinity), result);
  return Select(Or(Equal(x, Set(kInfinity)), IsNan(x)), x, result);
}

KERATIN_INLINE Vec Log(Vec x) {
  Vec e;
  const Vec f = SplitLog(x, &e) - Set(1);
  Vec r = MulAdd(e, Set(-2.12194440e-4f), LogTail(f));
  r = NegMulAdd(Set(0.5f), f * f, r);
  return LogSpecial(x, MulAdd(e, Set(0.693359375f), f + r));
}

KERATIN_INLINE Vec Log2(Vec x) {
  Vec e;
  const Vec f = SplitLog(x, &e) - Set(1);
  const Vec r = NegMulAdd(Set(0.5f), f * f, LogTail(f));
  // log2(e) = 1.4427 in two parts; f + r is the logarithm of the mantissa.
  const Vec low = MulAdd(f + r, Set(1.92596303e-8f), Set(0));
  const Vec mantissa = MulAdd(r, Set(1.44269502f), low);
  return LogSpecial(x, MulAdd(f, Set(1.44269502f), mantissa) + e);
}

KERATIN_INLINE Vec Log1p(Vec x) {
  const Vec u = x + Set(1);
  // What rounding u lost, as a first-order correction.
  const Vec lost = x - (u - Set(1));
  Vec result = Log(u) + lost / u;
  result = Select(Equal(u, Set(1)), x, result);
  result = Select(Equal(x, Set(-1)), Set(-kInfinity), result);
  return Select(Or(Equal(x, Set(kInfinity)), IsNan(x)), x, result);
}

KERATIN_INLINE Vec Sigmoid(Vec x) {
  const Vec z = Exp(Set(0) - Abs(x));
  const Lanes negative = Less(x, Set(0));
  const Vec q = Select(negative, z, Set(1)) / (Set(1) + z);
  // z / (1 + z) = z - z q, which adds less to the error of a small z.
  return Select(IsNan(x), x, Select(negative, NegMulAdd(z, q, z), q));
}

KERATIN_INLINE Vec Tanh(Vec x) {
  constexpr float kC[] = {-5.532484036e-03f, 2.048762143e-02f,
                          -5.369466171e-02f, 1.333092749e-01f,
                          -3.333326578e-01f};
  const Vec a = Abs(x);
  const Vec z = a * a;
  const Vec near = MulAdd(Polynomial(z, kC) * z, a, a);
  const Vec far = Set(1) - Set(2) / (Exp(a + a) + Set(1));
  const Vec result = Select(Less(a, Set(0.65f)), near, far);
  return Select(IsNan(x), x, CopySign(result, x));
}

KERATIN_INLINE Vec Erf(Vec x) {
  constexpr float kNear[] = {8.345227252e-05f,  -8.137437981e-04f,
                             5.200634245e-03f,  -2.685927041e-02f,
                             1.128369421e-01f,  -3.761263490e-01f,
                             1.283791661e-01f};
  constexpr float kFar[] = {-2.320610974e-06f, 3.696502608e-05f,
                            -2.344356326e-04f, 5.720555200e-04f,
                            1.680365065e-03f,  -2.110183239e-02f,
                            1.040531993e-01f,  6.361457705e-01f,
                            1.284557283e-01f};
  const Vec a = Abs(x);
  const Vec near = MulAdd(Polynomial(a * a, kNear), a, a);
  const Vec t = RawMin(Set(4.1f), a);
  const Vec q = MulAdd(Polynomial(t, kFar), t, t);
  const Vec far = Set(1) - Exp(Set(0) - q);
  const Vec result = Select(Less(a, Set(0.93f)), near, far);
  return Select(IsNan(x), x, CopySign(result, x));
}

// M. Giles, Approximating the erfinv function (GPU Computing Gems 2, 2012):
// two polynomials in w = -log(1 - x^2).
KERATIN_INLINE Vec Erfinv(Vec x) {
  constexpr float kCentral[] = {2.81022636e-08f,  3.43273939e-07f,
                                -3.5233877e-06f,  -4.39150654e-06f,
                                0.00021858087f,   -0.00125372503f,
                                -0.00417768164f,  0.246640727f,
                                1.50140941f};
  constexpr float kTail[] = {-0.000200214257f, 0.000100950558f,
                             0.00134934322f,   -0.00367342844f,
                             0.00573950773f,   -0.0076224613f,
                             0.00943887047f,   1.00167406f,
                             2.83297682f};
  const Vec w = Set(0) - Log1p(Set(0) - x * x);
  const Vec central = Polynomial(w - Set(2.5f), kCentral);
  const Vec tail = Polynomial(Sqrt(w) - Set(3), kTail);
  const Vec result = Select(Less(w, Set(5)), central, tail) * x;
  return Select(Equal(Abs(x), Set(1)), x * Set(kInfinity), result);
}

// Arguments up to this are reduced by pi / 2 in four parts: the first three
// have 11 bits, so that their products with n are exact without FMA too.
constexpr float kMaxReducible = 8192.0f;

// sin(x + quadrants pi / 2) for |x| <= kMaxReducible.
KERATIN_INLINE Vec SinQuadrant(Vec x, int quadrants) {
  const Vec n = Round(x * Set(0.636619772f));
  Vec r = NegMulAdd(n, Set(1.5703125f), x);
  r = NegMulAdd(n, Set(4.83751297e-4f), r);
  r = NegMulAdd(n, Set(7.54953362e-8f), r);
  r = NegMulAdd(n, Set(2.56334407e-12f), r);
  constexpr float kSin[] = {-1.9515295891e-4f, 8.3321608736e-3f,
                            -1.6666654611e-1f};
  constexpr float kCos[] = {2.443315711809948e-5f, -1.388731625493765e-3f,
                            4.166664568298827e-2f};
  const Vec z = r * r;
  const Vec sine = MulAdd(Polynomial(z, kSin) * z, r, r);
  const Vec cosine =
      MulAdd(Polynomial(z, kCos) * z, z, NegMulAdd(Set(0.5f), z, Set(1)));
  const IVec quadrant = ToInt(n) + ISet(quadrants);
  const Lanes odd = Equal(ToFloat(quadrant & ISet(1)), Set(1));
  const Vec value = Select(odd, cosine, sine);
  const IVec sign = ShiftLeft<30>(quadrant & ISet(2));
  return FromBits(Bits(value) ^ sign);
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
