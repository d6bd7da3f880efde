// Pooling over windows of [N, spatial, C], and its gradients in gather form:
// each input pixel sums what it receives, so the order is fixed.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"
#include "elementwise.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Three spatial axes, missing ones of length 1.
struct Pooling {
  int64_t batch, channels;
  int64_t in[3], out[3], window[3], stride[3], low[3];
  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
};

Pooling ReadPooling(const KernelCall& call, const TensorView& x,
                    const TensorView& y) {
  Attributes attributes = call.attributes();
  int count;
  const int32_t* window = attributes.Ints(&count);
  const int32_t* strides = attributes.Ints(&count);
  const int32_t* padding = attributes.Ints(&count);
  Pooling p;
  const int missing = 3 - (x.ndim - 2);
  for (int i = 0; i < 3; i++) {
    const int own = i - missing;
    p.in[i] = own >= 0 ? x.shape[1 + own] : 1;
    p.out[i] = own >= 0 ? y.shape[1 + own] : 1;
    p.window[i] = own >= 0 ? window[own] : 1;
    p.stride[i] = own >= 0 ? strides[own] : 1;
    p.low[i] = own >= 0 ? padding[2 * own] : 0;
  }
  p.batch = x.shape[0];
  p.channels = x.shape[x.ndim - 1];
  return p;
}

// The input positions of window `o` along one axis.
KERATIN_INLINE void Span(const Pooling& p, int axis, int64_t o, int64_t* begin,
                         int64_t* end) {
  const int64_t first = o * p.stride[axis] - p.low[axis];
  *begin = first < 0 ? 0 : first;
  const int64_t last = first + p.window[axis];
  *end = last > p.in[axis] ? p.in[axis] : last;
}

// The windows along one axis that hold input position `i`.
KERATIN_INLINE void Windows(const Pooling& p, int axis, int64_t i,
                            int64_t* begin, int64_t* end) {
  const int64_t at = i + p.low[axis];
  const int64_t first = at - p.window[axis] + 1;
  *begin = first <= 0 ? 0 : (first + p.stride[axis] - 1) / p.stride[axis];
  *end = at / p.stride[axis] + 1;
  if (*end > p.out[axis]) *end = p.out[axis];
}

struct Box {
  int64_t begin[3], end[3];
  int64_t size() const {
    return (end[0] - begin[0]) * (end[1] - begin[1]) * (end[2] - begin[2]);
  }
};

KERATIN_INLINE Box WindowOf(const Pooling& p, int64_t pixel) {
  Box box;
  Span(p, 2, pixel % p.out[2], &box.begin[2], &box.end[2]);
  Span(p, 1, pixel / p.out[2] % p.out[1], &box.begin[1], &box.end[1]);
  Span(p, 0, pixel / (p.out[2] * p.out[1]), &box.begin[0], &box.end[0]);
  return box;
}

KERATIN_INLINE Box WindowsAround(const Pooling& p, int64_t pixel) {
  Box box;
  Windows(p, 2, pixel % p.in[2], &box.begin[2], &box.end[2]);
  Windows(p, 1, pixel / p.in[2] % p.in[1], &box.begin[1], &box.end[1]);
  Windows(p, 0, pixel / (p.in[2] * p.in[1]), &box.begin[0], &box.end[0]);
  return box;
}

// body(pixel) for each pixel of a box within `shape`, in row-major order.
template <class Body>
KERATIN_INLINE void ForEachPixel(const Box& box, const int64_t* shape,
                                 const Body& body) {
  for (int64_t z = box.begin[0]; z < box.end[0]; z++) {
    for (int64_t y = box.begin[1]; y < box.end[1]; y++) {
      for (int64_t x = box.begin[2]; x < box.end[2]; x++) {
        body((z * shape[1] + y) * shape[2] + x);
      }
    }
  }
}

template <class T>
KERATIN_INLINE T Lowest() {
  return -static_cast<T>(__builtin_inf());
}

template <class T>
void MaxPool(const Pooling& p, const T* x, T* y) {
  const int64_t c = p.channels;
  const double ns = static_cast<double>(c * p.window[0] * p.window[1] *
                                        p.window[2]) * 0.1 + 5;
  ParallelFor(p.batch * p.out_pixels(), ns, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const T* image = x + i / p.out_pixels() * p.in_pixels() * c;
      T* to = y + i * c;
      for (int64_t k = 0; k < c; k++) to[k] = Lowest<T>();
      ForEachPixel(WindowOf(p, i % p.out_pixels()), p.in, [&](int64_t pixel) {
        const T* from = image + pixel * c;
#pragma GCC ivdep
        for (int64_t k = 0; k < c; k++) {
          to[k] = to[k] > from[k] || to[k] != to[k] ? to[k] : from[k];
        }
      });
    }
  });
}

