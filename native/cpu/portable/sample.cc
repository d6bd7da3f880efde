// Sampling images between their pixels, and its gradients:
//   x [B, S1..Sr, C], coordinates [B, r, P] -> y [B, P, C].
//
// Order 0 takes the nearest pixel (halves away from zero), order 1 mixes the 2^r
// around a point. Pixels outside of the image are, by mode, a constant or
// pixels of the image continued: the edge repeated (nearest), periodic (wrap),
// mirrored about the middle (mirror) or the edge (reflect) of the last pixel.
//
// The gradient of the image is a sum over points in their order: a worker owns
// channels of one image.
#include <cmath>
#include <cstdint>

#include "../../kernel.h"
#include "../parallel.h"

namespace keratin {
namespace portable {
namespace {

// As in src/ops/image/sampling.ts.
enum class Mode { kConstant, kNearest, kWrap, kMirror, kReflect };

constexpr int64_t kOutside = -1;
constexpr int64_t kChannels = 16;  // of one worker's share of a gradient

int64_t FloorMod(int64_t a, int64_t n) {
  const int64_t rest = a % n;
  return rest < 0 ? rest + n : rest;
}

// The triangular wave 0, 1, .., size - 1, .., 1, 0 ..
int64_t Mirror(int64_t i, int64_t size) {
  const int64_t half = size - 1;
  if (half == 0) return 0;
  const int64_t wave = FloorMod(i + half, 2 * half) - half;
  return wave < 0 ? -wave : wave;
}

int64_t PixelAt(Mode mode, int64_t i, int64_t size) {
  switch (mode) {
    case Mode::kConstant:
      return i < 0 || i >= size ? kOutside : i;
    case Mode::kNearest:
      return i < 0 ? 0 : i >= size ? size - 1 : i;
    case Mode::kWrap:
      return FloorMod(i, size);
    case Mode::kMirror:
      return Mirror(i, size);
    default:
      return (Mirror(2 * i + 1, 2 * size + 1) - 1) / 2;
  }
}

// Far beyond any image; NaN becomes 0 (its weights stay NaN).
template <class T>
int64_t ToIndex(T x) {
  constexpr T kLimit = 1 << 30;
  if (!(x > -kLimit)) return x != x ? 0 : -(int64_t{1} << 30);
  return x < kLimit ? static_cast<int64_t>(x) : int64_t{1} << 30;
}

template <class T>
struct Sampler {
  int rank, order;
  Mode mode;
  T value;
  int64_t batch, points, channels, pixels;
  int64_t size[kMaxRank], stride[kMaxRank];  // strides in pixels

  // Along one axis: the pixels that count (in strides) and their weights.
  struct Tap {
    int64_t pixel[2];
    T weight[2];
  };

  int corners() const { return order == 0 ? 1 : 1 << rank; }

  // `at`: the coordinates of the first point of an image.
  void Locate(const T* at, int64_t point, Tap* taps) const {
    for (int i = 0; i < rank; i++) {
      const T c = at[i * points + point];
      Tap& tap = taps[i];
      if (order == 0) {
        const int64_t pixel = PixelAt(mode, ToIndex(std::round(c)), size[i]);
        tap.pixel[0] = pixel == kOutside ? kOutside : pixel * stride[i];
        tap.weight[0] = 1;
        continue;
      }
      const T lower = std::floor(c);
      const int64_t first = ToIndex(lower);
      for (int k = 0; k < 2; k++) {
        const int64_t pixel = PixelAt(mode, first + k, size[i]);
        tap.pixel[k] = pixel == kOutside ? kOutside : pixel * stride[i];
      }
      tap.weight[1] = c - lower;
      tap.weight[0] = 1 - tap.weight[1];
    }
  }

