// Pooling over windows of [N, spatial, C] and its gradients, vectors along the
// channels. Padding belongs to no window: the maximum ignores it and the mean
// is over what is there.
//
// The gradients are gathered: a thread owns rows of the input, visits the
// windows that reach them in order and adds only to what it owns, so the order
// of every sum is that of the windows.
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "half.h"
#include "wide.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

KERATIN_INLINE int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
KERATIN_INLINE int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

// Three spatial axes, missing ones of length 1 in front.
struct Pooling {
  int64_t batch, channels;
  int64_t in[3], out[3], window[3], stride[3], low[3];
};

KERATIN_INLINE int64_t Product(const int64_t* lengths) {
  return lengths[0] * lengths[1] * lengths[2];
}

Pooling ReadPooling(const KernelCall& call, const TensorView& x,
                    const TensorView& y) {
  Attributes attributes = call.attributes();
  int rank;
  const int32_t* window = attributes.Ints(&rank);
  const int32_t* strides = attributes.Ints(&rank);
  int paddings;
  const int32_t* padding = attributes.Ints(&paddings);
  Pooling p{};
  p.batch = x.shape[0];
  p.channels = x.shape[x.ndim - 1];
  for (int i = 0; i < 3; i++) {
    const int own = i - (3 - rank);
    p.in[i] = own >= 0 ? x.shape[1 + own] : 1;
    p.out[i] = own >= 0 ? y.shape[1 + own] : 1;
    p.window[i] = own >= 0 ? window[own] : 1;
    p.stride[i] = own >= 0 ? strides[own] : 1;
    p.low[i] = own >= 0 ? padding[2 * own] : 0;
  }
  return p;
}

// The part of a window that lies in the image: where it begins, and the offsets
// of its pixels from there, in row-major order.
class Window {
 public:
  // `offsets` has room for a whole window.
  Window(const Pooling& pooling, int64_t* offsets)
      : pooling_(pooling), offsets_(offsets) {}

  void MoveTo(const int64_t* out) {
    bool same = count_ >= 0;
    for (int i = 0; i < 3; i++) same &= Place(i, out[i]);
    row_ = (begin_[0] * pooling_.in[1] + begin_[1]) * pooling_.in[2];
    if (!same) List();
  }
  // To another output of the same row.
  void MoveAlong(int64_t out) {
    if (!Place(2, out)) List();
  }
  // The first pixel, numbered over the spatial axes.
  int64_t pixel() const { return row_ + begin_[2]; }
  int64_t begin(int axis) const { return begin_[axis]; }
  int64_t extent(int axis) const { return extent_[axis]; }
  int64_t count() const { return count_; }
  // Of pixel t, in pixels.
  int64_t offset(int64_t t) const { return offsets_[t]; }

 private:
  // Whether the window is as long on this axis as it was.
  bool Place(int axis, int64_t out) {
    const int64_t first = out * pooling_.stride[axis] - pooling_.low[axis];
    begin_[axis] = Max(first, 0);
    const int64_t end = Min(first + pooling_.window[axis], pooling_.in[axis]);
    const int64_t before = extent_[axis];
    extent_[axis] = Max(end - begin_[axis], 0);
    return extent_[axis] == before;
  }
  void List() {
    count_ = 0;
    for (int64_t z = 0; z < extent_[0]; z++) {
      for (int64_t y = 0; y < extent_[1]; y++) {
        for (int64_t x = 0; x < extent_[2]; x++) {
          offsets_[count_++] =
              (z * pooling_.in[1] + y) * pooling_.in[2] + x;
        }
      }
    }
  }

  const Pooling& pooling_;
  int64_t* offsets_;
  int64_t begin_[3] = {}, extent_[3] = {};
  int64_t row_ = 0;  // the first pixel of the image row
  int64_t count_ = -1;
};

// body(channel, how many from it on) for each vector of channels.
template <class T, class Body>
KERATIN_INLINE void ForEachVector(int64_t channels, const Body& body) {
  constexpr int kLanes = Simd<T>::kLanes;
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(c, kLanes);
  if (c < channels) body(c, channels - c);
}

double NsPerWindow(const Pooling& p) {
  return static_cast<double>(Product(p.window) * p.channels) * 0.1 + 5;
}

