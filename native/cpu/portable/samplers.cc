// Random draws by rejection, with the steps and key splits of JAX, so that the
// same key gives the same numbers: gamma (Marsaglia and Tsang 2000) and
// binomial (inversion, and BTRS of Hörmann 1993). Also the splitting of keys.
//
// Half types round after every step, as a machine without float32 would.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../kernel.h"
#include "../parallel.h"

namespace keratin {
namespace portable {
namespace {

struct Key {
  uint32_t a, b;
};

uint32_t Rotate(uint32_t x, int bits) {
  return (x << bits) | (x >> (32 - bits));
}

// Threefry-2x32, 20 rounds.
Key Threefry(Key key, uint32_t x0, uint32_t x1) {
  static constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t schedule[3] = {key.a, key.b, key.a ^ key.b ^ 0x1bd11bda};
  x0 += schedule[0];
  x1 += schedule[1];
  for (int group = 0; group < 5; group++) {
    for (int bits : kRotations[group & 1]) {
      x0 += x1;
      x1 = Rotate(x1, bits) ^ x0;
    }
    x0 += schedule[(group + 1) % 3];
    x1 += schedule[(group + 2) % 3] + static_cast<uint32_t>(group) + 1;
  }
  return {x0, x1};
}

Key Split(Key key, uint64_t i) {
  return Threefry(key, static_cast<uint32_t>(i >> 32), static_cast<uint32_t>(i));
}

uint32_t Bits(Key key, uint64_t i) {
  const Key word = Split(key, i);
  return word.a ^ word.b;
}

float FromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
uint32_t ToBits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// How numbers of a dtype are made and rounded.
struct Single {
  static float Round(float x) { return x; }
  // In [0, 1), from the bits of element i.
  static float Uniform(Key key, uint64_t i) {
    return FromBits((Bits(key, i) >> 9) | 0x3f800000) - 1;
  }
  static constexpr float kNearMinusOne = -0x1.fffffep-1f;
  static constexpr float kSqrt2 = 1.41421354f;
};

template <int kMantissa, int kMinExponent>
struct Narrow {
  // To nearest even, with kMantissa bits of fraction.
  static float Round(float x) {
    const uint32_t bits = ToBits(x);
    if ((bits & 0x7fffffff) >= 0x7f800000) return x;
    const float magnitude = std::fabs(x);
    if (magnitude < std::ldexp(1.0f, kMinExponent)) {
      const float unit = std::ldexp(1.0f, kMinExponent - kMantissa);
      return std::rint(x / unit) * unit;
    }
    constexpr int kDrop = 23 - kMantissa;
    const uint32_t rounded =
        bits + (1u << (kDrop - 1)) - 1 + ((bits >> kDrop) & 1);
    return FromBits(rounded & ~((1u << kDrop) - 1));
  }
  // bfloat16 draws words of 8 bits, float16 of 16.
  static float Uniform(Key key, uint64_t i) {
    constexpr int kWord = kMantissa < 8 ? 8 : 16;
    const uint32_t fraction =
        (Bits(key, i) & ((1u << kWord) - 1)) >> (kWord - kMantissa);
    return static_cast<float>(fraction) / static_cast<float>(1 << kMantissa);
  }
};
struct Float16 : Narrow<10, -14> {
  static constexpr float kNearMinusOne = -0.99951171875f;
  static constexpr float kSqrt2 = 1.4140625f;
};
struct BFloat16 : Narrow<7, -126> {
  static constexpr float kNearMinusOne = -0.99609375f;
  static constexpr float kSqrt2 = 1.4140625f;
};

// As native/cpu/simd/math.h: Giles' polynomials.
float Erfinv(float x) {
  static constexpr float kCentral[] = {
      2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
      -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
      -0.00417768164f,  0.246640727f,    1.50140941f};
  static constexpr float kTail[] = {
      -0.000200214257f, 0.000100950558f, 0.00134934322f,
      -0.00367342844f,  0.00573950773f,  -0.0076224613f,
      0.00943887047f,   1.00167406f,     2.83297682f};
  if (std::fabs(x) == 1) return x * INFINITY;
  float w = -std::log1p(-x * x);
  const bool central = w < 5;
  w = central ? w - 2.5f : std::sqrt(w) - 3;
  const float* c = central ? kCentral : kTail;
  float p = c[0];
  for (int i = 1; i < 9; i++) p = c[i] + p * w;
  return p * x;
}

template <class D>
float Normal(Key key) {
  const float low = D::kNearMinusOne;
  const float span = D::Round(1 - low);
  float u = D::Round(D::Round(D::Uniform(key, 0) * span) + low);
  if (u < low) u = low;
  return D::Round(D::kSqrt2 * D::Round(Erfinv(u)));
}

template <class D>
float Gamma(Key key, float alpha, bool log_space) {
  const auto r = [](float x) { return D::Round(x); };
  const bool large = alpha >= 1;
  const float original = alpha;
  if (!large) alpha = r(alpha + 1);
  const float third = r(1.0f / 3);
  const float d = r(alpha - third);
  const float c = r(third / r(std::sqrt(d)));
  const float squeeze = r(0.0331f);

  const Key subkey = Split(key, 1);
  key = Split(key, 0);
  float x2 = 0;
  float v3 = 1;
  float u = 2;
  const auto rejected = [&] {
    if (!(u >= r(1 - r(squeeze * r(x2 * x2))))) return false;
    const float right =
        r(r(x2 * 0.5f) + r(d * r(r(1 - v3) + r(std::log(v3)))));
    return r(std::log(u)) >= right;
  };
  while (rejected()) {
    Key x_key = Split(key, 1);
    const Key u_key = Split(key, 2);
    key = Split(key, 0);
    float x = 0;
    float v = -1;
    while (v <= 0) {
      const Key draw = Split(x_key, 1);
      x_key = Split(x_key, 0);
      x = Normal<D>(draw);
      v = r(1 + r(x * c));
    }
    x2 = r(x * x);
    v3 = r(r(v * v) * v);
    u = D::Uniform(u_key, 0);
  }
  const float sample = D::Uniform(subkey, 0);
  if (log_space) {
    // The logarithm of 1 - u is that of u in JAX's exponential draw.
    const float log_sample = r(std::log1p(-sample));
    const float boost = large || log_sample == 0
                            ? 0
                            : r(log_sample * r(1 / original));
    return r(r(r(std::log(d)) + r(std::log(v3))) + boost);
  }
  const float boost =
      large ? 1 : r(std::pow(r(1 - sample), r(1 / original)));
  return r(r(d * v3) * boost);
}

uint16_t StoreHalf(float x) {
  const uint32_t bits = ToBits(x);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    return static_cast<uint16_t>(
        sign | (ToBits(FromBits(magnitude) + 0.5f) - 0x3f000000));
  }
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000) >> 13));
}

