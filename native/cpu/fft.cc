// Fourier transforms along the last axis, of any length: Stockham's autosort
// algorithm in radices 4, 2, 3 and 5, Bluestein's for lengths with other
// factors (in float64). Several transforms go side by side in the lanes of
// vectors; real ones of even length as complex ones of half the length.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

constexpr int64_t kMostLanes = 16;
// Of one buffer, so that all four stay in the second-level cache.
constexpr int64_t kBufferElements = int64_t{1} << 14;
constexpr int kMaxStages = 48;
constexpr int kRadices[] = {4, 2, 3, 5};

// cos and sin of 2 pi k / n, 0 <= k < n, to the last bit or nearly: the angle
// is brought into [0, pi / 4] in integers.
void UnitRoot(int64_t k, int64_t n, double* cosine, double* sine) {
  int64_t eighths = 8 * k;
  const bool below = eighths > 4 * n;
  if (below) eighths = 8 * n - eighths;
  const bool left = eighths > 2 * n;
  if (left) eighths = 4 * n - eighths;
  const bool steep = eighths > n;
  if (steep) eighths = 2 * n - eighths;
  constexpr double kQuarterPi = 0.785398163397448309616;
  const double angle =
      kQuarterPi * (static_cast<double>(eighths) / static_cast<double>(n));
  const double c = steep ? ::sin(angle) : ::cos(angle);
  const double s = steep ? ::cos(angle) : ::sin(angle);
  *cosine = left ? -c : c;
  *sine = below ? -s : s;
}

// e^(-2 pi i k / n) for k < count <= n: products of two short tables in
// float64.
template <class T>
bool UnitRoots(int64_t n, int64_t count, T* re, T* im) {
  int64_t block = 1;
  while (block * block < count) block *= 2;
  Scratch scratch;
  double* fine = scratch.Take<double>(2 * block);
  if (fine == nullptr) return false;
  for (int64_t k = 0; k < block; k++) {
    UnitRoot(k % n, n, fine + 2 * k, fine + 2 * k + 1);
  }
  for (int64_t begin = 0; begin < count; begin += block) {
    double c;
    double s;
    UnitRoot(begin, n, &c, &s);
    for (int64_t k = 0; k < block && begin + k < count; k++) {
      re[begin + k] = static_cast<T>(c * fine[2 * k] - s * fine[2 * k + 1]);
      im[begin + k] = static_cast<T>(-(c * fine[2 * k + 1] + s * fine[2 * k]));
    }
  }
  return true;
}

template <class T>
struct Stages {
  int64_t n = 0;
  int count = 0;
  int radix[kMaxStages];
  T* re = nullptr;  // e^(-2 pi i k / n)
  T* im = nullptr;

  // False where other factors are left.
  bool Factorise(int64_t length) {
    n = length;
    count = 0;
    int64_t rest = length;
    for (int r : kRadices) {
      for (; rest % r == 0; rest /= r) radix[count++] = r;
    }
    return rest == 1;
  }
  bool MakeTable(Scratch* scratch) {
    re = scratch->Take<T>(n);
    im = scratch->Take<T>(n);
    return re != nullptr && im != nullptr && UnitRoots(n, n, re, im);
  }
};

