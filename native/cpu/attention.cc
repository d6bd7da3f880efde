// Attention and its gradients, in tiles: the matrix of scores never exists.
//   q [B, T, N, H], k [B, S, K, H], v [B, S, K, D], bias and mask that broadcast
//   to [B, N, T, S] -> y [B, T, N, D], the maximum and the sum [B, N, T, 2] of
//   each row's softmax.
// Head n of the queries belongs to head n / (N / K) of the keys.
//
// Forward (Dao et al. 2022, https://arxiv.org/abs/2205.14135): a worker owns a
// chunk of queries and goes over the keys, rescaling what it has whenever a
// row's maximum grows. Backward: the scores of a tile are computed again. Where
// there are heads enough, a worker owns a head of keys with all its queries;
// else one pass owns queries and sums dq over the keys, and another owns keys
// and sums dk and dv over the queries. Nothing is added from two threads.
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
#include "pack.h"
#include "attention_tiles.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class T>
void Clear(T* x, int64_t n) {
  __builtin_memset(x, 0, static_cast<size_t>(n) * sizeof(T));
}

// False: out of scratch memory.
template <class S>
bool ForwardChunk(const Attention& a, const KernelCall& call, int64_t b,
                  int64_t head, int64_t first) {
  using T = Wide<S>;
  constexpr bool kWidens = sizeof(S) != sizeof(T);
  const int64_t count = Min(kChunk, a.queries - first);
  Scratch scratch;
  T* scores = scratch.Take<T>(kQueries * kKeys);
  T* sums = scratch.Take<T>(kChunk * a.width);
  T* panels = scratch.Take<T>(PanelsSize<T>(kKeys, a.depth));
  T* q_room = scratch.Take<T>(kWidens ? kChunk * a.depth : 1);
  T* k_room = scratch.Take<T>(kWidens ? kKeys * a.depth : 1);
  T* v_room = scratch.Take<T>(kWidens ? kKeys * a.width : 1);
  if (scores == nullptr || sums == nullptr || panels == nullptr ||
      q_room == nullptr || k_room == nullptr || v_room == nullptr) {
    return false;
  }
  const T lowest = -static_cast<T>(__builtin_inf());
  T top[kChunk], total[kChunk];
  for (int64_t i = 0; i < count; i++) {
    top[i] = lowest;
    total[i] = 0;
  }
  Clear(sums, count * a.width);
  const int64_t kv = head / a.group();
  const auto q = HeadRows<S>(call.inputs[0], b, head, first, count, q_room);
  for (int64_t key = 0; key < a.keys; key += kKeys) {
    const int64_t present =
        a.Seen(first + count - 1, key, Min(kKeys, a.keys - key));
    if (present == 0) break;
    const auto k = HeadRows<S>(call.inputs[1], b, kv, key, present, k_room);
    const auto v = HeadRows<S>(call.inputs[2], b, kv, key, present, v_room);
    PackRows(k, present, a.depth, panels);
    for (int64_t at = 0; at < count; at += kQueries) {
      const int64_t rows = Min(kQueries, count - at);
      const int64_t columns = a.Seen(first + at + rows - 1, key, present);
      if (columns == 0) continue;
      Scores<S>(a, {b, head, first + at, rows, key, columns},
                {q.at(at), q.stride}, panels, scores);
      for (int64_t i = 0; i < rows; i++) {
        T* row = scores + i * kKeys;
        const int64_t seen = a.Seen(first + at + i, key, columns);
        Clear(row + seen, columns - seen);
        const T before = top[at + i];
        const T found = TopOf(row, seen);
        if (found > before) top[at + i] = found;
        // While all scores are -infinity nothing is added.
        const T shift = top[at + i] == lowest ? 0 : top[at + i];
        const T sum = ExpRow(row, seen, shift);
        if (key == 0) {
          total[at + i] = sum;
          continue;
        }
        const T kept =
            before == lowest ? 0 : static_cast<T>(::exp(before - shift));
        total[at + i] = total[at + i] * kept + sum;
        T* mixed = sums + (at + i) * a.width;
        for (int64_t c = 0; c < a.width; c++) mixed[c] *= kept;
      }
      AddTimesRows<T>({rows, a.width, columns, scores, kKeys, 1}, v,
                      sums + at * a.width, a.width);
    }
  }
  T* stats = call.outputs[1].as<T>() +
             ((b * a.heads + head) * a.queries + first) * 2;
  for (int64_t i = 0; i < count; i++) {
    stats[2 * i] = top[i] == lowest ? 0 : top[i];
    stats[2 * i + 1] = total[i];
    if (a.keys == 0) continue;
    const T inverse = 1 / total[i];
    for (int64_t c = 0; c < a.width; c++) sums[i * a.width + c] *= inverse;
  }
  StoreHeadRows<S>(call.outputs[0], b, head, first, count, sums);
  return true;
}