float LoadHalf(uint16_t half) {
  const uint32_t magnitude = half & 0x7fff;
  const float scaled = FromBits(magnitude << 13) * FromBits(0x77800000);
  const float value = magnitude >= 0x7c00 ? FromBits(0x7f800000 | (magnitude << 13))
                                          : scaled;
  return half & 0x8000 ? -value : value;
}

// key, alpha -> draws of the shape of alpha; element i has key i of a split.
Status RandomGamma(const KernelCall& call) {
  const TensorView& alpha = call.inputs[0];
  const uint32_t* words = call.inputs[1].as<const uint32_t>();
  const TensorView& out = call.outputs[0];
  Attributes attributes = call.attributes();
  const bool log_space = attributes.Bool();
  const Key key{words[0], words[1]};
  ParallelFor(out.size, 300, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Key own = Split(key, static_cast<uint64_t>(i));
      switch (alpha.dtype) {
        case DType::kFloat16:
          out.as<uint16_t>()[i] = StoreHalf(Gamma<Float16>(
              own, LoadHalf(alpha.as<const uint16_t>()[i]), log_space));
          break;
        case DType::kBFloat16: {
          const float a = FromBits(
              static_cast<uint32_t>(alpha.as<const uint16_t>()[i]) << 16);
          out.as<uint16_t>()[i] = static_cast<uint16_t>(
              ToBits(Gamma<BFloat16>(own, a, log_space)) >> 16);
          break;
        }
        default:
          out.as<float>()[i] =
              Gamma<Single>(own, alpha.as<const float>()[i], log_space);
          break;
      }
    }
  });
  return 0;
}

float StirlingTail(float k) {
  static constexpr float kTail[] = {
      0.0810614667953272f,  0.0413406959554092f,  0.0276779256849983f,
      0.02079067210376509f, 0.0166446911898211f,  0.0138761288230707f,
      0.0118967099458917f,  0.0104112652619720f,  0.00925546218271273f,
      0.00833056343336287f};
  if (k <= 9) return kTail[static_cast<int>(k < 0 ? 0 : k)];
  // The series at 9, where JAX clamps it.
  k = 9;
  const float square = (k + 1) * (k + 1);
  return (1.0f / 12 - (1.0f / 360 - 1.0f / 1260 / square) / square) / (k + 1);
}

// For small n p: counts geometric waiting times. The loop goes on for all
// elements until the last one is done, each round with a fresh key.
void Inversion(Key key, const std::vector<float>& count,
               const std::vector<float>& p, std::vector<float>& out) {
  const size_t n = count.size();
  std::vector<float> geometric(n, 0), sum(n, 0);
  for (;;) {
    bool open = false;
    for (size_t i = 0; i < n; i++) open = open || sum[i] <= count[i];
    if (!open) break;
    const Key draw = Split(key, 0);
    key = Split(key, 1);
    for (size_t i = 0; i < n; i++) {
      if (sum[i] <= count[i]) geometric[i] += 1;
      const float u = Single::Uniform(draw, i);
      sum[i] += std::ceil(std::log(u) / std::log1p(-p[i]));
    }
  }
  for (size_t i = 0; i < n; i++) out[i] = geometric[i] - 1;
}