  // The pixel of a corner, whose bits choose the tap of each axis, and the
  // product of its weights, the one of axis `without` left out.
  int64_t Corner(const Tap* taps, int corner, int without, T* weight) const {
    int64_t pixel = 0;
    T product = 1;
    for (int i = 0; i < rank; i++) {
      const int k = (corner >> i) & 1;
      const int64_t part = taps[i].pixel[k];
      pixel = pixel == kOutside || part == kOutside ? kOutside : pixel + part;
      if (i != without) product *= taps[i].weight[k];
    }
    *weight = product;
    return pixel;
  }
};

template <class T>
Sampler<T> MakeSampler(const KernelCall& call, const int64_t* shape, int ndim,
                       const TensorView& coordinates) {
  Attributes attributes = call.attributes();
  Sampler<T> s{};
  s.order = attributes.Int();
  s.mode = static_cast<Mode>(attributes.Int());
  s.value = static_cast<T>(attributes.Float());
  s.rank = ndim - 2;
  s.batch = shape[0];
  s.channels = shape[ndim - 1];
  s.points = coordinates.shape[2];
  s.pixels = 1;
  for (int i = s.rank - 1; i >= 0; i--) {
    s.size[i] = shape[1 + i];
    s.stride[i] = s.pixels;
    s.pixels *= s.size[i];
  }
  return s;
}

template <class T>
double NsPerPoint(const Sampler<T>& s) {
  return s.corners() * (2.0 * s.rank + static_cast<double>(s.channels)) + 5;
}

template <class T>
void Run(const KernelCall& call) {
  const TensorView& image = call.inputs[0];
  const TensorView& at = call.inputs[1];
  const auto s = MakeSampler<T>(call, image.shape, image.ndim, at);
  ParallelFor(s.batch * s.points, NsPerPoint(s), 1,
              [&](int64_t begin, int64_t end) {
    typename Sampler<T>::Tap taps[kMaxRank];
    for (int64_t p = begin; p < end; p++) {
      const int64_t b = p / s.points;
      s.Locate(at.as<const T>() + b * s.rank * s.points, p % s.points, taps);
      const T* x = image.as<const T>() + b * s.pixels * s.channels;
      T* y = call.outputs[0].as<T>() + p * s.channels;
      for (int64_t c = 0; c < s.channels; c++) y[c] = 0;
      for (int corner = 0; corner < s.corners(); corner++) {
        T weight;
        const int64_t pixel = s.Corner(taps, corner, -1, &weight);
        for (int64_t c = 0; c < s.channels; c++) {
          y[c] += weight *
                  (pixel == kOutside ? s.value : x[pixel * s.channels + c]);
        }
      }
    }
  });
}

// dy [B, P, C], coordinates -> dx.
template <class T>
void RunImageBackward(const KernelCall& call) {
  const TensorView& grad = call.inputs[0];
  const TensorView& at = call.inputs[1];
  const TensorView& out = call.outputs[0];
  const auto s = MakeSampler<T>(call, out.shape, out.ndim, at);
  const int64_t blocks = (s.channels + kChannels - 1) / kChannels;
  ParallelFor(s.batch * blocks,
              static_cast<double>(s.points) * NsPerPoint(s) +
                  static_cast<double>(s.pixels * kChannels),
              1, [&](int64_t begin, int64_t end) {
    typename Sampler<T>::Tap taps[kMaxRank];
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i / blocks;
      const int64_t first = i % blocks * kChannels;
      const int64_t rest = s.channels - first;
      const int64_t n = rest < kChannels ? rest : kChannels;
      T* dx = out.as<T>() + b * s.pixels * s.channels + first;
      for (int64_t p = 0; p < s.pixels; p++) {
        for (int64_t c = 0; c < n; c++) dx[p * s.channels + c] = 0;
      }
      for (int64_t p = 0; p < s.points; p++) {
        s.Locate(at.as<const T>() + b * s.rank * s.points, p, taps);
        const T* dy =
            grad.as<const T>() + (b * s.points + p) * s.channels + first;
        for (int corner = 0; corner < s.corners(); corner++) {
          T weight;
          const int64_t pixel = s.Corner(taps, corner, -1, &weight);
          if (pixel == kOutside) continue;
          for (int64_t c = 0; c < n; c++) {
            dx[pixel * s.channels + c] += weight * dy[c];
          }
        }
      }
    }
  });
}

// x, coordinates, dy -> the gradient of the coordinates. Along an axis the
// weights are 1 - t and t: their derivatives are -1 and 1.
template <class T>
void RunCoordinatesBackward(const KernelCall& call) {
  const TensorView& image = call.inputs[0];
  const TensorView& at = call.inputs[1];
  const TensorView& grad = call.inputs[2];
  const auto s = MakeSampler<T>(call, image.shape, image.ndim, at);
  ParallelFor(s.batch * s.points, NsPerPoint(s) * s.rank, 1,
              [&](int64_t begin, int64_t end) {
    typename Sampler<T>::Tap taps[kMaxRank];
    for (int64_t p = begin; p < end; p++) {
      const int64_t b = p / s.points;
      const int64_t point = p % s.points;
      s.Locate(at.as<const T>() + b * s.rank * s.points, point, taps);
      const T* x = image.as<const T>() + b * s.pixels * s.channels;
      const T* dy = grad.as<const T>() + p * s.channels;
      for (int axis = 0; axis < s.rank; axis++) {
        T total = 0;
        for (int corner = 0; s.order != 0 && corner < s.corners(); corner++) {
          T weight;
          const int64_t pixel = s.Corner(taps, corner, axis, &weight);
          T dot = 0;
          for (int64_t c = 0; c < s.channels; c++) {
            dot += dy[c] *
                   (pixel == kOutside ? s.value : x[pixel * s.channels + c]);
          }
          total += ((corner >> axis) & 1 ? weight : -weight) * dot;
        }
        call.outputs[0].as<T>()[(b * s.rank + axis) * s.points + point] = total;
      }
    }
  });
}

template <void (*kFloat)(const KernelCall&), void (*kDouble)(const KernelCall&)>
Status ByType(const KernelCall& call) {
  if (call.outputs[0].size == 0) return 0;
  if (call.outputs[0].dtype == DType::kFloat64) {
    kDouble(call);
  } else {
    kFloat(call);
  }
  return 0;
}

}  // namespace

void Register_sample(Registry& registry) {
  constexpr DTypeMask kWide = Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("sample", ByType<Run<float>, Run<double>>, kWide);
  registry.Add("sample_image_backward",
               ByType<RunImageBackward<float>, RunImageBackward<double>>,
               kWide);
  registry.Add(
      "sample_coordinates_backward",
      ByType<RunCoordinatesBackward<float>, RunCoordinatesBackward<double>>,
      kWide);
}

}  // namespace portable
}  // namespace keratin