// The first maximum of each window; NaN counts as larger than any number.
template <class T>
KERATIN_INLINE void FindMaxima(const Pooling& p, const T* image, const Box& box,
                               int64_t c0, int64_t n, T* top, int32_t* where) {
  bool first = true;
  ForEachPixel(box, p.in, [&](int64_t pixel) {
    const T* from = image + pixel * p.channels + c0;
    if (first) {
      for (int64_t k = 0; k < n; k++) top[k] = from[k];
      for (int64_t k = 0; k < n; k++) where[k] = static_cast<int32_t>(pixel);
      first = false;
      return;
    }
    for (int64_t k = 0; k < n; k++) {
      const bool better =
          from[k] > top[k] || (from[k] != from[k] && top[k] == top[k]);
      top[k] = better ? from[k] : top[k];
      where[k] = better ? static_cast<int32_t>(pixel) : where[k];
    }
  });
}

constexpr int64_t kChannelBlock = 128;

template <class T>
void MaxPoolArgmax(const Pooling& p, const T* x, int32_t* y) {
  const int64_t c = p.channels;
  const double ns = static_cast<double>(c * p.window[0] * p.window[1] *
                                        p.window[2]) * 0.2 + 5;
  ParallelFor(p.batch * p.out_pixels(), ns, 8, [&](int64_t begin, int64_t end) {
    T top[kChannelBlock];
    for (int64_t i = begin; i < end; i++) {
      const T* image = x + i / p.out_pixels() * p.in_pixels() * c;
      const Box box = WindowOf(p, i % p.out_pixels());
      for (int64_t k = 0; k < c; k += kChannelBlock) {
        const int64_t n = c - k < kChannelBlock ? c - k : kChannelBlock;
        FindMaxima(p, image, box, k, n, top, y + i * c + k);
      }
    }
  });
}

// A thread owns images; within one, windows are visited in order.
template <class T>
void MaxPoolBackward(const Pooling& p, const T* x, const T* dy, T* dx) {
  const int64_t c = p.channels;
  const int64_t blocks = (c + kChannelBlock - 1) / kChannelBlock;
  const double ns = static_cast<double>(p.out_pixels() * c * p.window[0] *
                                        p.window[1] * p.window[2]) * 0.3;
  ParallelFor(p.batch * blocks, ns / static_cast<double>(blocks), 1,
              [&](int64_t begin, int64_t end) {
    T top[kChannelBlock];
    int32_t where[kChannelBlock];
    for (int64_t u = begin; u < end; u++) {
      const int64_t k = u % blocks * kChannelBlock;
      const int64_t n = c - k < kChannelBlock ? c - k : kChannelBlock;
      const T* image = x + u / blocks * p.in_pixels() * c;
      T* to = dx + u / blocks * p.in_pixels() * c + k;
      const T* from = dy + u / blocks * p.out_pixels() * c + k;
      for (int64_t i = 0; i < p.in_pixels(); i++) {
        for (int64_t q = 0; q < n; q++) to[i * c + q] = 0;
      }
      for (int64_t o = 0; o < p.out_pixels(); o++) {
        const Box box = WindowOf(p, o);
        if (box.size() <= 0) continue;
        FindMaxima(p, image, box, k, n, top, where);
        for (int64_t q = 0; q < n; q++) to[where[q] * c + q] += from[o * c + q];
      }
    }
  });
}

template <class T>
void AveragePool(const Pooling& p, const T* x, T* y) {
  const int64_t c = p.channels;
  const double ns = static_cast<double>(c * p.window[0] * p.window[1] *
                                        p.window[2]) * 0.1 + 5;
  ParallelFor(p.batch * p.out_pixels(), ns, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const T* image = x + i / p.out_pixels() * p.in_pixels() * c;
      T* to = y + i * c;
      for (int64_t k = 0; k < c; k++) to[k] = 0;
      const Box box = WindowOf(p, i % p.out_pixels());
      ForEachPixel(box, p.in, [&](int64_t pixel) {
        const T* from = image + pixel * c;
#pragma GCC ivdep
        for (int64_t k = 0; k < c; k++) to[k] += from[k];
      });
      const T count = static_cast<T>(box.size());
      for (int64_t k = 0; k < c; k++) to[k] /= count;
    }
  });
}