// body(window, its image, number of the output pixel) for every window, on all
// threads. False: out of scratch memory.
template <class Body>
bool ForEachWindow(const Pooling& p, const Body& body) {
  const int64_t per_image = Product(p.out);
  bool failed = false;
  ParallelFor(p.batch * per_image, NsPerWindow(p), 1,
              [&](int64_t begin, int64_t end) {
    Scratch scratch;
    int64_t* offsets = scratch.Take<int64_t>(Product(p.window));
    if (offsets == nullptr) {
      __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
      return;
    }
    Window window(p, offsets);
    int64_t out[3] = {begin % per_image / (p.out[1] * p.out[2]),
                      begin / p.out[2] % p.out[1], begin % p.out[2]};
    for (int64_t i = begin; i < end;) {
      const int64_t image = i / per_image;
      const int64_t row_end = Min(i + p.out[2] - out[2], end);
      window.MoveTo(out);
      body(window, image, i);
      for (i++; i < row_end; i++) {
        window.MoveAlong(++out[2]);
        body(window, image, i);
      }
      out[2] = 0;
      for (int axis = 1; axis >= 0; axis--) {
        if (++out[axis] < p.out[axis]) break;
        out[axis] = 0;
      }
    }
  });
  return !failed;
}

template <class S>
struct MaxPool {
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    using T = Wide<S>;
    const S* x = inputs[0].as<const S>();
    S* y = static_cast<S*>(out);
    const int64_t c = p.channels;
    return ForEachWindow(p, [&](const Window& w, int64_t image, int64_t o) {
      const S* from = x + (image * Product(p.in) + w.pixel()) * c;
      ForEachVector<T>(c, [&](int64_t k, int64_t n)
                              __attribute__((always_inline)) {
        auto top = Simd<T>::Broadcast(-static_cast<T>(__builtin_inf()));
        for (int64_t t = 0; t < w.count(); t++) {
          top = Simd<T>::Max(top, LoadWide(from + w.offset(t) * c + k, n));
        }
        StoreNarrow(y + o * c + k, n, top);
      });
    });
  }
};

template <class S>
struct MaxPoolArgmax {
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    using T = Wide<S>;
    using V = Simd<T>;
    const S* x = inputs[0].as<const S>();
    int32_t* y = static_cast<int32_t*>(out);
    const int64_t c = p.channels;
    return ForEachWindow(p, [&](const Window& w, int64_t image, int64_t o) {
      const S* from = x + (image * Product(p.in) + w.pixel()) * c;
      ForEachVector<T>(c, [&](int64_t k, int64_t n)
                              __attribute__((always_inline)) {
        const auto at = [&](int64_t t) {
          return static_cast<int32_t>(w.pixel() + w.offset(t));
        };
        auto top = V::Broadcast(0);
        auto where = V::Index(0);
        for (int64_t t = 0; t < w.count(); t++) {
          const auto v = LoadWide(from + w.offset(t) * c + k, n);
          if (t == 0) {
            top = v;
            where = V::Index(at(0));
            continue;
          }
          const auto better = V::Exceeds(v, top);
          top = V::Select(better, v, top);
          where = V::Select(better, V::Index(at(t)), where);
        }
        int32_t indices[V::kLanes];
        V::StoreIndex(indices, where);
        __builtin_memcpy(y + o * c + k, indices,
                         static_cast<size_t>(n) * sizeof(int32_t));
      });
    });
  }
};

template <class S>
struct AveragePool {
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    using T = Wide<S>;
    const S* x = inputs[0].as<const S>();
    S* y = static_cast<S*>(out);
    const int64_t c = p.channels;
    return ForEachWindow(p, [&](const Window& w, int64_t image, int64_t o) {
      const S* from = x + (image * Product(p.in) + w.pixel()) * c;
      const auto count = Simd<T>::Broadcast(static_cast<T>(w.count()));
      ForEachVector<T>(c, [&](int64_t k, int64_t n)
                              __attribute__((always_inline)) {
        auto sum = Simd<T>::Broadcast(0);
        for (int64_t t = 0; t < w.count(); t++) {
          sum = Simd<T>::Plus(sum, LoadWide(from + w.offset(t) * c + k, n));
        }
        StoreNarrow(y + o * c + k, n, Simd<T>::Over(sum, count));
      });
    });
  }
};

// No pixel lies in two windows.
bool AreDisjoint(const Pooling& p) {
  bool disjoint = true;
  for (int i = 0; i < 3; i++) disjoint &= p.stride[i] >= p.window[i];
  return disjoint;
}

// Every pixel lies in a window.
bool CoverAll(const Pooling& p) {
  bool covered = true;
  for (int i = 0; i < 3; i++) {
    covered &= p.stride[i] <= p.window[i] &&
               (p.out[i] - 1) * p.stride[i] + p.window[i] - p.low[i] >= p.in[i];
  }
  return covered;
}

// Adds to a pixel's gradient. Where windows are disjoint it is the only term:
// added to zero, not stored as it is, for the sign of a zero.
template <bool kDisjoint, class T>
KERATIN_INLINE void AddTerm(T* to, int64_t n, typename Simd<T>::V term) {
  const auto before = kDisjoint ? Simd<T>::Broadcast(0) : LoadWide(to, n);
  StoreNarrow(to, n, Simd<T>::Plus(before, term));
}

