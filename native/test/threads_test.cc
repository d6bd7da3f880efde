// One call of every family of kernels that is worth several threads, for the
// thread sanitizer. What the results must be is the matter of other tests.
#include "indices.h"
#include "kernels.h"

namespace keratin::test {
namespace {

constexpr DType kFloat = DType::kFloat32;
constexpr DType kInt = DType::kInt32;

Array Made(const Shape& shape, DType dtype = kFloat) {
  return std::move(Array(dtype, shape).Fill(131));
}

void CheckThreads(const char* name, const std::vector<const Array*>& inputs,
                  const std::vector<Spec>& outputs, const Words& words) {
  ForEachIsaAndThreads(name, inputs, outputs, words, [](Isa, const std::vector<Array>&) {});
}

// Symmetric and diagonally dominant.
Array Matrices(const Shape& shape) {
  Array x = Made(shape);
  const int64_t n = shape.back();
  for (int64_t i = 0; i < x.size(); i++) {
    const int64_t matrix = i / (n * n) * n * n, row = i / n % n, column = i % n;
    if (row == column) x.Set(i, static_cast<double>(n));
    if (row > column) x.CopyElement(matrix + column * n + row, x, i);
  }
  return x;
}

TEST(threads_products) {
  const Array a = Made({130, 90}), b = Made({90, 70});
  CheckThreads("matmul", {&a, &b}, {{kFloat, {130, 70}}}, Words().Int(0).Int(0));
  const Array x = Made({3, 12, 12, 16}), w = Made({3, 3, 16, 24}), dy = Made({3, 10, 10, 24});
  const auto window = [] {
    return Words().Ints(Shape{1, 1}).Ints(Shape{0, 0, 0, 0}).Ints(Shape{1, 1}).Int(1);
  };
  CheckThreads("conv", {&x, &w}, {{kFloat, dy.shape()}}, window());
  CheckThreads("conv_input_backward", {&dy, &w}, {{kFloat, x.shape()}},
               window().Ints(x.shape()));
  CheckThreads("conv_kernel_backward", {&x, &dy}, {{kFloat, w.shape()}},
               window().Ints(w.shape()));
  const Words pool =
      std::move(Words().Ints(Shape{2, 2}).Ints(Shape{2, 2}).Ints(Shape{0, 0, 0, 0}));
  CheckThreads("max_pool", {&x}, {{kFloat, {3, 6, 6, 16}}}, pool);
}

TEST(threads_decompositions) {
  const Array x = Matrices({4, 70, 70}), y = Made({4, 70, 9}), large = Matrices({1, 200, 200});
  const Spec matrices{kFloat, x.shape()}, rows{kFloat, {4, 70}};
  CheckThreads("cholesky", {&x}, {matrices}, Words());
  CheckThreads("cholesky", {&large}, {{kFloat, large.shape()}}, Words());
  CheckThreads("triangular_solve", {&x, &y}, {{kFloat, y.shape()}}, Words().Int(1).Int(0));
  CheckThreads("lu_factor", {&large},
               {{kFloat, large.shape()}, {kInt, {1, 200}}, {kInt, {1, 200}}}, Words());
  CheckThreads("solve", {&x, &y}, {{kFloat, y.shape()}}, Words());
  CheckThreads("slogdet", {&x}, {{kFloat, {4}}, {kFloat, {4}}}, Words());
  const Array small = Matrices({4, 20, 20});
  const Spec vectors{kFloat, small.shape()}, values{kFloat, {4, 20}};
  CheckThreads("qr", {&small}, {vectors, vectors}, Words().Int(0));
  CheckThreads("eigh", {&small}, {values, vectors}, Words());
  CheckThreads("eig", {&small}, {values, values, vectors, vectors}, Words());
  CheckThreads("svd", {&small}, {vectors, values, vectors}, Words().Int(1));
}

TEST(threads_transforms) {
  const Array re = Made({40, 250}), im = Made({40, 250});
  CheckThreads("fft", {&re, &im}, {{kFloat, re.shape()}, {kFloat, re.shape()}}, Words().Int(0));
  CheckThreads("rfft", {&re}, {{kFloat, {40, 126}}, {kFloat, {40, 126}}}, Words());
  const Array odd = Made({30, 211});  // by Bluestein's algorithm
  CheckThreads("rfft", {&odd}, {{kFloat, {30, 106}}, {kFloat, {30, 106}}}, Words());
  const Array x = Made({200, 300});
  CheckThreads("softmax", {&x}, {{kFloat, x.shape()}}, Words().Int(1));
  CheckThreads("cumsum", {&x}, {{kFloat, x.shape()}}, Words().Int(1).Int(0));
  CheckThreads("transpose", {&x}, {{kFloat, {300, 200}}}, Words().Ints(Shape{1, 0}));
  CheckThreads("cast", {&x}, {{DType::kFloat16, x.shape()}}, Words().Type(DType::kFloat16));
  for (int axis : {0, 1}) {
    const Shape kept = axis == 0 ? Shape{1, 300} : Shape{200, 1};
    CheckThreads("sum", {&x}, {{kFloat, kept}}, Words().Ints(Shape{axis}).Int(1));
    CheckThreads("argmax", {&x}, {{kInt, kept}}, Words().Int(axis).Int(1));
  }
}

TEST(threads_indices) {
  const Array x = Made({300, 40});
  const Array indices = HostileIndices(kInt, {900}, 300, 132);
  const Array updates = Made({900, 40});
  CheckThreads("take", {&x, &indices}, {{kFloat, {900, 40}}}, Words().Int(0));
  CheckThreads("take_backward", {&indices, &updates}, {{kFloat, x.shape()}},
               Words().Int(0).Int(300));
  CheckThreads("scatter_update", {&x, &indices, &updates}, {{kFloat, x.shape()}},
               Words().Int(1));
  CheckThreads("segment_sum", {&updates, &indices}, {{kFloat, x.shape()}}, Words().Int(300));
  const Array along = HostileIndices(kInt, {300, 40}, 40, 133);
  CheckThreads("take_along_axis", {&x, &along}, {{kFloat, along.shape()}}, Words().Int(1));
  CheckThreads("take_along_axis_backward", {&along, &x}, {{kFloat, x.shape()}},
               Words().Int(1).Int(40));
  CheckThreads("sort", {&x}, {{kFloat, x.shape()}}, Words().Int(1));
  CheckThreads("top_k", {&x}, {{kFloat, {300, 5}}, {kInt, {300, 5}}}, Words().Int(5));
  const Array sorted = Made({300});
  CheckThreads("searchsorted", {&sorted, &x}, {{kInt, x.shape()}}, Words().Int(0));
}

// In chunks, by all threads together.
TEST(threads_one_long_sort) {
  const Array x = Made({200001}, DType::kInt16);
  CheckThreads("argsort", {&x}, {{kInt, x.shape()}}, Words().Int(0));
}

TEST(threads_draws) {
  Array key(DType::kUInt32, {2});
  key.SetInteger(0, 1);
  key.SetInteger(1, 2);
  const Shape shape{40000};
  CheckThreads("random_bits", {&key}, {{DType::kUInt32, shape}},
               Words().Ints(shape).Type(DType::kUInt32));
  Array alpha(kFloat, {1000}), x(kFloat, {1000});
  for (int64_t i = 0; i < alpha.size(); i++) {
    alpha.Set(i, 0.5 + static_cast<double>(i % 7));
    x.Set(i, 1 + static_cast<double>(i % 5));
  }
  CheckThreads("random_gamma", {&alpha, &key}, {{kFloat, alpha.shape()}}, Words().Int(0));
  CheckThreads("gammainc", {&alpha, &x}, {{kFloat, x.shape()}}, Words());
  const Array image = Made({2, 20, 20, 8}), at = Made({2, 2, 300}), dy = Made({2, 300, 8});
  const Words words = std::move(Words().Int(1).Int(2).Float(0));
  CheckThreads("sample", {&image, &at}, {{kFloat, dy.shape()}}, words);
  Words with_shape = words;
  CheckThreads("sample_image_backward", {&dy, &at}, {{kFloat, image.shape()}},
               with_shape.Ints(image.shape()));
  CheckThreads("sample_coordinates_backward", {&image, &at, &dy}, {{kFloat, at.shape()}}, words);
}

TEST(threads_labels) {
  const Array log_probs = Made({6, 12, 5}), dloss = Made({6});
  Array labels(kInt, {6, 3}), lengths(kInt, {6}), steps(kInt, {6});
  for (int64_t i = 0; i < 18; i++) labels.SetInteger(i, 1 + i % 4);
  for (int64_t i = 0; i < 6; i++) {
    lengths.SetInteger(i, 1 + i % 3);
    steps.SetInteger(i, 12 - i);
  }
  CheckThreads("ctc_loss", {&log_probs, &labels, &lengths, &steps}, {{kFloat, {6}}},
               Words().Int(0));
  CheckThreads("ctc_loss_backward", {&log_probs, &labels, &lengths, &steps, &dloss},
               {{kFloat, log_probs.shape()}}, Words().Int(0));
  CheckThreads("ctc_beam_search", {&log_probs, &steps}, {{kInt, {2, 6, 12}}, {kFloat, {6, 2}}},
               Words().Int(0).Int(4).Int(2));
}

}  // namespace
}  // namespace keratin::test
