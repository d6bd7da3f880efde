// sort, argsort, lexsort, top_k and searchsorted.
#include <algorithm>

#include "kernels.h"

namespace keratin::test {
namespace {

// Ascending, NaN last. Exact for 64-bit integers too.
bool Before(const Array& x, int64_t i, const Array& y, int64_t j) {
  if (Mask(x.dtype()) & kFloats) {
    const double a = x[i], b = y[j];
    return a < b || (std::isnan(b) && !std::isnan(a));
  }
  const int64_t a = x.Integer(i), b = y.Integer(j);
  if (x.dtype() == DType::kUInt64) {
    return static_cast<uint64_t>(a) < static_cast<uint64_t>(b);
  }
  return a < b;
}

// With equal values, both zeros, infinities and NaN among them.
Array Values(DType dtype, const Shape& shape, uint64_t seed) {
  Array x = std::move(Array(dtype, shape).Fill(seed));
  for (int64_t i = 0; i < x.size(); i++) {
    if (i % 3 == 1) x.CopyElement(i, x, i / 2);
    if (!(Mask(dtype) & kFloats)) continue;
    const double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, -NAN};
    if (i % 11 == 5) x.Set(i, special[i / 11 % 6]);
  }
  return x;
}

struct Case {
  Shape shape;
  int axis;
};

// Longer ones than 256 are sorted by digits.
const Case kCases[] = {{{1}, 0},       {{7}, 0},        {{4, 5}, 0},  {{4, 5}, 1},
                       {{3, 70, 2}, 1}, {{600}, 0},      {{2, 300}, 1}, {{257, 3}, 0},
                       {{0}, 0},       {{3, 0}, 0},     {{0, 3}, 0},  {{5, 1}, 1}};

TEST(sort_axes) {
  for (DType dtype : kEveryType) {
    for (const Case& c : kCases) {
      const Array x = Values(dtype, c.shape, 61);
      const int64_t length = c.shape[c.axis];
      int64_t inner = 1;
      for (size_t i = c.axis + 1; i < c.shape.size(); i++) inner *= c.shape[i];
      std::vector<int64_t> order(static_cast<size_t>(x.size()));
      for (int64_t column = 0; length > 0 && column < x.size() / length; column++) {
        const int64_t first = column / inner * length * inner + column % inner;
        std::vector<int64_t> places;
        for (int64_t i = 0; i < length; i++) places.push_back(i);
        std::stable_sort(places.begin(), places.end(), [&](int64_t i, int64_t j) {
          return Before(x, first + i * inner, x, first + j * inner);
        });
        for (int64_t i = 0; i < length; i++) order[first + i * inner] = places[i];
      }
      const auto source = [&](int64_t i) {
        const int64_t first = i / (length * inner) * length * inner + i % inner;
        return first + order[i] * inner;
      };
      ForEachIsaAndThreads("argsort", {&x}, DType::kInt32, c.shape, Words().Int(c.axis),
                           [&](Isa, const Array& out) {
                             for (int64_t i = 0; i < x.size(); i++) {
                               CHECK(out.Integer(i) == order[i]);
                             }
                           });
      ForEachIsaAndThreads("sort", {&x}, dtype, c.shape, Words().Int(c.axis),
                           [&](Isa, const Array& out) {
                             for (int64_t i = 0; i < x.size(); i++) {
                               // Of equal values either: zeros may be swapped.
                               CHECK(!Before(out, i, x, source(i)));
                               CHECK(!Before(x, source(i), out, i));
                             }
                           });
    }
  }
}

// One long row, which all threads sort together in chunks of 65536.
TEST(sort_in_chunks) {
  const int64_t n = 200001;
  for (DType dtype : {DType::kFloat32, DType::kInt16, DType::kFloat64}) {
    const Array x = Values(dtype, {n}, 62);
    ForEachThreadCount([&](int) {
      Array order(DType::kInt32, {n}), sorted(dtype, {n});
      Run(Isa::kBaseline, "argsort", {&x}, {&order}, Words().Int(0));
      Run(Isa::kBaseline, "sort", {&x}, {&sorted}, Words().Int(0));
      std::vector<bool> seen(static_cast<size_t>(n));
      int wrong = 0;
      for (int64_t i = 0; i < n; i++) {
        const int64_t at = order.Integer(i);
        seen[static_cast<size_t>(at)] = true;
        if (i == 0) continue;
        const int64_t before = order.Integer(i - 1);
        wrong += Before(x, at, x, before);
        wrong += !Before(x, before, x, at) && before > at;  // stable
        wrong += Before(sorted, i, sorted, i - 1);
      }
      CHECK(wrong == 0);
      CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
    });
  }
}

TEST(sort_rows_as_words) {
  for (DType dtype : kEveryType) {
    for (const Shape& shape : {Shape{40, 3}, Shape{1, 5}, Shape{6, 1}, Shape{0, 4},
                               Shape{5, 0}, Shape{300, 2}}) {
      const int64_t columns = shape[1];
      Array x = Values(dtype, shape, 63);
      for (int64_t i = 0; i < x.size(); i++) {
        if (i % columns == 0) x.Set(i, i % 2);
      }
      std::vector<int64_t> order;
      for (int64_t i = 0; i < shape[0]; i++) order.push_back(i);
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        for (int64_t k = 0; k < columns; k++) {
          if (Before(x, a * columns + k, x, b * columns + k)) return true;
          if (Before(x, b * columns + k, x, a * columns + k)) return false;
        }
        return false;
      });
      ForEachIsaAndThreads("lexsort", {&x}, DType::kInt32, {shape[0]}, Words(),
                           [&](Isa, const Array& out) {
                             for (int64_t i = 0; i < shape[0]; i++) {
                               CHECK(out.Integer(i) == order[i]);
                             }
                           });
    }
  }
}