// The transform of R numbers in place; e^(-2 pi i / R).
template <int R, class T>
inline __attribute__((always_inline)) void Butterfly(T* re, T* im) {
  if constexpr (R == 2) {
    const T a = re[0], b = im[0];
    re[0] = a + re[1];
    im[0] = b + im[1];
    re[1] = a - re[1];
    im[1] = b - im[1];
  } else if constexpr (R == 4) {
    const T sum_re = re[0] + re[2], sum_im = im[0] + im[2];
    const T dif_re = re[0] - re[2], dif_im = im[0] - im[2];
    const T odd_re = re[1] + re[3], odd_im = im[1] + im[3];
    const T off_re = re[1] - re[3], off_im = im[1] - im[3];
    re[0] = sum_re + odd_re;
    im[0] = sum_im + odd_im;
    re[1] = dif_re + off_im;
    im[1] = dif_im - off_re;
    re[2] = sum_re - odd_re;
    im[2] = sum_im - odd_im;
    re[3] = dif_re - off_im;
    im[3] = dif_im + off_re;
  } else if constexpr (R == 3) {
    constexpr T kSine = static_cast<T>(0.866025403784438646764);
    const T odd_re = re[1] + re[2], odd_im = im[1] + im[2];
    const T off_re = kSine * (re[1] - re[2]), off_im = kSine * (im[1] - im[2]);
    const T mid_re = re[0] - odd_re / 2, mid_im = im[0] - odd_im / 2;
    re[0] += odd_re;
    im[0] += odd_im;
    re[1] = mid_re + off_im;
    im[1] = mid_im - off_re;
    re[2] = mid_re - off_im;
    im[2] = mid_im + off_re;
  } else {
    static_assert(R == 5);
    constexpr T kC1 = static_cast<T>(0.309016994374947424102);
    constexpr T kC2 = static_cast<T>(-0.809016994374947424102);
    constexpr T kS1 = static_cast<T>(0.951056516295153572116);
    constexpr T kS2 = static_cast<T>(0.587785252292473129169);
    const T a_re = re[1] + re[4], a_im = im[1] + im[4];
    const T b_re = re[2] + re[3], b_im = im[2] + im[3];
    const T c_re = re[1] - re[4], c_im = im[1] - im[4];
    const T d_re = re[2] - re[3], d_im = im[2] - im[3];
    const T p_re = re[0] + kC1 * a_re + kC2 * b_re;
    const T p_im = im[0] + kC1 * a_im + kC2 * b_im;
    const T q_re = re[0] + kC2 * a_re + kC1 * b_re;
    const T q_im = im[0] + kC2 * a_im + kC1 * b_im;
    const T u_re = kS1 * c_re + kS2 * d_re, u_im = kS1 * c_im + kS2 * d_im;
    const T v_re = kS2 * c_re - kS1 * d_re, v_im = kS2 * c_im - kS1 * d_im;
    re[0] += a_re + b_re;
    im[0] += a_im + b_im;
    re[1] = p_re + u_im;
    im[1] = p_im - u_re;
    re[4] = p_re - u_im;
    im[4] = p_im + u_re;
    re[2] = q_re + v_im;
    im[2] = q_im - v_re;
    re[3] = q_re - v_im;
    im[3] = q_im + v_re;
  }
}

// One stage of radix R on parts of length R m, whose elements are `inner`
// numbers apart: y[inner (R p + j)] = w^(p j) sum_k x[inner (p + m k)] e(j k / R).
template <int R, class T>
void Stage(const Stages<T>& stages, int64_t m, int64_t stride, int64_t inner,
           const T* __restrict x_re, const T* __restrict x_im,
           T* __restrict y_re, T* __restrict y_im) {
  for (int64_t p = 0; p < m; p++) {
    T w_re[R], w_im[R];
    for (int j = 1; j < R; j++) {
      w_re[j] = stages.re[p * j * stride];
      w_im[j] = stages.im[p * j * stride];
    }
    const T* from_re = x_re + inner * p;
    const T* from_im = x_im + inner * p;
    T* to_re = y_re + inner * R * p;
    T* to_im = y_im + inner * R * p;
    for (int64_t i = 0; i < inner; i++) {
      T re[R], im[R];
      for (int k = 0; k < R; k++) {
        re[k] = from_re[inner * m * k + i];
        im[k] = from_im[inner * m * k + i];
      }
      Butterfly<R>(re, im);
      to_re[i] = re[0];
      to_im[i] = im[0];
      for (int j = 1; j < R; j++) {
        to_re[inner * j + i] = re[j] * w_re[j] - im[j] * w_im[j];
        to_im[inner * j + i] = re[j] * w_im[j] + im[j] * w_re[j];
      }
    }
  }
}

// Forward transforms of `lanes` columns of [n, lanes] in (re, im); the other
// two are as large.
template <class T>
void RunStages(const Stages<T>& stages, int64_t lanes, T* re, T* im, T* work_re,
               T* work_im) {
  int64_t rest = stages.n;
  int64_t stride = 1;
  T* x_re = re;
  T* x_im = im;
  T* y_re = work_re;
  T* y_im = work_im;
  for (int s = 0; s < stages.count; s++) {
    const int r = stages.radix[s];
    const int64_t m = rest / r;
    const int64_t inner = stride * lanes;
    switch (r) {
      case 4:
        Stage<4>(stages, m, stride, inner, x_re, x_im, y_re, y_im);
        break;
      case 2:
        Stage<2>(stages, m, stride, inner, x_re, x_im, y_re, y_im);
        break;
      case 3:
        Stage<3>(stages, m, stride, inner, x_re, x_im, y_re, y_im);
        break;
      default:
        Stage<5>(stages, m, stride, inner, x_re, x_im, y_re, y_im);
        break;
    }
    rest = m;
    stride *= r;
    T* swap = x_re;
    x_re = y_re;
    y_re = swap;
    swap = x_im;
    x_im = y_im;
    y_im = swap;
  }
  if (x_re == re) return;
  const size_t bytes = static_cast<size_t>(stages.n * lanes) * sizeof(T);
  std::memcpy(re, x_re, bytes);
  std::memcpy(im, x_im, bytes);
}

