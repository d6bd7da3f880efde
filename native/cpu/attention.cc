// Attention and its gradients, in tiles: the matrix of scores never exists.
//   q [B, T, N, H], k [B, S, K, H], v [B, S, K, D], bias and mask that broadcast
//   to [B, N, T, S] -> y [B, T, N, D], the maximum and the sum [B, N, T, 2] of
//   each row's softmax.
// Head n of the queries belongs to head n / (N / K) of the keys.
//
// Forward (Dao et al. 2022, https://arxiv.org/abs/2205.14135): a worker owns a
// block of queries and goes over the keys, rescaling what it has whenever a
// row's maximum grows. Backward: the scores of a tile are computed again; one
// pass owns queries and sums dq over the keys, another owns keys and sums dk and
// dv over the queries, so that nothing is added from two threads.
//
// Halves are widened tile by tile; scores, sums and gradients are float32.
#include <cmath>
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "half.h"
#include "wide.h"
#include "microkernel.h"
#include "gemm.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// Queries and keys of a tile: its scores stay in L1 and L2.
constexpr int64_t kQueries = 64;
constexpr int64_t kKeys = 128;
// The score of a masked pair, as in Keras: a row of nothing else is uniform.
constexpr double kMasked = -0.7 * 3.38953e38;

KERATIN_INLINE int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }

// A tensor that broadcasts to [B, N, T, S]; null: none.
struct Pairs {
  const void* data;
  int64_t strides[4];  // 0 where it is repeated

  int64_t At(int64_t b, int64_t n, int64_t t, int64_t s) const {
    return b * strides[0] + n * strides[1] + t * strides[2] + s * strides[3];
  }
};

struct Attention {
  int64_t batch, queries, heads, depth;  // B T N H
  int64_t keys, kv_heads, width;         // S K D
  double scale;
  bool causal;
  Pairs bias, mask;

  int64_t group() const { return kv_heads == 0 ? 0 : heads / kv_heads; }
  // Whether no query of [first, first + count) sees a key from `key` on.
  bool Hides(int64_t first, int64_t count, int64_t key) const {
    // A row that is all masked is uniform over every key.
    return causal && mask.data == nullptr && key > first + count - 1;
  }
};

Pairs PairsOf(const TensorView& x) {
  Pairs pairs{x.data, {}};
  int64_t stride = 1;
  for (int i = 3; i >= 0; i--) {
    pairs.strides[i] = x.shape[i] == 1 ? 0 : stride;
    stride *= x.shape[i];
  }
  return pairs;
}

// `optional`: the position of the bias and the mask among the inputs.
Attention Read(const KernelCall& call, int optional) {
  const TensorView& q = call.inputs[0];
  const TensorView& k = call.inputs[1];
  const TensorView& v = call.inputs[2];
  Attributes attributes = call.attributes();
  Attention a{};
  a.scale = attributes.Float();
  a.causal = attributes.Bool();
  const bool has_bias = attributes.Bool();
  const bool has_mask = attributes.Bool();
  a.batch = q.shape[0];
  a.queries = q.shape[1];
  a.heads = q.shape[2];
  a.depth = q.shape[3];
  a.keys = k.shape[1];
  a.kv_heads = k.shape[2];
  a.width = v.shape[3];
  if (has_bias) a.bias = PairsOf(call.inputs[optional++]);
  if (has_mask) a.mask = PairsOf(call.inputs[optional]);
  return a;
}

// Rows of one head, in the type computed in.
template <class T>
struct Rows {
  const T* data;
  int64_t stride;
};

// Rows [first, first + count) of head `head` of x [., rows, heads, columns];
// halves are widened into `room`.
template <class S>
Rows<Wide<S>> HeadRows(const TensorView& x, int64_t b, int64_t head,
                       int64_t first, int64_t count, Wide<S>* room) {
  const int64_t heads = x.shape[2];
  const int64_t columns = x.shape[3];
  const int64_t stride = heads * columns;
  const S* from =
      x.as<const S>() + ((b * x.shape[1] + first) * heads + head) * columns;
  if constexpr (sizeof(S) == sizeof(Wide<S>)) {
    return {from, stride};
  } else {
    for (int64_t i = 0; i < count; i++) {
      Widen(from + i * stride, room + i * columns, columns);
    }
    return {room, columns};
  }
}