// The inputs of the gradients.
enum BackwardInput { kQ, kK, kV, kY, kStats, kDy, kOptional };

// A block of pairs whose gradients one worker sums: heads [head, head + heads)
// of the queries, which share head `kv` of the keys.
struct PairsBlock {
  int64_t b, kv, head, heads;
  int64_t query, queries;
  int64_t key, keys;
  bool of_queries;  // sums dq: all keys are in the block
  bool of_keys;     // sums dk and dv: all queries are
};

// What a tile needs for gradients.
template <class T>
struct BackwardRoom {
  T *scores, *grads, *k_panels, *v_panels, *dq, *dk, *dv;
  T *q, *k, *v, *y, *dy;
  bool complete;

  BackwardRoom(Scratch& scratch, const Attention& a, int64_t all_queries,
               bool widens) {
    complete = true;
    const auto take = [&](int64_t count) {
      T* taken = scratch.Take<T>(count);
      complete &= taken != nullptr;
      return taken;
    };
    const auto rows = [&](int64_t count, int64_t columns) {
      return take(widens ? count * columns : 1);
    };
    scores = take(kQueries * kKeys);
    grads = take(kQueries * kKeys);
    k_panels = take(PanelsSize<T>(kKeys, a.depth));
    v_panels = take(PanelsSize<T>(kKeys, a.width));
    dq = take(all_queries * a.depth);
    dk = take(kKeys * a.depth);
    dv = take(kKeys * a.width);
    q = rows(kQueries, a.depth);
    k = rows(kKeys, a.depth);
    v = rows(kKeys, a.width);
    y = rows(kQueries, a.width);
    dy = rows(kQueries, a.width);
  }
};

// scores = p, grads = ds = p (dy v^T - sum(dy y)) scale, 0 where masked.
template <class S>
void TileGradients(const Attention& a, const KernelCall& call,
                   const TileOfScores& t, Rows<Wide<S>> q, Rows<Wide<S>> dy,
                   const BackwardRoom<Wide<S>>& room) {
  using T = Wide<S>;
  const auto y = HeadRows<S>(call.inputs[kY], t.b, t.head, t.query, t.rows,
                             room.y);
  Scores<S>(a, t, q, room.k_panels, room.scores);
  TimesPanels<T>({t.rows, t.columns, a.width, dy.data, dy.stride, 1},
                 room.v_panels, room.grads, kKeys);
  const T* stats = call.inputs[kStats].as<const T>() +
                   ((t.b * a.heads + t.head) * a.queries + t.query) * 2;
  for (int64_t i = 0; i < t.rows; i++) {
    T* p = room.scores + i * kKeys;
    T* ds = room.grads + i * kKeys;
    const int64_t seen = a.Seen(t.query + i, t.key, t.columns);
    Clear(p + seen, t.columns - seen);
    Clear(ds + seen, t.columns - seen);
    GradientRow({stats[2 * i], 1 / stats[2 * i + 1],
                 DotOf(y.at(i), dy.at(i), a.width), static_cast<T>(a.scale)},
                seen, p, ds);
    ClearMasked(a, t, i, ds);
  }
}