// A transform of length n; buffers are of `size` elements a lane.
template <class T>
struct Transform {
  int64_t n = 0;
  int64_t size = 0;
  bool chirped = false;
  Stages<T> stages;
  T* chirp_re = nullptr;   // e^(-pi i k^2 / n)
  T* chirp_im = nullptr;
  T* filter_re = nullptr;  // the transform of the conjugate chirp, / size
  T* filter_im = nullptr;

  bool Make(int64_t length, Scratch* scratch) {
    n = length;
    size = length;
    chirped = !stages.Factorise(length);
    if (!chirped) return stages.MakeTable(scratch);
    for (size = 1; size < 2 * n - 1;) size *= 2;
    stages.Factorise(size);
    chirp_re = scratch->Take<T>(n);
    chirp_im = scratch->Take<T>(n);
    filter_re = scratch->Take<T>(size);
    filter_im = scratch->Take<T>(size);
    T* work = scratch->Take<T>(2 * size);
    if (chirp_re == nullptr || chirp_im == nullptr || filter_re == nullptr ||
        filter_im == nullptr || work == nullptr ||
        !stages.MakeTable(scratch)) {
      return false;
    }
    for (int64_t k = 0; k < size; k++) filter_re[k] = filter_im[k] = 0;
    int64_t square = 0;  // k^2 mod 2n
    for (int64_t k = 0; k < n; k++) {
      double c;
      double s;
      UnitRoot(square, 2 * n, &c, &s);
      chirp_re[k] = static_cast<T>(c);
      chirp_im[k] = static_cast<T>(-s);
      const double scale = 1 / static_cast<double>(size);
      const int64_t back = k == 0 ? 0 : size - k;
      filter_re[k] = filter_re[back] = static_cast<T>(c * scale);
      filter_im[k] = filter_im[back] = static_cast<T>(s * scale);
      square = (square + 2 * k + 1) % (2 * n);
    }
    RunStages(stages, 1, filter_re, filter_im, work, work + size);
    return true;
  }

  // Forward, in place.
  void Run(int64_t lanes, T* re, T* im, T* work_re, T* work_im) const {
    if (!chirped) {
      RunStages(stages, lanes, re, im, work_re, work_im);
      return;
    }
    Multiply(n, lanes, chirp_re, chirp_im, re, im);
    for (int64_t i = n * lanes; i < size * lanes; i++) re[i] = im[i] = 0;
    RunStages(stages, lanes, re, im, work_re, work_im);
    Multiply(size, lanes, filter_re, filter_im, re, im);
    // Backwards: the parts swap roles.
    RunStages(stages, lanes, im, re, work_re, work_im);
    Multiply(n, lanes, chirp_re, chirp_im, re, im);
  }

  static void Multiply(int64_t count, int64_t lanes, const T* f_re,
                       const T* f_im, T* re, T* im) {
    for (int64_t k = 0; k < count; k++) {
      for (int64_t l = k * lanes; l < (k + 1) * lanes; l++) {
        const T x = re[l];
        re[l] = x * f_re[k] - im[l] * f_im[k];
        im[l] = x * f_im[k] + im[l] * f_re[k];
      }
    }
  }
};

// Runs body(first, lanes, re, im, work_re, work_im) for all of a batch in
// groups of lanes.
template <class T, class Body>
bool ForLanes(const Transform<T>& transform, int64_t batch, const Body& body) {
  const int64_t size = transform.size;
  int64_t lanes = kBufferElements / size;
  if (lanes > kMostLanes) lanes = kMostLanes;
  if (lanes < 1) lanes = 1;
  if (lanes > batch) lanes = batch;
  const int64_t groups = (batch + lanes - 1) / lanes;
  bool failed = false;
  const double cost = static_cast<double>(size * lanes) *
                      (transform.chirped ? 12 : 4);
  ParallelFor(groups, cost, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    T* buffers[4];
    for (T*& buffer : buffers) {
      buffer = scratch.Take<T>(size * lanes);
      if (buffer == nullptr) {
        __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
        return;
      }
    }
    for (int64_t g = begin; g < end; g++) {
      const int64_t first = g * lanes;
      const int64_t count = batch - first < lanes ? batch - first : lanes;
      body(first, count, buffers[0], buffers[1], buffers[2], buffers[3]);
    }
  });
  return !failed;
}

