// The driver of elementwise kernels: hands out contiguous blocks. Retargeted:
// include after simd/target.h.
#pragma once

#include "walk.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Contiguous loops over blocks of one, two or three operands.
using Loop1 = void (*)(const void* a, void* out, int64_t n);
using Loop2 = void (*)(const void* a, const void* b, void* out, int64_t n);
using Loop3 = void (*)(const void* a, const void* b, const void* c, void* out,
                       int64_t n);

[[maybe_unused]] void RunUnary(const TensorView& in, const TensorView& out,
                               double ns, Loop1 loop) {
  const int64_t in_size = ItemSize(in.dtype);
  const int64_t out_size = ItemSize(out.dtype);
  ParallelFor(out.size, ns, kBlock, [&](int64_t begin, int64_t end) {
    loop(in.as<const uint8_t>() + begin * in_size,
         out.as<uint8_t>() + begin * out_size, end - begin);
  });
}

// Operands that are whole or one short row for all rows of the output, such as
// a bias: blocks of whole rows, beside which the row is staged repeatedly once.
// False: other operands.
[[maybe_unused]] bool RunBinaryRows(const TensorView* inputs,
                                    const TensorView& out, const Walk& walk,
                                    double ns, Loop2 loop) {
  const int64_t row = walk.dims[0];
  if (walk.rank != 2 || row > kBlock / 2) return false;
  for (int k = 0; k < 2; k++) {
    const int64_t* strides = walk.strides[k];
    if (strides[0] != 1 || (strides[1] != 0 && strides[1] != row)) return false;
  }
  const int64_t block = kBlock / row * row;
  const int64_t size = ItemSize(inputs[0].dtype);
  const int64_t out_size = ItemSize(out.dtype);
  ParallelFor(out.size, ns, block, [&](int64_t begin, int64_t end) {
    alignas(64) uint8_t staged[2][kBlock * 8];
    for (int k = 0; k < 2; k++) {
      if (walk.strides[k][1] != 0) continue;
      for (int64_t i = 0; i < block && i < end - begin; i += row) {
        __builtin_memcpy(staged[k] + i * size, inputs[k].data,
                         static_cast<size_t>(row * size));
      }
    }
    for (int64_t at = begin; at < end; at += block) {
      const uint8_t* p[2];
      for (int k = 0; k < 2; k++) {
        p[k] = walk.strides[k][1] == 0
                   ? staged[k]
                   : inputs[k].as<const uint8_t>() + at * size;
      }
      loop(p[0], p[1], out.as<uint8_t>() + at * out_size,
           end - at < block ? end - at : block);
    }
  });
  return true;
}

[[maybe_unused]] void RunBinary(const TensorView* inputs, const TensorView& out,
                                double ns, Loop2 loop) {
  const TensorView& a = inputs[0];
  const TensorView& b = inputs[1];
  const int size = ItemSize(a.dtype);
  const int64_t out_size = ItemSize(out.dtype);
  if (a.size == out.size && b.size == out.size) {
    ParallelFor(out.size, ns, kBlock, [&](int64_t begin, int64_t end) {
      loop(a.as<const uint8_t>() + begin * size,
           b.as<const uint8_t>() + begin * size,
           out.as<uint8_t>() + begin * out_size, end - begin);
    });
    return;
  }
  Walk walk;
  MakeWalk(inputs, 2, out, &walk);
  if (RunBinaryRows(inputs, out, walk, ns, loop)) return;
  ParallelFor(out.size, ns, kBlock, [&](int64_t begin, int64_t end) {
    alignas(64) uint8_t repeated[2][kBlock * 8];
    WalkRows(walk, 2, begin, end,
             [&](int64_t at, const int64_t* offsets, int64_t length) {
               const uint8_t* p[2];
               bool moves[2];
               const int64_t filled = length < kBlock ? length : kBlock;
               for (int k = 0; k < 2; k++) {
                 p[k] = inputs[k].as<const uint8_t>() + offsets[k] * size;
                 moves[k] = walk.strides[k][0] != 0;
                 if (!moves[k]) {
                   FillBlock(size, repeated[k], p[k], filled);
                   p[k] = repeated[k];
                 }
               }
               uint8_t* to = out.as<uint8_t>() + at * out_size;
               if (moves[0] && moves[1]) {
                 loop(p[0], p[1], to, length);
                 return;
               }
               for (int64_t i = 0; i < length; i += kBlock) {
                 const int64_t n = length - i < kBlock ? length - i : kBlock;
                 loop(moves[0] ? p[0] + i * size : p[0],
                      moves[1] ? p[1] + i * size : p[1], to + i * out_size, n);
               }
             });
  });
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
