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
#include "sum_layout.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "half.h"
#include "elementwise.h"
#include "reduce_rows.h"
#include "sums.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Rows that are added up one after another before pairing.
constexpr int64_t kLeafRows = 256;
// Elements that are added to side by side, so that no addition waits for the
// one before.
constexpr int64_t kSideBySide = 256;
// A reduction to few results is cut into at most so many chunks for threads.
constexpr int64_t kMostChunks = 16;

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

// Whether a compiled function may make this sum in a loop: then it has to come
// out the same here (src/jit/passes/fuse-sums.ts has the same rule).
[[maybe_unused]] bool LoopsCanSum(const TensorView& x, const Groups& groups,
                                  SumLayout* layout) {
  constexpr int64_t kLeastSize = 2048;
  constexpr int64_t kLeastRows = 64;
  if (x.dtype != DType::kFloat32 && x.dtype != DType::kFloat64) return false;
  if (x.size < kLeastSize || groups.count > 2) return false;
  const bool is_all = groups.count == 1;
  layout->over = is_all               ? SumOver::kAll
                 : groups.reduced[0] ? SumOver::kColumns
                                     : SumOver::kRows;
  layout->size = x.size;
  layout->row = is_all ? 0 : groups.dims[1];
  return layout->over != SumOver::kRows || groups.dims[0] >= kLeastRows;
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
  if constexpr (std::is_same_v<Op, SumOf>) {
    SumLayout layout;
    if (LoopsCanSum(x, groups, &layout)) {
      const bool ok = x.dtype == DType::kFloat32
                          ? SumInChunks<float>(x, layout, out)
                          : SumInChunks<double>(x, layout, out);
      return ok ? 0 : call.Fail("%s", kNoRoom);
    }
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