template <class S>
void StoreHeadRows(const TensorView& x, int64_t b, int64_t head, int64_t first,
                   int64_t count, const Wide<S>* rows) {
  const int64_t heads = x.shape[2];
  const int64_t columns = x.shape[3];
  S* to = x.as<S>() + ((b * x.shape[1] + first) * heads + head) * columns;
  for (int64_t i = 0; i < count; i++) {
    S* row = to + i * heads * columns;
    if constexpr (sizeof(S) == sizeof(Wide<S>)) {
      __builtin_memcpy(row, rows + i * columns,
                       static_cast<size_t>(columns) * sizeof(S));
    } else {
      Narrow(rows + i * columns, row, columns);
    }
  }
}

template <class T>
struct TypeOf;
template <>
struct TypeOf<float> {
  static constexpr DType kType = DType::kFloat32;
};
template <>
struct TypeOf<double> {
  static constexpr DType kType = DType::kFloat64;
};

// C = A B on this thread. False: out of scratch memory.
template <class T>
bool Product(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row,
             int64_t a_step, const T* b, int64_t b_step, int64_t b_column, T* c,
             int64_t c_row) {
  if (m == 0 || n == 0) return true;
  if (k == 0) {  // sums of nothing
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) c[i * c_row + j] = 0;
    }
    return true;
  }
  const Gemm gemm{TypeOf<T>::kType, m,    n,        k,     a,
                  a_row,            a_step, b,      b_step, b_column,
                  c,                c_row, nullptr, Activation::kNone};
  return RunGemmPart(gemm, 0, 1);
}

template <class T>
void AddRows(const T* from, int64_t n, T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

// x = exp(x - top), and their sum.
float ExpRow(float* x, int64_t n, float top) {
  const Vec shift = Set(top);
  Vec sums = Set(0);
  int64_t i = 0;
  for (; i + Vec::kLanes <= n; i += Vec::kLanes) {
    const Vec e = Exp(Load(x + i) - shift);
    Store(x + i, e);
    sums = sums + e;
  }
  if (i < n) {
    const Lanes rest = FirstLanes(static_cast<int>(n - i));
    const Vec e = Exp(Load(x + i, rest) - shift);
    Store(x + i, rest, e);
    sums = sums + Select(rest, e, Set(0));
  }
  return SumLanes(sums);
}
double ExpRow(double* x, int64_t n, double top) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    x[i] = ::exp(x[i] - top);
    sum += x[i];
  }
  return sum;
}

template <class T>
T MaxOf(const T* x, int64_t n) {
  T top = -static_cast<T>(__builtin_inf());
  for (int64_t i = 0; i < n; i++) top = x[i] > top || x[i] != x[i] ? x[i] : top;
  return top;
}

// A tile: queries [query, query + rows) of head `head`, keys [key, key + columns).
struct Tile {
  int64_t b, head, query, rows, key, columns;
};

KERATIN_INLINE bool IsMasked(const Attention& a, const Tile& t, int64_t i,
                             int64_t j) {
  if (a.causal && t.key + j > t.query + i) return true;
  return a.mask.data != nullptr &&
         static_cast<const uint8_t*>(
             a.mask.data)[a.mask.At(t.b, t.head, t.query + i, t.key + j)] == 0;
}

// Whether some pair of the tile may be masked.
bool HasMasked(const Attention& a, const Tile& t) {
  return a.mask.data != nullptr ||
         (a.causal && t.key + t.columns - 1 > t.query);
}

// scores [rows, kKeys] = q k^T * scale + bias, masked.
template <class S>
bool Scores(const Attention& a, const Tile& t, Rows<Wide<S>> q,
            Rows<Wide<S>> k, Wide<S>* scores) {
  using T = Wide<S>;
  if (!Product<T>(t.rows, t.columns, a.depth, q.data, q.stride, 1, k.data, 1,
                  k.stride, scores, kKeys)) {
    return false;
  }
  const T scale = static_cast<T>(a.scale);
  const bool masked = HasMasked(a, t);
  for (int64_t i = 0; i < t.rows; i++) {
    T* row = scores + i * kKeys;
    for (int64_t j = 0; j < t.columns; j++) row[j] *= scale;
    if (a.bias.data != nullptr) {
      const int64_t at = a.bias.At(t.b, t.head, t.query + i, t.key);
      for (int64_t j = 0; j < t.columns; j++) {
        const S* bias =
            static_cast<const S*>(a.bias.data) + at + j * a.bias.strides[3];
        if constexpr (sizeof(S) == sizeof(T)) {
          row[j] += *bias;
        } else {
          row[j] += ToFloat(*bias);
        }
      }
    }
    for (int64_t j = 0; masked && j < t.columns; j++) {
      if (IsMasked(a, t, i, j)) row[j] = static_cast<T>(kMasked);
    }
  }
  return true;
}

