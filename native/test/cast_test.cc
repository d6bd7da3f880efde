#include <algorithm>
#include <limits>

#include "kernels.h"

namespace keratin::test {
namespace {

bool IsFloat(DType dtype) { return Mask(dtype) & kFloats; }
bool IsSigned(DType dtype) {
  return dtype == DType::kInt8 || dtype == DType::kInt16 ||
         dtype == DType::kInt32 || dtype == DType::kInt64;
}
bool IsHalf(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16;
}

// Edges of every type, both sides of them, and what lies between floats.
Array Edges(DType dtype, int64_t count) {
  std::vector<double> edges = {0, -0.0, 0.5, -0.5, 1, -1, 1.5, 2.5, -2.5, 0.999,
                               65504, 65519.9, 65520, 1e5, -1e5, 3e9, -3e9, 5e18,
                               -5e18, 1.5e19, 2e19, -2e19, 1e38, -1e38, 3.4e38, 1e-7,
                               5.9e-8, 2.9e-8, 3e-8, 1e-38, 1e-42, 1e-45, 1e300,
                               -1e300, INFINITY, -INFINITY, NAN, 2049, 4099, 257, 16777217};
  for (int bits : {7, 8, 15, 16, 31, 32, 63, 64}) {
    for (double sign : {1.0, -1.0}) {
      const double edge = sign * std::ldexp(1, bits);
      for (double off : {0.0, 1.0, -1.0, 0.5, -0.5}) edges.push_back(edge + off);
      edges.push_back(std::nextafter(edge, 0));
      edges.push_back(std::nextafter(edge, 2 * edge));
      edges.push_back(std::nextafterf(static_cast<float>(edge), 0));
    }
  }
  Array x = std::move(Array(dtype, {count}).Fill(91));
  for (int64_t i = 0; IsFloat(dtype) && i < count; i++) {
    const size_t k = static_cast<size_t>(i) % (2 * edges.size());
    if (k < edges.size()) x.Set(i, edges[k]);
  }
  if (!IsFloat(dtype) && dtype != DType::kBool) {
    // The extremes; small numbers; what float32 cannot hold.
    const int64_t numbers[] = {0, 1, -1, 2, 127, 128, 255, 2049, 65504, 65520, 16777217};
    for (int64_t i = 0; i < count; i++) {
      if (i % 3 == 0) x.SetInteger(i, numbers[i / 3 % 11]);
      if (i % 7 == 2) x.SetInteger(i, static_cast<int64_t>(uint64_t{1} << (8 * ItemSize(dtype) - 1)));
      if (i % 7 == 3) {
        // The largest of a signed type.
        x.SetInteger(i, INT64_MAX >> (64 - 8 * ItemSize(dtype)));
      }
    }
  }
  return x;
}

double FloatOf(const Array& x, int64_t i, bool through_float) {
  double value;
  if (IsFloat(x.dtype())) {
    value = x[i];
  } else if (x.dtype() == DType::kUInt64) {
    const auto bits = static_cast<uint64_t>(x.Integer(i));
    if (through_float) return static_cast<float>(bits);
    value = static_cast<double>(bits);
  } else {
    if (through_float) return static_cast<float>(x.Integer(i));
    value = static_cast<double>(x.Integer(i));
  }
  return through_float ? static_cast<float>(value) : value;
}

void SetCast(Array* out, int64_t i, const Array& x) {
  const DType to = out->dtype();
  if (to == DType::kBool) {
    const bool is_true = IsFloat(x.dtype()) ? x[i] != 0 : x.Integer(i) != 0;
    return out->SetInteger(i, is_true);
  }
  // Halves are made of float32.
  if (IsFloat(to)) return out->Set(i, FloatOf(x, i, to == DType::kFloat32 || IsHalf(to)));
  if (!IsFloat(x.dtype())) return out->SetInteger(i, x.Integer(i));
  const double value = x[i];
  const int bits = 8 * ItemSize(to) - (IsSigned(to) ? 1 : 0);
  const double high = std::ldexp(1, bits), low = IsSigned(to) ? -high : 0;
  if (std::isnan(value)) return out->SetInteger(i, 0);
  if (value >= high) {
    return out->SetInteger(i, static_cast<int64_t>(~uint64_t{0} >> (64 - bits)));
  }
  if (value <= low) {
    return out->SetInteger(i, IsSigned(to) ? INT64_MIN >> (63 - bits) : 0);
  }
  out->SetInteger(i, value >= 0x1p63 ? static_cast<int64_t>(static_cast<uint64_t>(value))
                                     : static_cast<int64_t>(value));
}

void CheckCast(DType from, DType to, int64_t count) {
  const Array x = Edges(from, count);
  Array expected(to, {count});
  for (int64_t i = 0; i < count; i++) SetCast(&expected, i, x);
  ForEachIsaAndThreads(
      "cast", {&x}, to, {count}, Words().Type(to), [&](Isa isa, const Array& out) {
        for (int64_t i = 0; i < count; i++) {
          const bool same = IsFloat(to) ? out[i] == expected[i] ||
                                              (std::isnan(out[i]) && std::isnan(expected[i]))
                                        : out.Integer(i) == expected.Integer(i);
          if (same) continue;
          Fail(__FILE__, __LINE__, "%s to %s, %s: [%lld] %.17g is %.17g, not %.17g",
               NameOf(from), NameOf(to), IsaName(isa), static_cast<long long>(i), x[i],
               out[i], expected[i]);
          return;
        }
      });
}

TEST(cast_all_pairs) {
  for (DType from : kEveryType) {
    for (DType to : kEveryType) {
      for (int64_t count : {0, 1, 3, 17, 1030}) CheckCast(from, to, count);
    }
  }
}

TEST(cast_tails) {
  for (DType half : {DType::kFloat16, DType::kBFloat16}) {
    for (int64_t count = 0; count <= 70; count++) {
      CheckCast(half, DType::kFloat32, count);
      CheckCast(DType::kFloat32, half, count);
    }
  }
}

// Large enough for several threads.
TEST(cast_threads) {
  CheckCast(DType::kFloat32, DType::kInt8, 50001);
  CheckCast(DType::kFloat16, DType::kBFloat16, 50001);
}

// All bits there are, there and back.
TEST(cast_every_half) {
  for (DType half : {DType::kFloat16, DType::kBFloat16}) {
    Array x(half, {65536});
    for (int64_t i = 0; i < x.size(); i++) x.SetInteger(i, i);
    ForEachIsa([&](Isa isa) {
      Array wide(DType::kFloat32, {65536}), back(half, {65536});
      Run(isa, "cast", {&x}, {&wide}, Words().Type(DType::kFloat32));
      Run(isa, "cast", {&wide}, {&back}, Words().Type(half));
      for (int64_t i = 0; i < x.size(); i++) {
        const bool nan = std::isnan(x[i]);
        if (nan ? std::isnan(wide[i]) && std::isnan(back[i])
                : wide[i] == x[i] && std::signbit(wide[i]) == std::signbit(x[i]) &&
                      back[i] == x[i] && std::signbit(back[i]) == std::signbit(x[i])) {
          continue;
        }
        Fail(__FILE__, __LINE__, "%s %s: bits %llx gave %g and %g", NameOf(half), IsaName(isa),
             static_cast<unsigned long long>(i), wide[i], back[i]);
        break;
      }
    });
  }
}

TEST(cast_bitcast) {
  for (DType from : kEveryType) {
    for (DType to : kEveryType) {
      if (ItemSize(from) != ItemSize(to) || to == DType::kBool) continue;
      for (int64_t count : {0, 1, 13}) {
        const Array x = std::move(Array(from, {count}).Fill(92));
        ForEachIsaAndThreads("bitcast", {&x}, to, {count}, Words().Type(to),
                             [&](Isa, const Array& out) { CHECK(out.SameBits(x)); });
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