// In is the stored type, T the one computed in.
template <class In, class T>
bool ComplexTransform(const In* in_re, const In* in_im, In* out_re, In* out_im,
                      int64_t batch, int64_t n) {
  Scratch scratch;
  Transform<T> transform;
  if (!transform.Make(n, &scratch)) return false;
  return ForLanes(transform, batch,
                  [&](int64_t first, int64_t lanes, T* re, T* im, T* work_re,
                      T* work_im) {
    for (int64_t l = 0; l < lanes; l++) {
      const int64_t at = (first + l) * n;
      for (int64_t k = 0; k < n; k++) {
        re[k * lanes + l] = static_cast<T>(in_re[at + k]);
        im[k * lanes + l] = static_cast<T>(in_im[at + k]);
      }
    }
    transform.Run(lanes, re, im, work_re, work_im);
    for (int64_t l = 0; l < lanes; l++) {
      const int64_t at = (first + l) * n;
      for (int64_t k = 0; k < n; k++) {
        out_re[at + k] = static_cast<In>(re[k * lanes + l]);
        out_im[at + k] = static_cast<In>(im[k * lanes + l]);
      }
    }
  });
}

// With z[k] = x[2k] + i x[2k + 1] and its transform Z of length h = n / 2:
// X[k] = (Z[k] + Z*[h - k]) / 2 - i e^(-2 pi i k / n) (Z[k] - Z*[h - k]) / 2.
template <class In, class T>
bool RealTransform(const In* in, In* out_re, In* out_im, int64_t batch,
                   int64_t n) {
  const int64_t bins = n / 2 + 1;
  const bool packed = n % 2 == 0;
  const int64_t h = packed ? n / 2 : n;
  Scratch scratch;
  Transform<T> transform;
  T* w_re = scratch.Take<T>(bins);
  T* w_im = scratch.Take<T>(bins);
  if (w_re == nullptr || w_im == nullptr || !UnitRoots(n, bins, w_re, w_im) ||
      !transform.Make(h, &scratch)) {
    return false;
  }
  return ForLanes(transform, batch,
                  [&](int64_t first, int64_t lanes, T* re, T* im, T* work_re,
                      T* work_im) {
    for (int64_t l = 0; l < lanes; l++) {
      const In* x = in + (first + l) * n;
      for (int64_t k = 0; k < h; k++) {
        re[k * lanes + l] = static_cast<T>(packed ? x[2 * k] : x[k]);
        im[k * lanes + l] = packed ? static_cast<T>(x[2 * k + 1]) : T{0};
      }
    }
    transform.Run(lanes, re, im, work_re, work_im);
    for (int64_t l = 0; l < lanes; l++) {
      In* y_re = out_re + (first + l) * bins;
      In* y_im = out_im + (first + l) * bins;
      for (int64_t k = 0; k < bins; k++) {
        const int64_t a = (k == h ? 0 : k) * lanes + l;
        if (!packed) {
          y_re[k] = static_cast<In>(re[a]);
          y_im[k] = static_cast<In>(k == 0 ? T{0} : im[a]);
          continue;
        }
        const int64_t b = (k == 0 ? 0 : h - k) * lanes + l;
        const T even_re = (re[a] + re[b]) / 2, even_im = (im[a] - im[b]) / 2;
        const T odd_re = (im[a] + im[b]) / 2, odd_im = (re[b] - re[a]) / 2;
        y_re[k] = static_cast<In>(even_re + w_re[k] * odd_re - w_im[k] * odd_im);
        y_im[k] = static_cast<In>(
            k == 0 || k == h ? T{0}
                             : even_im + w_re[k] * odd_im + w_im[k] * odd_re);
      }
    }
  });
}

