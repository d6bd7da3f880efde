// scatter_update, ravel_index and the reductions of segments.
#include <algorithm>
#include <limits>

#include "indices.h"
#include "kernels.h"

namespace keratin::test {
namespace {

enum Reduction { kSet, kAdd, kMax, kMin, kMul };

bool IsFloat(DType dtype) { return Mask(dtype) & kFloats; }

// One update of an element in its own dtype.
void Combine(Array* x, int64_t i, const Array& updates, int64_t j, Reduction how) {
  if (how == kSet) return x->CopyElement(i, updates, j);
  if (IsFloat(x->dtype())) {
    const double a = (*x)[i], b = updates[j];
    const bool nan = std::isnan(a) || std::isnan(b);
    double result = how == kAdd   ? a + b
                    : how == kMul ? a * b
                    : nan         ? NAN
                    : how == kMax ? std::max(a, b)
                                  : std::min(a, b);
    // Half types round the float32 result.
    if (ItemSize(x->dtype()) < 8) result = static_cast<float>(result);
    return x->Set(i, result);
  }
  const int64_t a = x->Integer(i), b = updates.Integer(j);
  const auto p = static_cast<uint64_t>(a), q = static_cast<uint64_t>(b);
  const bool wide = x->dtype() == DType::kUInt64;
  const bool less = wide ? p < q : a < b;
  x->SetInteger(i, how == kAdd   ? static_cast<int64_t>(p + q)
                   : how == kMul ? static_cast<int64_t>(p * q)
                   : how == kMax ? (less ? b : a)
                                 : (less ? a : b));
}

struct Case {
  int64_t rows, width, count;
};

constexpr Case kCases[] = {{5, 1, 9},  {5, 3, 9},   {1, 7, 4},    {40, 17, 100},
                           {7, 1, 0},  {0, 3, 4},   {4, 0, 3},    {3, 1100, 20},
                           {200, 1, 300}, {4, 33, 2}};

TEST(scatter_update_in_order) {
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (DType dtype : kEveryType) {
      for (const Case& c : kCases) {
        const Array x = std::move(Array(dtype, {c.rows, c.width}).Fill(51));
        const Array indices = HostileIndices(index, {c.count}, c.rows, 52);
        Array updates = std::move(Array(dtype, {c.count, c.width}).Fill(53));
        if (IsFloat(dtype) && updates.size() > 40) updates.Set(33, NAN);
        for (Reduction how : {kSet, kAdd, kMax, kMin, kMul}) {
          // Sums of booleans are none.
          if (dtype == DType::kBool && how == kAdd) continue;
          Array expected(dtype, x.shape());
          for (int64_t i = 0; i < x.size(); i++) expected.CopyElement(i, x, i);
          for (int64_t u = 0; u < c.count; u++) {
            // Negative ones are not counted from the end here.
            const int64_t row = indices.Integer(u);
            if (row < 0 || row >= c.rows) continue;
            for (int64_t k = 0; k < c.width; k++) {
              Combine(&expected, row * c.width + k, updates, u * c.width + k, how);
            }
          }
          ForEachIsaAndThreads(
              "scatter_update", {&x, &indices, &updates}, dtype, x.shape(),
              Words().Int(how), [&](Isa isa, const Array& out) {
                if (!IsFloat(dtype)) {
                  return CheckSame("scatter_update", isa, out, expected);
                }
                std::vector<double> values;
                for (int64_t i = 0; i < x.size(); i++) values.push_back(expected[i]);
                CheckNear("scatter_update", isa, out, values, [](int64_t) { return 0; });
              });
        }
      }
    }
  }
}

TEST(scatter_ravel_index) {
  const std::vector<std::vector<int32_t>> shapes = {
      {7}, {4, 3}, {2, 5, 3}, {1, 1}, {3, 0}, {46340, 46340}, {1 << 15, 1 << 15, 2}};
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (const auto& shape : shapes) {
      const auto depth = static_cast<int64_t>(shape.size());
      for (int64_t count : {0, 1, 65, 3000}) {
        Array indices(index, {count, depth});
        for (int64_t axis = 0; axis < depth; axis++) {
          const Array column = HostileIndices(index, {count}, shape[axis], 54 + axis);
          for (int64_t i = 0; i < count; i++) {
            indices.CopyElement(i * depth + axis, column, i);
          }
        }
        Array expected(DType::kInt32, {count});
        for (int64_t i = 0; i < count; i++) {
          int64_t flat = 0;
          for (int64_t axis = 0; axis < depth && flat >= 0; axis++) {
            const int64_t at = Resolved(indices.Integer(i * depth + axis), shape[axis]);
            flat = at < 0 ? -1 : flat * shape[axis] + at;
          }
          expected.SetInteger(i, flat);
        }
        ForEachIsaAndThreads("ravel_index", {&indices}, DType::kInt32, {count},
                             Words().Ints(shape),
                             [&](Isa isa, const Array& out) {
                               CheckSame("ravel_index", isa, out, expected);
                             });
      }
    }
  }
}

