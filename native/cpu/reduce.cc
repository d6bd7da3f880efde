// Reductions: sum, prod, max, min, any, all, argmax, argmin.
//
// The input is seen as [outer, length, inner] after merging axes. With inner
// = 1 a row is summed in lanes and a fixed tree; otherwise rows are added to
// an accumulator row, short ones several at a time. Long reductions are cut
// into blocks whose partial results are combined in pairs, so that the error
// grows slowly and the order depends on the shape alone.
#include <cstdint>
#include <type_traits>

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

// Elements of a row that are reduced in lanes before partial results are
// combined in pairs.
constexpr int64_t kLeaf = 2048;
// Partial results that a compiler keeps in vectors.
constexpr int kLanes = 16;
// Rows that are added up one after another before pairing.
constexpr int64_t kLeafRows = 256;
// Elements that are added to side by side, so that no addition waits for the
// one before.
constexpr int64_t kSideBySide = 256;
// A reduction to few results is cut into at most so many chunks for threads.
constexpr int64_t kMostChunks = 16;

struct SumOf {
  static constexpr bool kOrders = false;
  template <class T>
  static T Start() {
    return T{0};
  }
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct ProdOf {
  static constexpr bool kOrders = false;
  template <class T>
  static T Start() {
    return T{1};
  }
  template <class T>
  static T Do(T a, T b) {
    return static_cast<T>(a * b);
  }
  static uint16_t Do(uint16_t a, uint16_t b) {
    return static_cast<uint16_t>(uint32_t{a} * uint32_t{b});
  }
};
template <class T>
constexpr bool kIsFloat = static_cast<T>(0.5) != T{0};
template <class T>
constexpr bool kIsSigned = static_cast<T>(-1) < T{0};
template <class T>
KERATIN_INLINE T Lowest() {
  if constexpr (kIsFloat<T>) {
    return -static_cast<T>(__builtin_inf());
  } else if constexpr (kIsSigned<T>) {
    return static_cast<T>(uint64_t{1} << (sizeof(T) * 8 - 1));
  } else {
    return T{0};
  }
}
template <class T>
KERATIN_INLINE T Highest() {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(__builtin_inf());
  } else {
    return static_cast<T>(~Lowest<T>());
  }
}
struct MaxOf {
  static constexpr bool kOrders = true;
  template <class T>
  static T Start() {
    return Lowest<T>();
  }
  template <class T>
  static T Do(T a, T b) {
    // Without a branch, so that lanes stay vectors.
    return static_cast<bool>((a > b) | (a != a)) ? a : b;
  }
};
struct MinOf {
  static constexpr bool kOrders = true;
  template <class T>
  static T Start() {
    return Highest<T>();
  }
  template <class T>
  static T Do(T a, T b) {
    return static_cast<bool>((a < b) | (a != a)) ? a : b;
  }
};

// Where n > leaf elements are halved: the left part is a power of two of
// leaves, whatever n is.
KERATIN_INLINE int64_t LeftPart(int64_t n, int64_t leaf) {
  const uint64_t leaves = static_cast<uint64_t>((n - 1) / leaf);
  return leaf << (63 - __builtin_clzll(leaves));
}

// The extreme of contiguous float32: in vectors, NaN noted beside it.
template <class Op>
KERATIN_INLINE float ExtremeOf(const float* x, int64_t n) {
  constexpr int kWidth = Vec::kLanes;
  constexpr int kVectors = 4;
  const auto better = [](Vec a, Vec b) {
    return std::is_same_v<Op, MaxOf> ? RawMax(a, b) : RawMin(a, b);
  };
  Vec best[kVectors];
  for (int v = 0; v < kVectors; v++) best[v] = Set(Op::template Start<float>());
  Lanes nan = IsNan(best[0]);
  int64_t i = 0;
  for (; i + kVectors * kWidth <= n; i += kVectors * kWidth) {
    for (int v = 0; v < kVectors; v++) {
      const Vec value = Load(x + i + v * kWidth);
      nan = Or(nan, IsNan(value));
      best[v] = better(best[v], value);
    }
  }
  if (Any(nan)) return __builtin_nanf("");
  float lanes[kWidth];
  Store(lanes, better(better(best[0], best[1]), better(best[2], best[3])));
  float result = lanes[0];
  for (int l = 1; l < kWidth; l++) result = Op::Do(result, lanes[l]);
  for (; i < n; i++) result = Op::Do(result, x[i]);
  return result;
}