template <class S>
bool ForwardBlock(const Attention& a, const KernelCall& call, int64_t b,
                  int64_t head, int64_t query) {
  using T = Wide<S>;
  constexpr bool kWidens = sizeof(S) != sizeof(T);
  const int64_t rows = Min(kQueries, a.queries - query);
  Scratch scratch;
  T* scores = scratch.Take<T>(kQueries * kKeys);
  T* sums = scratch.Take<T>(kQueries * a.width);
  T* part = scratch.Take<T>(kQueries * a.width);
  T* q_room = scratch.Take<T>(kWidens ? kQueries * a.depth : 1);
  T* k_room = scratch.Take<T>(kWidens ? kKeys * a.depth : 1);
  T* v_room = scratch.Take<T>(kWidens ? kKeys * a.width : 1);
  if (scores == nullptr || sums == nullptr || part == nullptr ||
      q_room == nullptr || k_room == nullptr || v_room == nullptr) {
    return false;
  }
  const T lowest = -static_cast<T>(__builtin_inf());
  T top[kQueries], total[kQueries];
  for (int64_t i = 0; i < rows; i++) {
    top[i] = lowest;
    total[i] = 0;
  }
  for (int64_t i = 0; i < rows * a.width; i++) sums[i] = 0;
  const int64_t kv = head / a.group();
  const auto q = HeadRows<S>(call.inputs[0], b, head, query, rows, q_room);
  for (int64_t key = 0; key < a.keys; key += kKeys) {
    if (a.Hides(query, rows, key)) break;
    const int64_t columns = Min(kKeys, a.keys - key);
    const Tile tile{b, head, query, rows, key, columns};
    const auto k = HeadRows<S>(call.inputs[1], b, kv, key, columns, k_room);
    const auto v = HeadRows<S>(call.inputs[2], b, kv, key, columns, v_room);
    if (!Scores<S>(a, tile, q, k, scores)) return false;
    for (int64_t i = 0; i < rows; i++) {
      T* row = scores + i * kKeys;
      const T found = MaxOf(row, columns);
      const T before = top[i];
      top[i] = found > before || found != found ? found : before;
      // While all scores are -infinity nothing is added.
      const T shift = top[i] == lowest ? 0 : top[i];
      const T kept = before == lowest ? 0 : static_cast<T>(::exp(before - shift));
      total[i] = total[i] * kept + ExpRow(row, columns, shift);
      T* sum = sums + i * a.width;
      for (int64_t c = 0; c < a.width; c++) sum[c] *= kept;
    }
    if (!Product<T>(rows, a.width, columns, scores, kKeys, 1, v.data, v.stride,
                    1, part, a.width)) {
      return false;
    }
    AddRows(part, rows * a.width, sums);
  }
  T* stats = call.outputs[1].as<T>() +
             ((b * a.heads + head) * a.queries + query) * 2;
  for (int64_t i = 0; i < rows; i++) {
    stats[2 * i] = top[i] == lowest ? 0 : top[i];
    stats[2 * i + 1] = total[i];
    if (a.keys == 0) continue;
    const T inverse = 1 / total[i];
    for (int64_t c = 0; c < a.width; c++) sums[i * a.width + c] *= inverse;
  }
  StoreHeadRows<S>(call.outputs[0], b, head, query, rows, sums);
  return true;
}

// What a tile needs for gradients.
template <class T>
struct BackwardRoom {
  T *scores, *grads, *part, *sums_a, *sums_b;
  T *q, *k, *v, *y, *dy;
  bool complete;

  BackwardRoom(Scratch& scratch, const Attention& a, bool widens) {
    const int64_t longest = kQueries > kKeys ? kQueries : kKeys;
    const int64_t widest = a.depth > a.width ? a.depth : a.width;
    const auto rows = [&](int64_t count, int64_t columns) {
      return scratch.Take<T>(widens ? count * columns : 1);
    };
    scores = scratch.Take<T>(kQueries * kKeys);
    grads = scratch.Take<T>(kQueries * kKeys);
    part = scratch.Take<T>(longest * widest);
    sums_a = scratch.Take<T>(longest * widest);
    sums_b = scratch.Take<T>(longest * widest);
    q = rows(kQueries, a.depth);
    k = rows(kKeys, a.depth);
    v = rows(kKeys, a.width);
    y = rows(kQueries, a.width);
    dy = rows(kQueries, a.width);
    complete = scores != nullptr && grads != nullptr && part != nullptr &&
               sums_a != nullptr && sums_b != nullptr && q != nullptr &&
               k != nullptr && v != nullptr && y != nullptr && dy != nullptr;
  }
};