template <class T>
void AveragePoolBackward(const Pooling& p, const T* dy, T* dx) {
  const int64_t c = p.channels;
  const double ns = static_cast<double>(c) * 0.3 + 10;
  ParallelFor(p.batch * p.in_pixels(), ns, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const T* image = dy + i / p.in_pixels() * p.out_pixels() * c;
      T* to = dx + i * c;
      for (int64_t k = 0; k < c; k++) to[k] = 0;
      ForEachPixel(WindowsAround(p, i % p.in_pixels()), p.out,
                   [&](int64_t window) {
        const T share = T{1} / static_cast<T>(WindowOf(p, window).size());
        const T* from = image + window * c;
#pragma GCC ivdep
        for (int64_t k = 0; k < c; k++) to[k] += from[k] * share;
      });
    }
  });
}

// Runs `body` on float32 or float64 views of the operands; halves are widened
// before and rounded after. False: out of scratch memory.
template <class H>
const TensorView* WidenAll(const TensorView* views, int count, Scratch& scratch,
                           TensorView* wide) {
  for (int i = 0; i < count; i++) {
    wide[i] = views[i];
    float* data = scratch.Take<float>(views[i].size);
    if (data == nullptr) return nullptr;
    Widen(views[i].as<const H>(), data, views[i].size);
    wide[i].data = data;
    wide[i].dtype = DType::kFloat32;
  }
  return wide;
}

enum class Kind { kMax, kArgmax, kMaxBackward, kAverage, kAverageBackward };

template <Kind kKind, class T>
void Run(const Pooling& p, const TensorView* inputs, void* out) {
  const T* a = inputs[0].as<const T>();
  if constexpr (kKind == Kind::kMax) MaxPool(p, a, static_cast<T*>(out));
  if constexpr (kKind == Kind::kArgmax) {
    MaxPoolArgmax(p, a, static_cast<int32_t*>(out));
  }
  if constexpr (kKind == Kind::kMaxBackward) {
    MaxPoolBackward(p, a, inputs[1].as<const T>(), static_cast<T*>(out));
  }
  if constexpr (kKind == Kind::kAverage) AveragePool(p, a, static_cast<T*>(out));
  if constexpr (kKind == Kind::kAverageBackward) {
    AveragePoolBackward(p, a, static_cast<T*>(out));
  }
}

template <Kind kKind, class H>
bool RunHalves(const Pooling& p, const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  Scratch scratch;
  TensorView wide[2];
  if (WidenAll<H>(call.inputs, call.num_inputs, scratch, wide) == nullptr) {
    return false;
  }
  if constexpr (kKind == Kind::kArgmax) {
    Run<kKind, float>(p, wide, out.data);
    return true;
  }
  float* result = scratch.Take<float>(out.size);
  if (result == nullptr) return false;
  Run<kKind, float>(p, wide, result);
  Narrow(result, out.as<H>(), out.size);
  return true;
}

template <Kind kKind>
Status Pool(const KernelCall& call) {
  const TensorView& a = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const TensorView& x = kKind == Kind::kAverageBackward ? out : a;
  const TensorView& y = kKind == Kind::kAverageBackward ? a
                        : kKind == Kind::kMaxBackward   ? call.inputs[1]
                                                        : out;
  const Pooling p = ReadPooling(call, x, y);
  bool ok = true;
  switch (a.dtype) {
    case DType::kFloat16:
      ok = RunHalves<kKind, Half>(p, call);
      break;
    case DType::kBFloat16:
      ok = RunHalves<kKind, BFloat16>(p, call);
      break;
    case DType::kFloat64:
      Run<kKind, double>(p, call.inputs, out.data);
      break;
    default:
      Run<kKind, float>(p, call.inputs, out.data);
      break;
  }
  return ok ? 0 : call.Fail("out of memory: no room to widen the operands");
}

}  // namespace

void Register_pool(Registry& registry) {
  registry.Add("max_pool", Pool<Kind::kMax>, kFloats);
  registry.Add("max_pool_argmax", Pool<Kind::kArgmax>, kFloats);
  registry.Add("max_pool_backward", Pool<Kind::kMaxBackward>, kFloats);
  registry.Add("average_pool", Pool<Kind::kAverage>, kFloats);
  registry.Add("average_pool_backward", Pool<Kind::kAverageBackward>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