// Contiguous elements.
template <class Op, class T>
__attribute__((noinline)) T ReduceLeaf(const T* x, int64_t n) {
  if constexpr (std::is_same_v<T, float> &&
                (std::is_same_v<Op, MaxOf> || std::is_same_v<Op, MinOf>)) {
    return ExtremeOf<Op>(x, n);
  }
  T lanes[kLanes];
  for (int l = 0; l < kLanes; l++) lanes[l] = Op::template Start<T>();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; l++) lanes[l] = Op::Do(lanes[l], x[i + l]);
  }
  for (int l = 0; i < n; i++, l++) lanes[l] = Op::Do(lanes[l], x[i]);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; l++) lanes[l] = Op::Do(lanes[l], lanes[l + width]);
  }
  return lanes[0];
}

// What elements of type S are reduced in.
template <class S>
using Wide = std::conditional_t<
    std::is_same_v<S, Half> || std::is_same_v<S, BFloat16>, float, S>;

template <class Op, class S>
__attribute__((noinline)) Wide<S> ReduceRow(const S* x, int64_t n) {
  using T = Wide<S>;
  if (n <= kLeaf) {
    if constexpr (std::is_same_v<S, T>) {
      return ReduceLeaf<Op, T>(x, n);
    } else {
      alignas(64) T wide[kLeaf];
      Widen(x, wide, n);
      return ReduceLeaf<Op, T>(wide, n);
    }
  }
  const int64_t left = LeftPart(n, kLeaf);
  return Op::Do(ReduceRow<Op, S>(x, left),
                ReduceRow<Op, S>(x + left, n - left));
}

// to = Do(to, x) for n elements, of which there is room for kBlock in `wide`.
template <class Op, class S>
KERATIN_INLINE void Join(Wide<S>* to, const S* x, int64_t n,
                         [[maybe_unused]] Wide<S>* wide) {
  const Wide<S>* from;
  if constexpr (std::is_same_v<S, Wide<S>>) {
    from = x;
  } else {
    Widen(x, wide, n);
    from = wide;
  }
#pragma GCC ivdep
  for (int64_t k = 0; k < n; k++) to[k] = Op::Do(to[k], from[k]);
}

// Rows of `width` elements that are added to side by side: a power of two.
KERATIN_INLINE int64_t RowsAtOnce(int64_t width) {
  int64_t rows = 1;
  while (2 * rows * width <= kSideBySide) rows *= 2;
  return rows;
}

// Rows of `width` elements, `stride` apart, reduced into `to`. With at_once >
// 1 they follow each other.
template <class Op, class S>
__attribute__((noinline)) void ReduceColumns(const S* x, int64_t rows,
                                             int64_t stride, int64_t width,
                                             int64_t at_once, Wide<S>* to) {
  using T = Wide<S>;
  alignas(64) T other[kBlock];
  if (const int64_t leaf = kLeafRows * at_once; rows > leaf) {
    const int64_t left = LeftPart(rows, leaf);
    ReduceColumns<Op, S>(x, left, stride, width, at_once, to);
    ReduceColumns<Op, S>(x + left * stride, rows - left, stride, width,
                         at_once, other);
    for (int64_t k = 0; k < width; k++) to[k] = Op::Do(to[k], other[k]);
    return;
  }
  if (at_once == 1) {
    for (int64_t k = 0; k < width; k++) to[k] = Op::template Start<T>();
    for (int64_t r = 0; r < rows; r++) {
      Join<Op, S>(to, x + r * stride, width, other);
    }
    return;
  }
  alignas(64) T sums[kSideBySide];
  const int64_t all = at_once * width;
  for (int64_t k = 0; k < all; k++) sums[k] = Op::template Start<T>();
  int64_t r = 0;
  for (; r + at_once <= rows; r += at_once) {
    Join<Op, S>(sums, x + r * stride, all, other);
  }
  if (r < rows) Join<Op, S>(sums, x + r * stride, (rows - r) * width, other);
  for (int64_t half = at_once / 2; half > 0; half /= 2) {
    const T* upper = sums + half * width;
#pragma GCC ivdep
    for (int64_t k = 0; k < half * width; k++) {
      sums[k] = Op::Do(sums[k], upper[k]);
    }
  }
  __builtin_memcpy(to, sums, static_cast<size_t>(width) * sizeof(T));
}