// The inverse of it: imaginary parts of X[0] and X[n / 2] do not count.
template <class In, class T>
bool RealInverse(const In* in_re, const In* in_im, In* out, int64_t batch,
                 int64_t n) {
  const int64_t bins = n / 2 + 1;
  const bool packed = n % 2 == 0;
  const int64_t h = packed ? n / 2 : n;
  Scratch scratch;
  Transform<T> transform;
  T* w_re = scratch.Take<T>(bins);
  T* w_im = scratch.Take<T>(bins);
  if (w_re == nullptr || w_im == nullptr || !UnitRoots(n, bins, w_re, w_im) ||
      !transform.Make(h, &scratch)) {
    return false;
  }
  const T scale = static_cast<T>(1 / static_cast<double>(n));
  return ForLanes(transform, batch,
                  [&](int64_t first, int64_t lanes, T* re, T* im, T* work_re,
                      T* work_im) {
    for (int64_t l = 0; l < lanes; l++) {
      const In* x_re = in_re + (first + l) * bins;
      const In* x_im = in_im + (first + l) * bins;
      const auto imaginary = [&](int64_t k) {
        return k == 0 || 2 * k == n ? T{0} : static_cast<T>(x_im[k]);
      };
      for (int64_t k = 0; k < h; k++) {
        const int64_t at = k * lanes + l;
        if (!packed) {
          const bool mirrored = k >= bins;
          const int64_t from = mirrored ? n - k : k;
          re[at] = scale * static_cast<T>(x_re[from]);
          im[at] = scale * (mirrored ? -imaginary(from) : imaginary(from));
          continue;
        }
        const T a_re = static_cast<T>(x_re[k]), a_im = imaginary(k);
        const T b_re = static_cast<T>(x_re[h - k]), b_im = -imaginary(h - k);
        // (A + B) + i (A - B) e^(2 pi i k / n), A = X[k], B = X*[h - k].
        const T d_re = a_re - b_re, d_im = a_im - b_im;
        const T o_re = d_re * w_re[k] + d_im * w_im[k];
        const T o_im = d_im * w_re[k] - d_re * w_im[k];
        re[at] = scale * (a_re + b_re - o_im);
        im[at] = scale * (a_im + b_im + o_re);
      }
    }
    // Backwards: the parts swap roles.
    transform.Run(lanes, im, re, work_re, work_im);
    for (int64_t l = 0; l < lanes; l++) {
      In* y = out + (first + l) * n;
      for (int64_t k = 0; k < h; k++) {
        if (packed) {
          y[2 * k] = static_cast<In>(re[k * lanes + l]);
          y[2 * k + 1] = static_cast<In>(im[k * lanes + l]);
        } else {
          y[k] = static_cast<In>(re[k * lanes + l]);
        }
      }
    }
  });
}

bool IsSmooth(int64_t n) { return Stages<float>().Factorise(n); }

// Calls fn(In*, T*) with null pointers of the types to take.
template <class Fn>
bool WithTypes(DType dtype, int64_t length, const Fn& fn) {
  if (dtype == DType::kFloat64) {
    return fn(static_cast<double*>(nullptr), static_cast<double*>(nullptr));
  }
  // Bluestein's algorithm rounds more: in float64.
  return IsSmooth(length)
             ? fn(static_cast<float*>(nullptr), static_cast<float*>(nullptr))
             : fn(static_cast<float*>(nullptr), static_cast<double*>(nullptr));
}

// T, T -> T, T: real and imaginary parts; not normalised.
Status Fft(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  if (x.size == 0) return 0;
  const int64_t n = x.shape[x.ndim - 1];
  // Inverse: the parts swap roles.
  const int a = call.attributes().Bool() ? 1 : 0;
  const bool done = WithTypes(x.dtype, n, [&](auto* in, auto* wide) {
    using In = __typeof__(*in);
    using T = __typeof__(*wide);
    return ComplexTransform<In, T>(
        call.inputs[a].as<const In>(), call.inputs[1 - a].as<const In>(),
        call.outputs[a].as<In>(), call.outputs[1 - a].as<In>(), x.size / n, n);
  });
  return done ? 0 : call.Fail("out of memory");
}

// [..., N] -> real and imaginary parts [..., N / 2 + 1].
Status Rfft(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  if (x.size == 0) return 0;
  const int64_t n = x.shape[x.ndim - 1];
  const bool done = WithTypes(x.dtype, n, [&](auto* in, auto* wide) {
    using In = __typeof__(*in);
    using T = __typeof__(*wide);
    return RealTransform<In, T>(x.as<const In>(), call.outputs[0].as<In>(),
                                call.outputs[1].as<In>(), x.size / n, n);
  });
  return done ? 0 : call.Fail("out of memory");
}

// Real and imaginary parts [..., N / 2 + 1] -> [..., N], normalised by 1 / N.
Status Irfft(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const int64_t n = out.shape[out.ndim - 1];
  const bool done = WithTypes(out.dtype, n, [&](auto* in, auto* wide) {
    using In = __typeof__(*in);
    using T = __typeof__(*wide);
    return RealInverse<In, T>(call.inputs[0].as<const In>(),
                              call.inputs[1].as<const In>(), out.as<In>(),
                              out.size / n, n);
  });
  return done ? 0 : call.Fail("out of memory");
}

}  // namespace

void Register_fft(Registry& registry) {
  constexpr DTypeMask kWide = Mask(DType::kFloat32) | Mask(DType::kFloat64);
  registry.Add("fft", Fft, kWide);
  registry.Add("rfft", Rfft, kWide);
  registry.Add("irfft", Irfft, kWide);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
