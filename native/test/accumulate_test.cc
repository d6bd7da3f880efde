#include "kernels.h"

namespace keratin::test {
namespace {

void CheckSums(const char* name, bool of_rows, int64_t rows, int64_t n,
               DType dtype) {
  Array x(dtype, {rows, n}), total(dtype, {of_rows ? rows : n});
  x.Fill(3);
  total.Fill(4);
  std::vector<double> expected, size;
  for (int64_t i = 0; i < total.size(); i++) {
    expected.push_back(total[i]);
    size.push_back(std::fabs(total[i]));
  }
  for (int64_t i = 0; i < x.size(); i++) {
    const size_t at = static_cast<size_t>(of_rows ? i / n : i % n);
    expected[at] += x[i];
    size[at] += std::fabs(x[i]);
  }
  ForEachIsaAndThreads(name, {&x, &total}, dtype, total.shape(), Words(),
                       [&](Isa isa, const Array& out) {
    CheckNear(std::string(name) + TextOf(x.shape()), isa, out, expected,
              [&](int64_t i) {
                return 16 * Epsilon(dtype) * size[static_cast<size_t>(i)];
              });
  });
}

TEST(accumulate_adds_sums) {
  for (DType dtype : kWideTypes) {
    for (int64_t rows : {0, 1, 2, 3, 31, 100, 257}) {
      for (int64_t n : {0, 1, 2, 3, 7, 8, 10, 16, 17, 24, 33, 48, 129, 1000}) {
        CheckSums("accumulate_rows", true, rows, n, dtype);
        CheckSums("accumulate_columns", false, rows, n, dtype);
      }
    }
  }
}

TEST(accumulate_may_work_in_place) {
  for (const char* name : {"accumulate_rows", "accumulate_columns"}) {
    Array x(DType::kFloat32, {9, 9}), total(DType::kFloat32, {9}),
        out(DType::kFloat32, {9});
    x.Fill(5);
    total.Fill(6);
    ForEachIsa([&](Isa isa) {
      Array own(DType::kFloat32, {9});
      for (int64_t i = 0; i < 9; i++) own.CopyElement(i, total, i);
      Run(isa, name, {&x, &own}, {&own}, Words());
      Run(isa, name, {&x, &total}, {&out}, Words());
      CHECK(own.SameBits(out));
    });
  }
}

}  // namespace
}  // namespace keratin::test