// The inputs of the gradients.
enum BackwardInput { kQ, kK, kV, kY, kStats, kDy, kOptional };

// delta = sum(dy y) of each row.
template <class T>
void Deltas(int64_t rows, int64_t width, Rows<T> y, Rows<T> dy, T* delta) {
  for (int64_t i = 0; i < rows; i++) {
    T sum = 0;
    for (int64_t c = 0; c < width; c++) {
      sum += y.data[i * y.stride + c] * dy.data[i * dy.stride + c];
    }
    delta[i] = sum;
  }
}

// scores = p, grads = ds = p (dy v^T - delta) scale, 0 where masked.
template <class S>
bool TileGradients(const Attention& a, const KernelCall& call, const Tile& t,
                   Rows<Wide<S>> q, Rows<Wide<S>> k, Rows<Wide<S>> v,
                   Rows<Wide<S>> dy, const Wide<S>* delta,
                   const BackwardRoom<Wide<S>>& room) {
  using T = Wide<S>;
  if (!Scores<S>(a, t, q, k, room.scores) ||
      !Product<T>(t.rows, t.columns, a.width, dy.data, dy.stride, 1, v.data, 1,
                  v.stride, room.grads, kKeys)) {
    return false;
  }
  const T* stats = call.inputs[kStats].as<const T>() +
                   ((t.b * a.heads + t.head) * a.queries + t.query) * 2;
  const T scale = static_cast<T>(a.scale);
  const bool masked = HasMasked(a, t);
  for (int64_t i = 0; i < t.rows; i++) {
    T* p = room.scores + i * kKeys;
    T* ds = room.grads + i * kKeys;
    ExpRow(p, t.columns, stats[2 * i]);
    const T inverse = 1 / stats[2 * i + 1];
    for (int64_t j = 0; j < t.columns; j++) {
      p[j] *= inverse;
      ds[j] = p[j] * (ds[j] - delta[i]) * scale;
    }
    for (int64_t j = 0; masked && j < t.columns; j++) {
      if (IsMasked(a, t, i, j)) ds[j] = 0;
    }
  }
  return true;
}

template <class S>
bool QueryGradients(const Attention& a, const KernelCall& call, int64_t b,
                    int64_t head, int64_t query) {
  using T = Wide<S>;
  Scratch scratch;
  const BackwardRoom<T> room(scratch, a, sizeof(S) != sizeof(T));
  if (!room.complete) return false;
  const int64_t rows = Min(kQueries, a.queries - query);
  const int64_t kv = head / a.group();
  const auto q = HeadRows<S>(call.inputs[kQ], b, head, query, rows, room.q);
  const auto y = HeadRows<S>(call.inputs[kY], b, head, query, rows, room.y);
  const auto dy = HeadRows<S>(call.inputs[kDy], b, head, query, rows, room.dy);
  T delta[kQueries];
  Deltas(rows, a.width, y, dy, delta);
  T* dq = room.sums_a;
  for (int64_t i = 0; i < rows * a.depth; i++) dq[i] = 0;
  for (int64_t key = 0; key < a.keys; key += kKeys) {
    if (a.Hides(query, rows, key)) break;
    const int64_t columns = Min(kKeys, a.keys - key);
    const Tile tile{b, head, query, rows, key, columns};
    const auto k = HeadRows<S>(call.inputs[kK], b, kv, key, columns, room.k);
    const auto v = HeadRows<S>(call.inputs[kV], b, kv, key, columns, room.v);
    if (!TileGradients<S>(a, call, tile, q, k, v, dy, delta, room) ||
        !Product<T>(rows, a.depth, columns, room.grads, kKeys, 1, k.data,
                    k.stride, 1, room.part, a.depth)) {
      return false;
    }
    AddRows(room.part, rows * a.depth, dq);
  }
  StoreHeadRows<S>(call.outputs[0], b, head, query, rows, dq);
  return true;
}