// One reduction of [outer, length, inner] to [outer, inner], in panels of the
// inner elements and, where these are few, chunks of the length. False: out of
// scratch memory.
template <class Op, class S>
bool ReduceMiddle(const S* x, S* out, int64_t outer, int64_t length,
                  int64_t inner) {
  using T = Wide<S>;
  constexpr bool kWidens = !std::is_same_v<S, T>;
  const int64_t panel = inner < kBlock ? inner : kBlock;
  const int64_t panels = (inner + panel - 1) / panel;
  const int64_t at_once = panels == 1 ? RowsAtOnce(inner) : 1;
  int64_t chunk = length > 0 ? length : 1;
  if (outer * panels < kMostChunks) {
    chunk = inner == 1 ? kLeaf : kLeafRows * at_once;
    while (chunk * kMostChunks < length) chunk *= 2;
  }
  const int64_t chunks = length > chunk ? (length + chunk - 1) / chunk : 1;
  const int64_t size = outer * inner;
  Scratch scratch;
  T* partial = nullptr;  // [chunks, outer, inner]
  if (chunks > 1) {
    partial = scratch.Take<T>(chunks * size);
    if (partial == nullptr) return false;
  }
  const int64_t most = (length < chunk ? length : chunk) * panel;
  const double ns = static_cast<double>(most) * (kWidens ? 0.2 : 0.1) + 2;
  ParallelFor(outer * panels * chunks, ns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t c = i % chunks;
      const int64_t o = i / chunks / panels;
      const int64_t k = i / chunks % panels * panel;
      const int64_t width = inner - k < panel ? inner - k : panel;
      const int64_t first = c * chunk;
      const int64_t rows = length - first < chunk ? length - first : chunk;
      const S* from = x + (o * length + first) * inner + k;
      const auto reduce = [&](T* to) {
        if (inner == 1) {
          *to = ReduceRow<Op, S>(from, rows);
        } else {
          ReduceColumns<Op, S>(from, rows, inner, width, at_once, to);
        }
      };
      if (chunks > 1) {
        reduce(partial + c * size + o * inner + k);
      } else if constexpr (kWidens) {
        alignas(64) T sums[kBlock];
        reduce(sums);
        Narrow(sums, out + o * inner + k, width);
      } else {
        reduce(out + o * inner + k);
      }
    }
  });
  if (chunks == 1) return true;
  for (int64_t step = 1; step < chunks; step *= 2) {
    for (int64_t c = 0; c + step < chunks; c += 2 * step) {
      T* to = partial + c * size;
      const T* other = to + step * size;
      for (int64_t k = 0; k < size; k++) to[k] = Op::Do(to[k], other[k]);
    }
  }
  if constexpr (kWidens) {
    Narrow(partial, out, size);
  } else {
    __builtin_memcpy(out, partial, static_cast<size_t>(size) * sizeof(T));
  }
  return true;
}

// Sums and products wrap, which signed integers must not: the bits are those of
// unsigned ones.
template <class Op, class Signed, class Unsigned>
using IntegerOf = std::conditional_t<Op::kOrders, Signed, Unsigned>;

template <class Op>
bool ReduceBytes(DType dtype, const void* x, void* out, int64_t outer,
                 int64_t length, int64_t inner) {
#define KERATIN_REDUCE(T)                                                  \
  ReduceMiddle<Op, T>(static_cast<const T*>(x), static_cast<T*>(out), outer, \
                      length, inner)
  switch (dtype) {
    case DType::kFloat16:
      return KERATIN_REDUCE(Half);
    case DType::kBFloat16:
      return KERATIN_REDUCE(BFloat16);
    case DType::kFloat32:
      return KERATIN_REDUCE(float);
    case DType::kFloat64:
      return KERATIN_REDUCE(double);
    case DType::kInt8: {
      using T = IntegerOf<Op, int8_t, uint8_t>;
      return KERATIN_REDUCE(T);
    }
    case DType::kBool:
    case DType::kUInt8:
      return KERATIN_REDUCE(uint8_t);
    case DType::kInt16: {
      using T = IntegerOf<Op, int16_t, uint16_t>;
      return KERATIN_REDUCE(T);
    }
    case DType::kUInt16:
      return KERATIN_REDUCE(uint16_t);
    case DType::kInt32: {
      using T = IntegerOf<Op, int32_t, uint32_t>;
      return KERATIN_REDUCE(T);
    }
    case DType::kUInt32:
      return KERATIN_REDUCE(uint32_t);
    case DType::kInt64: {
      using T = IntegerOf<Op, int64_t, uint64_t>;
      return KERATIN_REDUCE(T);
    }
    case DType::kUInt64:
      return KERATIN_REDUCE(uint64_t);
  }
#undef KERATIN_REDUCE
  return false;
}