// False: out of scratch memory.
template <class S>
bool BackwardBlock(const Attention& a, const KernelCall& call,
                   const PairsBlock& block) {
  using T = Wide<S>;
  const int64_t b = block.b;
  const int64_t kv = block.kv;
  const int64_t all_queries = block.of_queries ? block.heads * block.queries : 0;
  Scratch scratch;
  const BackwardRoom<T> room(scratch, a, all_queries, sizeof(S) != sizeof(T));
  if (!room.complete) return false;
  Clear(room.dq, all_queries * a.depth);
  for (int64_t key = block.key; key < block.key + block.keys; key += kKeys) {
    const int64_t present = Min(kKeys, a.keys - key);
    const auto k = HeadRows<S>(call.inputs[kK], b, kv, key, present, room.k);
    const auto v = HeadRows<S>(call.inputs[kV], b, kv, key, present, room.v);
    PackRows(k, present, a.depth, room.k_panels);
    PackRows(v, present, a.width, room.v_panels);
    Clear(room.dk, present * a.depth);
    Clear(room.dv, present * a.width);
    for (int64_t i = 0; i < block.heads; i++) {
      const int64_t head = block.head + i;
      for (int64_t at = 0; at < block.queries; at += kQueries) {
        const int64_t query = block.query + at;
        const int64_t rows = Min(kQueries, block.queries - at);
        const int64_t columns = a.Seen(query + rows - 1, key, present);
        if (columns == 0) continue;
        const auto q =
            HeadRows<S>(call.inputs[kQ], b, head, query, rows, room.q);
        const auto dy =
            HeadRows<S>(call.inputs[kDy], b, head, query, rows, room.dy);
        TileGradients<S>(a, call, {b, head, query, rows, key, columns}, q, dy,
                         room);
        if (block.of_queries) {
          AddTimesRows<T>({rows, a.depth, columns, room.grads, kKeys, 1}, k,
                          room.dq + (i * block.queries + at) * a.depth, a.depth);
        }
        if (block.of_keys) {
          AddTimesRows<T>({columns, a.depth, rows, room.grads, 1, kKeys}, q,
                          room.dk, a.depth);
          AddTimesRows<T>({columns, a.width, rows, room.scores, 1, kKeys}, dy,
                          room.dv, a.width);
        }
      }
    }
    if (block.of_keys) {
      StoreHeadRows<S>(call.outputs[1], b, kv, key, present, room.dk);
      StoreHeadRows<S>(call.outputs[2], b, kv, key, present, room.dv);
    }
  }
  for (int64_t i = 0; block.of_queries && i < block.heads; i++) {
    StoreHeadRows<S>(call.outputs[0], b, block.head + i, block.query,
                     block.queries, room.dq + i * block.queries * a.depth);
  }
  return true;
}

// block(batch, head, first row) for all blocks of rows of all heads.
template <class Block>
bool ForEachBlock(int64_t batch, int64_t heads, int64_t length, int64_t rows,
                  double ns, const Block& block) {
  const int64_t blocks = CeilDiv(length, rows);
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

// Of `rows` rows against `others` of the other side, with the products of two
// matrices that there are.
double NsPerBlock(const Attention& a, int64_t rows, int64_t others,
                  double products) {
  const double pairs = static_cast<double>(rows) * static_cast<double>(others);
  return pairs *
         (1 + products * static_cast<double>(a.depth + a.width) * 0.03);
}

template <class S>
struct Forward {
  static bool Run(const KernelCall& call) {
    const Attention a = ReadAttention(call, 3);
    return ForEachBlock(a.batch, a.heads, a.queries, kChunk,
                        NsPerBlock(a, kChunk, a.keys, 1),
                        [&](int64_t b, int64_t head, int64_t first) {
                          return ForwardChunk<S>(a, call, b, head, first);
                        });
  }
};

// From so many heads of keys on, each belongs to one worker, if the sums of its
// queries' gradients are no more than so many.
constexpr int64_t kManyHeads = 32;
constexpr int64_t kMaxSums = int64_t{1} << 20;

template <class S>
struct Backward {
  static bool Run(const KernelCall& call) {
    const Attention a = ReadAttention(call, kOptional);
    const int64_t group = a.group();
    if (a.batch * a.kv_heads >= kManyHeads && a.keys > 0 &&
        group * a.queries * a.depth <= kMaxSums) {
      return ForEachBlock(
          a.batch, a.kv_heads, 1, 1,
          NsPerBlock(a, a.queries * group, a.keys, 2.5),
          [&](int64_t b, int64_t kv, int64_t) {
            return BackwardBlock<S>(a, call,
                                    {b, kv, kv * group, group, 0, a.queries, 0,
                                     a.keys, true, true});
          });
    }
    return ForEachBlock(
               a.batch, a.heads, a.queries, kChunk,
               NsPerBlock(a, kChunk, a.keys, 1.5),
               [&](int64_t b, int64_t head, int64_t first) {
                 return BackwardBlock<S>(
                     a, call,
                     {b, head / group, head, 1, first,
                      Min(kChunk, a.queries - first), 0, a.keys, true, false});
               }) &&
           ForEachBlock(a.batch, a.kv_heads, a.keys, kKeys,
                        NsPerBlock(a, kKeys, a.queries * group, 2),
                        [&](int64_t b, int64_t kv, int64_t first) {
                          return BackwardBlock<S>(
                              a, call,
                              {b, kv, kv * group, group, 0, a.queries, first,
                               Min(kKeys, a.keys - first), false, true});
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