template <class S>
bool KeyGradients(const Attention& a, const KernelCall& call, int64_t b,
                  int64_t kv, int64_t key) {
  using T = Wide<S>;
  Scratch scratch;
  const BackwardRoom<T> room(scratch, a, sizeof(S) != sizeof(T));
  if (!room.complete) return false;
  const int64_t columns = Min(kKeys, a.keys - key);
  const auto k = HeadRows<S>(call.inputs[kK], b, kv, key, columns, room.k);
  const auto v = HeadRows<S>(call.inputs[kV], b, kv, key, columns, room.v);
  T* dk = room.sums_a;
  T* dv = room.sums_b;
  for (int64_t i = 0; i < columns * a.depth; i++) dk[i] = 0;
  for (int64_t i = 0; i < columns * a.width; i++) dv[i] = 0;
  T delta[kQueries];
  for (int64_t head = kv * a.group(); head < (kv + 1) * a.group(); head++) {
    for (int64_t query = 0; query < a.queries; query += kQueries) {
      const int64_t rows = Min(kQueries, a.queries - query);
      if (a.Hides(query, rows, key)) continue;
      const Tile tile{b, head, query, rows, key, columns};
      const auto q = HeadRows<S>(call.inputs[kQ], b, head, query, rows, room.q);
      const auto y = HeadRows<S>(call.inputs[kY], b, head, query, rows, room.y);
      const auto dy =
          HeadRows<S>(call.inputs[kDy], b, head, query, rows, room.dy);
      Deltas(rows, a.width, y, dy, delta);
      if (!TileGradients<S>(a, call, tile, q, k, v, dy, delta, room) ||
          !Product<T>(columns, a.width, rows, room.scores, 1, kKeys, dy.data,
                      dy.stride, 1, room.part, a.width)) {
        return false;
      }
      AddRows(room.part, columns * a.width, dv);
      if (!Product<T>(columns, a.depth, rows, room.grads, 1, kKeys, q.data,
                      q.stride, 1, room.part, a.depth)) {
        return false;
      }
      AddRows(room.part, columns * a.depth, dk);
    }
  }
  StoreHeadRows<S>(call.outputs[1], b, kv, key, columns, dk);
  StoreHeadRows<S>(call.outputs[2], b, kv, key, columns, dv);
  return true;
}

// block(batch, head, first row) for all blocks of rows of all heads.
template <class Block>
bool ForEachBlock(int64_t batch, int64_t heads, int64_t length, int64_t rows,
                  double ns, const Block& block) {
  const int64_t blocks = (length + rows - 1) / rows;
  bool failed = false;
  ParallelFor(batch * heads * blocks, ns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t first = i % blocks * rows;
      if (!block(i / blocks / heads, i / blocks % heads, first)) {
        __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
        return;
      }
    }
  });
  return !failed;
}

// Of `rows` rows against all of the other side.
double NsPerBlock(const Attention& a, int64_t rows, int64_t others,
                  int products) {
  const double pairs = static_cast<double>(rows) * static_cast<double>(others);
  return pairs * (1 + products * static_cast<double>(a.depth + a.width) * 0.03);
}

template <class S>
struct Forward {
  static bool Run(const KernelCall& call) {
    const Attention a = Read(call, 3);
    return ForEachBlock(
        a.batch, a.heads, a.queries, kQueries,
        NsPerBlock(a, kQueries, a.keys, 1),
        [&](int64_t b, int64_t head, int64_t first) {
          return ForwardBlock<S>(a, call, b, head, first);
        });
  }
};

template <class S>
struct Backward {
  static bool Run(const KernelCall& call) {
    const Attention a = Read(call, kOptional);
    return ForEachBlock(a.batch, a.heads, a.queries, kQueries,
                        NsPerBlock(a, kQueries, a.keys, 2),
                        [&](int64_t b, int64_t head, int64_t first) {
                          return QueryGradients<S>(a, call, b, head, first);
                        }) &&
           ForEachBlock(a.batch, a.kv_heads, a.keys, kKeys,
                        NsPerBlock(a, kKeys, a.queries * a.group(), 2),
                        [&](int64_t b, int64_t head, int64_t first) {
                          return KeyGradients<S>(a, call, b, head, first);
                        });
  }
};

template <template <class> class K>
Status ByType(const KernelCall& call) {
  bool ok;
  switch (call.inputs[0].dtype) {
    case DType::kFloat16:
      ok = K<Half>::Run(call);
      break;
    case DType::kBFloat16:
      ok = K<BFloat16>::Run(call);
      break;
    case DType::kFloat64:
      ok = K<double>::Run(call);
      break;
    default:
      ok = K<float>::Run(call);
      break;
  }
  return ok ? 0 : call.Fail("attention: out of memory for its tiles");
}

}  // namespace

void Register_attention(Registry& registry) {
  registry.Add("attention", ByType<Forward>, kFloats);
  registry.Add("attention_backward", ByType<Backward>, kFloats);
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