// Axes merged into runs that are reduced or kept.
struct Groups {
  int count = 0;
  int64_t dims[kMaxRank + 1];
  bool reduced[kMaxRank + 1];
};

void MakeGroups(const TensorView& x, const int32_t* axes, int count,
                Groups* groups) {
  for (int i = 0; i < x.ndim; i++) {
    bool reduced = false;
    for (int k = 0; k < count; k++) reduced = reduced || axes[k] == i;
    if (x.shape[i] == 1) continue;
    const int last = groups->count - 1;
    if (last >= 0 && groups->reduced[last] == reduced) {
      groups->dims[last] *= x.shape[i];
    } else {
      groups->dims[groups->count] = x.shape[i];
      groups->reduced[groups->count] = reduced;
      groups->count++;
    }
  }
}

constexpr char kNoRoom[] = "out of memory: no room for partial results";

// Reduces the last reduced run, then the one before, and so on: each step is
// one [outer, length, inner].
template <class Op>
Status Reduce(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  int count;
  const int32_t* axes = attributes.Ints(&count);
  if (x.size == 0) {
    // An empty sum or product: reduced over no element. All of nothing is
    // true, any of nothing false.
    if (x.dtype == DType::kBool) {
      __builtin_memset(out.data, Op::template Start<uint8_t>() != 0,
                       static_cast<size_t>(out.size));
      return 0;
    }
    return ReduceBytes<Op>(x.dtype, x.data, out.data, out.size, 0, 1)
               ? 0
               : call.Fail("%s", kNoRoom);
  }
  Groups groups;
  MakeGroups(x, axes, count, &groups);
  int steps = 0;
  for (int i = 0; i < groups.count; i++) steps += groups.reduced[i];
  if (steps == 0) {
    __builtin_memcpy(out.data, x.data, static_cast<size_t>(x.bytes()));
    return 0;
  }
  Scratch scratch;
  const void* source = x.data;
  DType dtype = x.dtype;
  int64_t size = x.size;
  const bool half = dtype == DType::kFloat16 || dtype == DType::kBFloat16;
  if (half && steps > 1) {
    // Partial results stay in float32, to be rounded once.
    float* wide = scratch.Take<float>(size);
    if (wide == nullptr) return call.Fail("%s", kNoRoom);
    if (dtype == DType::kFloat16) {
      Widen(x.as<const Half>(), wide, size);
    } else {
      Widen(x.as<const BFloat16>(), wide, size);
    }
    source = wide;
    dtype = DType::kFloat32;
  }
  while (steps > 0) {
    int at = groups.count - 1;
    while (!groups.reduced[at]) at--;
    int64_t inner = 1;
    for (int i = at + 1; i < groups.count; i++) inner *= groups.dims[i];
    const int64_t length = groups.dims[at];
    const int64_t outer = size / (length * inner);
    size /= length;
    void* target = out.data;
    if (steps > 1 || dtype != x.dtype) {
      target = scratch.Take(static_cast<size_t>(size * ItemSize(dtype)));
      if (target == nullptr) return call.Fail("%s", kNoRoom);
    }
    if (!ReduceBytes<Op>(dtype, source, target, outer, length, inner)) {
      return call.Fail("%s", kNoRoom);
    }
    source = target;
    steps--;
    // What follows the reduced run joins what precedes it.
    for (int i = at; i + 1 < groups.count; i++) {
      groups.dims[i] = groups.dims[i + 1];
      groups.reduced[i] = groups.reduced[i + 1];
    }
    groups.count--;
  }
  if (dtype != x.dtype) {
    const float* wide = static_cast<const float*>(source);
    if (x.dtype == DType::kFloat16) {
      Narrow(wide, out.as<Half>(), out.size);
    } else {
      Narrow(wide, out.as<BFloat16>(), out.size);
    }
  }
  return 0;
}