// For large n p. An element that was accepted may be accepted anew as long as
// others are not: part of the definition.
void Btrs(Key key, const std::vector<float>& count, const std::vector<float>& p,
          std::vector<float>& out) {
  const size_t n = count.size();
  std::vector<uint8_t> accepted(n, 0);
  for (size_t i = 0; i < n; i++) out[i] = -1;
  for (;;) {
    bool open = false;
    for (size_t i = 0; i < n; i++) open = open || !accepted[i];
    if (!open) break;
    const Key u_key = Split(key, 1);
    const Key v_key = Split(key, 2);
    key = Split(key, 0);
    for (size_t i = 0; i < n; i++) {
      const float q = p[i];
      const float c_n = count[i];
      const float stddev = std::sqrt(c_n * q * (1 - q));
      const float b = 1.15f + 2.53f * stddev;
      const float a = -0.0873f + 0.0248f * b + 0.01f * q;
      const float c = c_n * q + 0.5f;
      const float v_r = 0.92f - 4.2f / b;
      const float r = q / (1 - q);
      const float alpha = (2.83f + 5.1f / b) * stddev;
      const float m = std::floor((c_n + 1) * q);
      const float u = Single::Uniform(u_key, i) - 0.5f;
      float v = Single::Uniform(v_key, i);
      const float us = 0.5f - std::fabs(u);
      const bool accept1 = us >= 0.07f && v <= v_r;
      const float k = std::floor((2 * a / us + b) * u + c);
      const bool reject = k < 0 || k > c_n;
      v = std::log(v * alpha / (a / (us * us) + b));
      const float bound =
          (m + 0.5f) * std::log((m + 1) / (r * (c_n - m + 1))) +
          (c_n + 1) * std::log((c_n - m + 1) / (c_n - k + 1)) +
          (k + 0.5f) * std::log(r * (c_n - k + 1) / (k + 1)) +
          StirlingTail(m) + StirlingTail(c_n - m) - StirlingTail(k) -
          StirlingTail(c_n - k);
      if (accept1 || (!reject && v <= bound)) {
        out[i] = k;
        accepted[i] = 1;
      }
    }
  }
}

// count, probability (float32, of the output's shape), key -> draws.
Status RandomBinomial(const KernelCall& call) {
  const float* counts = call.inputs[0].as<const float>();
  const float* probabilities = call.inputs[1].as<const float>();
  const uint32_t* words = call.inputs[2].as<const uint32_t>();
  const TensorView& out = call.outputs[0];
  const auto n = static_cast<size_t>(out.size);
  if (n == 0) return 0;
  const Key key{words[0], words[1]};
  std::vector<float> inverse_count(n), btrs_count(n), inverse_p(n), btrs_p(n);
  std::vector<uint8_t> inverted(n);
  for (size_t i = 0; i < n; i++) {
    const float p = probabilities[i];
    float q = p < 0.5f ? p : 1 - p;
    if (std::isnan(q) || q < 0) q = 0.01f;
    if (q == 0) q = 0;  // of -0 the waiting times would be negative
    const float count = counts[i];
    const bool invalid = std::isnan(count) || count < 0;
    inverted[i] = invalid || count * q <= 10;
    const float whole = std::floor(count);
    inverse_count[i] = inverted[i] ? whole : 0;
    inverse_p[i] = q;
    btrs_count[i] = inverted[i] || std::isinf(count) ? 1e4f : whole;
    // 0 of infinitely many would never be accepted.
    btrs_p[i] = inverted[i] || q == 0 ? 0.5f : q;
  }
  std::vector<float> inversion(n), btrs(n);
  Inversion(key, inverse_count, inverse_p, inversion);
  Btrs(key, btrs_count, btrs_p, btrs);
  float* to = out.as<float>();
  for (size_t i = 0; i < n; i++) {
    const float p = probabilities[i];
    const float count = counts[i];
    const float q = p < 0.5f ? p : 1 - p;
    float sample = inverted[i] ? inversion[i] : btrs[i];
    if (std::isnan(count) || count < 0 || std::isnan(q) || q < 0) {
      to[i] = NAN;
    } else if (std::isinf(count)) {
      to[i] = INFINITY;
    } else {
      to[i] = p < 0.5f ? sample : std::floor(count) - sample;
    }
  }
  return 0;
}

// key -> [n, 2] keys.
Status RandomSplit(const KernelCall& call) {
  const uint32_t* words = call.inputs[0].as<const uint32_t>();
  const TensorView& out = call.outputs[0];
  const Key key{words[0], words[1]};
  for (int64_t i = 0; i < out.size / 2; i++) {
    const Key made = Split(key, static_cast<uint64_t>(i));
    out.as<uint32_t>()[2 * i] = made.a;
    out.as<uint32_t>()[2 * i + 1] = made.b;
  }
  return 0;
}

}  // namespace

void Register_samplers(Registry& registry) {
  registry.Add("random_split", RandomSplit, Mask(DType::kUInt32));
  registry.Add("random_gamma", RandomGamma,
               Mask(DType::kFloat16) | Mask(DType::kBFloat16) |
                   Mask(DType::kFloat32));
  registry.Add("random_binomial", RandomBinomial, Mask(DType::kFloat32));
}

}  // namespace portable
}  // namespace keratin