TEST(sort_top_k) {
  for (DType dtype : kEveryType) {
    for (const Shape& shape : {Shape{9}, Shape{4, 7}, Shape{30, 50}, Shape{0, 5}, Shape{2, 1}}) {
      const int64_t length = shape.back();
      const Array x = Values(dtype, shape, 64);
      for (int64_t k : {int64_t{0}, int64_t{1}, length / 2, length}) {
        Shape result = shape;
        result.back() = k;
        ForEachIsaAndThreads(
            "top_k", {&x}, {{dtype, result}, {DType::kInt32, result}},
            Words().Int(static_cast<int32_t>(k)),
            [&](Isa, const std::vector<Array>& out) {
              for (int64_t row = 0; row < x.size() / length; row++) {
                std::vector<int64_t> order;
                for (int64_t i = 0; i < length; i++) order.push_back(row * length + i);
                // Descending; NaN is the largest.
                std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
                  return Before(x, j, x, i);
                });
                for (int64_t i = 0; i < k; i++) {
                  CHECK(out[1].Integer(row * k + i) == order[i] - row * length);
                  Array one(dtype, {1}), other(dtype, {1});
                  one.CopyElement(0, x, order[i]);
                  other.CopyElement(0, out[0], row * k + i);
                  CHECK(one.SameBits(other));
                }
              }
            });
      }
    }
  }
}

TEST(sort_searchsorted) {
  for (DType dtype : kEveryType) {
    for (int64_t length : {0, 1, 2, 7, 64, 300}) {
      const Array unsorted = Values(dtype, {length}, 65);
      Array sorted(dtype, {length});
      if (length > 0) Run(Isa::kBaseline, "sort", {&unsorted}, {&sorted}, Words().Int(0));
      for (int64_t count : {0, 1, 70, 1500}) {
        Array values = Values(dtype, {count}, 66);
        for (int64_t i = 0; i < count && length > 0; i += 2) {
          values.CopyElement(i, sorted, i % length);
        }
        for (bool right : {false, true}) {
          Array expected(DType::kInt32, {count});
          for (int64_t i = 0; i < count; i++) {
            int64_t at = 0;
            while (at < length && (right ? !Before(values, i, sorted, at)
                                         : Before(sorted, at, values, i))) {
              at++;
            }
            expected.SetInteger(i, at);
          }
          ForEachIsaAndThreads("searchsorted", {&sorted, &values}, DType::kInt32, {count},
                               Words().Int(right), [&](Isa isa, const Array& out) {
                                 CheckSame("searchsorted", isa, out, expected);
                               });
        }
      }
    }
  }
}

}  // namespace
}  // namespace keratin::test