// What a segment starts from.
void SetStart(Array* x, int64_t i, Reduction how) {
  const DType dtype = x->dtype();
  if (how == kAdd || how == kMul) return x->Set(i, how == kMul ? 1 : 0);
  if (dtype == DType::kFloat32) {
    return x->Set(i, how == kMax ? std::numeric_limits<float>::lowest()
                                 : std::numeric_limits<float>::max());
  }
  if (dtype == DType::kFloat64) {
    return x->Set(i, how == kMax ? std::numeric_limits<double>::lowest()
                                 : std::numeric_limits<double>::max());
  }
  const int bits = 8 * ItemSize(dtype);
  const bool is_signed = dtype == DType::kInt8 || dtype == DType::kInt16 ||
                         dtype == DType::kInt32 || dtype == DType::kInt64;
  const uint64_t lowest = is_signed ? uint64_t{1} << (bits - 1) : 0;
  x->SetInteger(i, static_cast<int64_t>(how == kMax ? lowest : ~lowest));
}

TEST(scatter_segments) {
  constexpr Case kSegments[] = {{5, 1, 9},   {5, 3, 40}, {1, 7, 4},  {4, 70, 33},
                                {6, 0, 3},   {3, 2, 0},  {0, 3, 4},  {64, 40, 500}};
  const std::pair<const char*, Reduction> ops[] = {{"segment_sum", kAdd},
                                                   {"segment_prod", kMul},
                                                   {"segment_max", kMax},
                                                   {"segment_min", kMin}};
  std::vector<DType> dtypes(std::begin(kIntegerTypes), std::end(kIntegerTypes));
  dtypes.insert(dtypes.end(), std::begin(kWideTypes), std::end(kWideTypes));
  for (DType index : {DType::kInt32, DType::kInt64}) {
    for (DType dtype : dtypes) {
      for (const Case& c : kSegments) {
        Array data = std::move(Array(dtype, {c.count, c.width}).Fill(56));
        if (IsFloat(dtype) && data.size() > 40) data.Set(37, NAN);
        const Array ids = HostileIndices(index, {c.count}, c.rows, 57);
        for (const auto& [name, how] : ops) {
          Array expected(dtype, {c.rows, c.width});
          std::vector<double> sizes(static_cast<size_t>(expected.size()), 1);
          for (int64_t i = 0; i < expected.size(); i++) SetStart(&expected, i, how);
          for (int64_t r = 0; r < c.count; r++) {
            const int64_t id = ids.Integer(r);
            if (id < 0 || id >= c.rows) continue;
            for (int64_t k = 0; k < c.width; k++) {
              sizes[id * c.width + k] += std::fabs(data[r * c.width + k]);
              Combine(&expected, id * c.width + k, data, r * c.width + k, how);
            }
          }
          const double eps = Epsilon(dtype) * static_cast<double>(c.count);
          ForEachIsaAndThreads(
              name, {&data, &ids}, dtype, expected.shape(),
              Words().Int(static_cast<int32_t>(c.rows)), [&](Isa isa, const Array& out) {
                if (!IsFloat(dtype)) return CheckSame(name, isa, out, expected);
                std::vector<double> values;
                for (int64_t i = 0; i < expected.size(); i++) values.push_back(expected[i]);
                CheckNear(name, isa, out, values, [&](int64_t i) {
                  return how == kMax || how == kMin ? 0 : eps * sizes[i];
                });
              });
        }
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