template <class T, bool kMax>
KERATIN_INLINE bool Better(T a, T b) {
  // NaN beats every number; the first NaN stays.
  if (b != b) return false;
  return a != a || (kMax ? a > b : a < b);
}

// The first place of `value` (of a NaN, if it is one) in a row that has it.
template <class T>
KERATIN_INLINE int64_t FirstPlace(const T* row, int64_t length, T value) {
  constexpr int64_t kBlock = 64;
  int64_t i = 0;
  for (; i + kBlock <= length; i += kBlock) {
    int found = 0;
    if (value != value) {
      for (int64_t k = 0; k < kBlock; k++) found |= row[i + k] != row[i + k];
    } else {
      for (int64_t k = 0; k < kBlock; k++) found |= row[i + k] == value;
    }
    if (found) break;
  }
  for (; i < length; i++) {
    if (value != value ? row[i] != row[i] : row[i] == value) break;
  }
  return i;
}

template <class T, class H, bool kMax>
void ArgRows(const H* x, int32_t* out, int64_t outer, int64_t length,
             int64_t inner) {
  ParallelFor(outer * inner, static_cast<double>(length), 1,
              [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const H* row = x + i / inner * length * inner + i % inner;
      if constexpr (sizeof(H) == sizeof(T)) {
        if (inner == 1) {
          // The extreme in vectors, then where it is.
          using Op = std::conditional_t<kMax, MaxOf, MinOf>;
          const T extreme = ReduceRow<Op, T>(row, length);
          out[i] = static_cast<int32_t>(FirstPlace<T>(row, length, extreme));
          continue;
        }
      }
      int64_t best = 0;
      T top;
      const auto value = [&](int64_t j) -> T {
        if constexpr (sizeof(H) == sizeof(T)) {
          return row[j * inner];
        } else {
          return ToFloat(row[j * inner]);
        }
      };
      top = value(0);
      for (int64_t j = 1; j < length; j++) {
        const T v = value(j);
        if (Better<T, kMax>(v, top)) {
          top = v;
          best = j;
        }
      }
      out[i] = static_cast<int32_t>(best);
    }
  });
}

template <bool kMax>
Status Arg(const KernelCall& call) {
  const TensorView& x = call.inputs[0];
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  Attributes attributes = call.attributes();
  const auto [outer, length, inner] = ColumnsOf(x, attributes.Int());
  int32_t* to = out.as<int32_t>();
#define KERATIN_ARG(T)                                                    \
  ArgRows<T, T, kMax>(x.as<const T>(), to, outer, length, inner);         \
  break
  switch (x.dtype) {
    case DType::kFloat16:
      ArgRows<float, Half, kMax>(x.as<const Half>(), to, outer, length, inner);
      break;
    case DType::kBFloat16:
      ArgRows<float, BFloat16, kMax>(x.as<const BFloat16>(), to, outer, length,
                                     inner);
      break;
    case DType::kFloat32:
      KERATIN_ARG(float);
    case DType::kFloat64:
      KERATIN_ARG(double);
    case DType::kInt8:
      KERATIN_ARG(int8_t);
    case DType::kBool:
    case DType::kUInt8:
      KERATIN_ARG(uint8_t);
    case DType::kInt16:
      KERATIN_ARG(int16_t);
    case DType::kUInt16:
      KERATIN_ARG(uint16_t);
    case DType::kInt32:
      KERATIN_ARG(int32_t);
    case DType::kUInt32:
      KERATIN_ARG(uint32_t);
    case DType::kInt64:
      KERATIN_ARG(int64_t);
    case DType::kUInt64:
      KERATIN_ARG(uint64_t);
  }
#undef KERATIN_ARG
  return 0;
}

}  // namespace

void Register_reduce(Registry& registry) {
  registry.Add("sum", Reduce<SumOf>, kNumbers);
  registry.Add("prod", Reduce<ProdOf>, kNumbers);
  registry.Add("max", Reduce<MaxOf>, kAllDTypes);
  registry.Add("min", Reduce<MinOf>, kAllDTypes);
  registry.Add("any", Reduce<MaxOf>, Mask(DType::kBool));
  registry.Add("all", Reduce<MinOf>, Mask(DType::kBool));
  registry.Add("argmax", Arg<true>, kAllDTypes);
  registry.Add("argmin", Arg<false>, kAllDTypes);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