// The gradient of images in parts: positions [begin, end) of the first axis
// longer than 1 in each. body(window, image, number of the output pixel, sums
// of the part, where in them the window would begin, those of its pixels
// [first, last) that are owned) for the windows that reach a part. Sums are in
// the type computed in, and narrowed when the part is done.
template <bool kDisjoint, class S, class Body>
bool GatherGradient(const Pooling& p, S* dx, const Body& body) {
  using T = Wide<S>;
  constexpr bool kNarrows = sizeof(S) != sizeof(T);
  const int axis = p.in[0] > 1 ? 0 : p.in[1] > 1 ? 1 : 2;
  const int64_t length = p.in[axis];
  // Elements of dx at one position, and of an image.
  int64_t slice = p.channels;
  for (int i = axis + 1; i < 3; i++) slice *= p.in[i];
  const int64_t size = slice * length;
  // Parts are cut where there are too few images. Windows across a cut are
  // visited for both sides.
  const int64_t wanted = (4 * ThreadCount() + p.batch - 1) / p.batch;
  const int64_t longest = Max(length / Max(2 * p.window[axis], 1), 1);
  const int64_t parts = Max(Min(wanted, longest), 1);
  const double ns =
      2 * NsPerWindow(p) * static_cast<double>(Product(p.out)) +
      static_cast<double>(size) * 0.1;
  const bool clears = !kDisjoint || !CoverAll(p);
  bool failed = false;
  ParallelFor(p.batch * parts, ns / static_cast<double>(parts), 1,
              [&](int64_t first_part, int64_t last_part) {
    Scratch scratch;
    int64_t* offsets = scratch.Take<int64_t>(Product(p.window));
    T* wide = nullptr;
    if (kNarrows) wide = scratch.Take<T>((length / parts + 1) * slice);
    if (offsets == nullptr || (kNarrows && wide == nullptr)) {
      __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
      return;
    }
    Window window(p, offsets);
    for (int64_t part = first_part; part < last_part; part++) {
      const int64_t image = part / parts;
      const int64_t begin = length * (part % parts) / parts;
      const int64_t end = length * (part % parts + 1) / parts;
      S* owned = dx + image * size + begin * slice;
      T* sums;
      if constexpr (kNarrows) {
        sums = wide;
      } else {
        sums = owned;
      }
      if (clears) {
        const auto elements = static_cast<size_t>((end - begin) * slice);
        __builtin_memset(sums, 0, elements * sizeof(T));
      }
      int64_t from[3] = {0, 0, 0};
      int64_t to[3] = {p.out[0], p.out[1], p.out[2]};
      const int64_t reach = begin + p.low[axis] - p.window[axis] + 1;
      from[axis] =
          reach <= 0 ? 0 : (reach + p.stride[axis] - 1) / p.stride[axis];
      to[axis] =
          Min(to[axis], (end - 1 + p.low[axis]) / p.stride[axis] + 1);
      int64_t out[3];
      for (out[0] = from[0]; out[0] < to[0]; out[0]++) {
        for (out[1] = from[1]; out[1] < to[1]; out[1]++) {
          out[2] = from[2];
          window.MoveTo(out);
          for (; out[2] < to[2]; out[2]++) {
            window.MoveAlong(out[2]);
            if (window.count() == 0) continue;
            // Pixels at one position of the axis follow each other.
            int64_t per_position = 1;
            for (int i = axis + 1; i < 3; i++) per_position *= window.extent(i);
            const int64_t skipped = Max(begin - window.begin(axis), 0);
            const int64_t kept =
                Min(end - window.begin(axis), window.extent(axis));
            const int64_t o =
                ((image * p.out[0] + out[0]) * p.out[1] + out[1]) * p.out[2] +
                out[2];
            body(window, image, o, sums,
                 window.pixel() * p.channels - begin * slice,
                 skipped * per_position, kept * per_position);
          }
        }
      }
      if constexpr (kNarrows) Narrow(sums, owned, (end - begin) * slice);
    }
  });
  return !failed;
}

