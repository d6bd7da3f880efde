// A matrix product of any size and layout, in floats. Declared here, compiled
// in matmul.cc. Retargeted: include after microkernel.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {

// C = activation(A B + bias), M x K times K x N, C row-major. One of the
// strides of A and one of those of B is 1 (or its axis has length 1).
struct Gemm {
  DType dtype;  // of A, B and C
  int64_t m, n, k;
  const void* a;  // element (i, p) at i a_row + p a_step
  int64_t a_row, a_step;
  const void* b;  // element (p, j) at p b_step + j b_column
  int64_t b_step, b_column;
  void* c;
  int64_t c_row;
  const void* bias;  // of the columns, in the type computed in; or null
  Activation activation;
};

// On as many threads as it is worth. False: out of scratch memory.
bool RunGemm(const Gemm& gemm);
// Worker `worker` of `workers`: its part of C.
bool RunGemmPart(const Gemm& gemm, int worker, int workers);
// Single-threaded nanoseconds, roughly.
double GemmCost(DType dtype, int64_t m, int64_t n, int64_t k);

}  // namespace KERATIN_TARGET
}  // namespace keratin
