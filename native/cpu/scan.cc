// Running sums and products.
#include <cstdint>

#include "../kernel.h"
#include "columns.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"
#include "elementwise.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

struct Plus {
  template <class T>
  static T Of(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct Times {
  template <class T>
  static T Of(T a, T b) {
    return static_cast<T>(a * b);
  }
  // uint16 would be promoted to int and overflow.
  static uint16_t Of(uint16_t a, uint16_t b) {
    return static_cast<uint16_t>(uint32_t{a} * uint32_t{b});
  }
};

// x [outer, length, inner]; `direction` is 1 or -1.
template <class Op, class T>
void Scan(const T* x, T* out, int64_t outer, int64_t length, int64_t inner,
          int direction) {
  const int64_t panel = inner < kBlock ? inner : kBlock;
  const int64_t panels = (inner + panel - 1) / panel;
  ParallelFor(outer * panels, static_cast<double>(length * panel), 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t k = i % panels * panel;
      const int64_t width = inner - k < panel ? inner - k : panel;
      const int64_t base = i / panels * length * inner + k;
      const int64_t first = direction > 0 ? 0 : length - 1;
      const T* from = x + base + first * inner;
      T* to = out + base + first * inner;
      for (int64_t c = 0; c < width; c++) to[c] = from[c];
      for (int64_t j = 1; j < length; j++) {
        const T* total = to;
        from += direction * inner;
        to += direction * inner;
        for (int64_t c = 0; c < width; c++) {
          to[c] = Op::Of(total[c], from[c]);
        }
      }
    }
  });
}

// Halves accumulate in float32, each place rounded once.
template <class Op, class H>
void HalfScan(const H* x, H* out, int64_t outer, int64_t length, int64_t inner,
              int direction) {
  const int64_t panel = inner < kBlock ? inner : kBlock;
  const int64_t panels = (inner + panel - 1) / panel;
  ParallelFor(outer * panels, static_cast<double>(length * panel) * 2, 1,
              [&](int64_t begin, int64_t end) {
    alignas(64) float total[kBlock], wide[kBlock];
    for (int64_t i = begin; i < end; i++) {
      const int64_t k = i % panels * panel;
      const int64_t width = inner - k < panel ? inner - k : panel;
      int64_t at = i / panels * length * inner + k +
                   (direction > 0 ? 0 : (length - 1) * inner);
      for (int64_t j = 0; j < length; j++, at += direction * inner) {
        Widen(x + at, j == 0 ? total : wide, width);
        if (j > 0) {
          for (int64_t c = 0; c < width; c++) {
            total[c] = Op::Of(total[c], wide[c]);
          }
        }
        Narrow(total, out + at, width);
      }
    }
  });
}

template <class Op>
Status Running(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const auto [outer, length, inner] = ColumnsOf(x, attributes.Int());
  const int direction = attributes.Bool() ? -1 : 1;
#define KERATIN_SCAN(T)                                              \
  Scan<Op>(x.as<const T>(), out.as<T>(), outer, length, inner, direction)
  switch (x.dtype) {
    case DType::kFloat16:
      HalfScan<Op>(x.as<const Half>(), out.as<Half>(), outer, length, inner,
                   direction);
      break;
    case DType::kBFloat16:
      HalfScan<Op>(x.as<const BFloat16>(), out.as<BFloat16>(), outer, length,
                   inner, direction);
      break;
    case DType::kFloat32:
      KERATIN_SCAN(float);
      break;
    case DType::kFloat64:
      KERATIN_SCAN(double);
      break;
    default:
      // Wrapping results are the same for signed and unsigned integers.
      switch (ItemSize(x.dtype)) {
        case 1:
          KERATIN_SCAN(uint8_t);
          break;
        case 2:
          KERATIN_SCAN(uint16_t);
          break;
        case 4:
          KERATIN_SCAN(uint32_t);
          break;
        default:
          KERATIN_SCAN(uint64_t);
          break;
      }
  }
#undef KERATIN_SCAN
  return 0;
}

}  // namespace

void Register_scan(Registry& registry) {
  registry.Add("cumsum", Running<Plus>, kNumbers);
  registry.Add("cumprod", Running<Times>, kNumbers);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