template <class S>
struct MaxPoolBackward {
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    return AreDisjoint(p) ? Run<true>(p, inputs, out)
                          : Run<false>(p, inputs, out);
  }

  template <bool kDisjoint>
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    using T = Wide<S>;
    const S* x = inputs[0].as<const S>();
    const S* dy = inputs[1].as<const S>();
    const int64_t c = p.channels;
    return GatherGradient<kDisjoint>(
        p, static_cast<S*>(out),
        [&](const Window& w, int64_t image, int64_t o, T* dx, int64_t base,
            int64_t first, int64_t last) {
          const S* from = x + (image * Product(p.in) + w.pixel()) * c;
          T* to = dx + base;
          // Windows of 2 x 2, the usual ones, stay in registers.
          if (w.count() == 4 && last - first == 4) {
            Give<kDisjoint, 4>(w, c, from, dy + o * c, to, 0, 4);
          } else {
            Give<kDisjoint, 0>(w, c, from, dy + o * c, to, first, last);
          }
        });
  }

  // The gradient of a window's output to its first maximum, if that is one of
  // the pixels [first, last). kTaps: of the window, 0 where not known.
  template <bool kDisjoint, int kTaps>
  static void Give(const Window& w, int64_t c, const S* from, const S* dy,
                   Wide<S>* to, int64_t first, int64_t last) {
    using V = Simd<Wide<S>>;
    const int64_t taps = kTaps > 0 ? kTaps : w.count();
    int64_t fixed[kTaps + 1];
    for (int t = 0; t < kTaps; t++) fixed[t] = w.offset(t) * c;
    const auto at = [&](int64_t t) __attribute__((always_inline)) {
      return kTaps > 0 ? fixed[t] : w.offset(t) * c;
    };
    ForEachVector<Wide<S>>(c, [&](int64_t k, int64_t n)
                                  __attribute__((always_inline)) {
      auto top = LoadWide(from + k, n);
#pragma GCC unroll 4
      for (int64_t t = 1; t < taps; t++) {
        top = V::Max(top, LoadWide(from + at(t) + k, n));
      }
      // What is left to give: nothing after the first maximum.
      auto rest = LoadWide(dy + k, n);
      const auto zero = V::Broadcast(0);
#pragma GCC unroll 4
      for (int64_t t = 0; t < last; t++) {
        const auto hit = V::Reaches(LoadWide(from + at(t) + k, n), top);
        if (kTaps > 0 || t >= first) {
          AddTerm<kDisjoint>(to + at(t) + k, n, V::Select(hit, rest, zero));
        }
        rest = V::Select(hit, zero, rest);
      }
    });
  }
};

template <class S>
struct AveragePoolBackward {
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    return AreDisjoint(p) ? Run<true>(p, inputs, out)
                          : Run<false>(p, inputs, out);
  }

  template <bool kDisjoint>
  static bool Run(const Pooling& p, const TensorView* inputs, void* out) {
    using T = Wide<S>;
    using V = Simd<T>;
    const S* dy = inputs[0].as<const S>();
    const int64_t c = p.channels;
    return GatherGradient<kDisjoint>(
        p, static_cast<S*>(out),
        [&](const Window& w, int64_t, int64_t o, T* dx, int64_t base,
            int64_t first, int64_t last) {
          const auto count = V::Broadcast(static_cast<T>(w.count()));
          ForEachVector<T>(c, [&](int64_t k, int64_t n)
                              __attribute__((always_inline)) {
            const auto share = V::Over(LoadWide(dy + o * c + k, n), count);
            for (int64_t t = first; t < last; t++) {
              AddTerm<kDisjoint>(dx + (base + w.offset(t) * c + k), n, share);
            }
          });
        });
  }
};

// Which operands are the images and which the pooled ones.
enum class Form { kForward, kWithImage, kFromPooled };

template <template <class> class Kind, Form kForm>
Status Pool(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const TensorView& x = kForm == Form::kForward ? call.inputs[0] : out;
  const TensorView& y = kForm == Form::kForward     ? out
                        : kForm == Form::kWithImage ? call.inputs[1]
                                                    : call.inputs[0];
  const Pooling p = ReadPooling(call, x, y);
  bool ok;
  switch (call.inputs[0].dtype) {
    case DType::kFloat16:
      ok = Kind<Half>::Run(p, call.inputs, out.data);
      break;
    case DType::kBFloat16:
      ok = Kind<BFloat16>::Run(p, call.inputs, out.data);
      break;
    case DType::kFloat64:
      ok = Kind<double>::Run(p, call.inputs, out.data);
      break;
    default:
      ok = Kind<float>::Run(p, call.inputs, out.data);
      break;
  }
  return ok ? 0 : call.Fail("pooling: out of memory for a window");
}

}  // namespace

void Register_pool(Registry& registry) {
  registry.Add("max_pool", Pool<MaxPool, Form::kForward>, kFloats);
  registry.Add("max_pool_argmax", Pool<MaxPoolArgmax, Form::kForward>, kFloats);
  registry.Add("max_pool_backward", Pool<MaxPoolBackward, Form::kWithImage>,
               kFloats);
  registry.Add("average_pool", Pool<AveragePool, Form::kForward>, kFloats);
  registry.Add("average_pool_backward",
               Pool<AveragePoolBackward, Form::kFromPooled>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
