// Bitonic sorting networks (Batcher 1968) on vectors of unsigned keys: the same
// comparisons for all data, all in one direction. Retargeted: include after
// simd/f32.h.
#pragma once

#include <utility>

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <class Key>
struct Keys {
  static constexpr int kLanes = Vec::kLanes * 4 / static_cast<int>(sizeof(Key));
  typedef Key V __attribute__((vector_size(sizeof(Key) * kLanes)));

  KERATIN_INLINE V Load(const Key* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  KERATIN_INLINE void Store(Key* p, V v) { __builtin_memcpy(p, &v, sizeof v); }
#if defined(KERATIN_TARGET_AVX512)
  KERATIN_INLINE void Order(V* a, V* b) {
    const auto x = reinterpret_cast<__m512i>(*a);
    const auto y = reinterpret_cast<__m512i>(*b);
    if constexpr (sizeof(Key) == 4) {
      *a = reinterpret_cast<V>(_mm512_min_epu32(x, y));
      *b = reinterpret_cast<V>(_mm512_max_epu32(x, y));
    } else {
      *a = reinterpret_cast<V>(_mm512_min_epu64(x, y));
      *b = reinterpret_cast<V>(_mm512_max_epu64(x, y));
    }
  }
#else
  // The smaller of each pair into a, the larger into b.
  KERATIN_INLINE void Order(V* a, V* b) {
    const V x = *a, y = *b;
#if defined(KERATIN_TARGET_AVX2)
    if constexpr (sizeof(Key) == 4) {
      const auto i = reinterpret_cast<__m256i>(x);
      const auto j = reinterpret_cast<__m256i>(y);
      *a = reinterpret_cast<V>(_mm256_min_epu32(i, j));
      *b = reinterpret_cast<V>(_mm256_max_epu32(i, j));
      return;
    }
#endif
    const auto less = x < y;
    *a = less ? x : y;
    *b = less ? y : x;
  }
#endif
  // Lane i of the result is lane i ^ kMask.
  template <int kMask, size_t... kLane>
  KERATIN_INLINE V Exchanged(V v, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(
        v, v, (static_cast<int>(kLane) ^ kMask)...);
  }
  // Orders each lane with lane ^ kMask; the lanes with kHigh get the larger.
  template <int kMask, int kHigh, size_t... kLane>
  KERATIN_INLINE V OrderLanes(V v, std::index_sequence<kLane...> lanes) {
    V low = v;
    V high = Exchanged<kMask>(v, lanes);
    Order(&low, &high);
    return __builtin_shufflevector(
        low, high,
        (static_cast<int>(kLane) & kHigh ? static_cast<int>(kLane) + kLanes
                                         : static_cast<int>(kLane))...);
  }
  // A bitonic sequence in each group of 2 kDistance lanes.
  template <int kDistance>
  KERATIN_INLINE V MergeLanes(V v) {
    if constexpr (kDistance > 0) {
      v = OrderLanes<kDistance, kDistance>(v, std::make_index_sequence<kLanes>());
      v = MergeLanes<kDistance / 2>(v);
    }
    return v;
  }
  // Sorted groups of `kGroup` lanes into sorted groups of twice that, and so on.
  template <int kGroup>
  KERATIN_INLINE V SortLanes(V v) {
    if constexpr (kGroup < kLanes) {
      // Mirrored, so that both halves may be ascending.
      v = OrderLanes<2 * kGroup - 1, kGroup>(v, std::make_index_sequence<kLanes>());
      v = MergeLanes<kGroup / 2>(v);
      v = SortLanes<2 * kGroup>(v);
    }
    return v;
  }
  KERATIN_INLINE V Reversed(V v) {
    return Exchanged<kLanes - 1>(v, std::make_index_sequence<kLanes>());
  }
};

// Sorts `vectors` vectors of keys in place, a power of two.
template <class Key>
void SortNetwork(Key* keys, int64_t vectors) {
  using K = Keys<Key>;
  using V = typename K::V;
  constexpr int kLanes = K::kLanes;
  const auto at = [&](int64_t i) { return keys + i * kLanes; };
  for (int64_t i = 0; i < vectors; i++) {
    K::Store(at(i), K::template SortLanes<1>(K::Load(at(i))));
  }
  for (int64_t sorted = 1; sorted < vectors; sorted *= 2) {
    for (int64_t group = 0; group < vectors; group += 2 * sorted) {
      for (int64_t i = 0; i < sorted; i++) {
        Key* p = at(group + i);
        Key* q = at(group + 2 * sorted - 1 - i);
        V a = K::Load(p);
        V b = K::Reversed(K::Load(q));
        K::Order(&a, &b);
        K::Store(p, a);
        K::Store(q, K::Reversed(b));
      }
    }
    int64_t distance = sorted / 2;
    // Two steps at a time, while there are two: half the loads and stores.
    for (; distance >= 2; distance /= 4) {
      const int64_t half = distance / 2;
      for (int64_t group = 0; group < vectors; group += 2 * distance) {
        for (int64_t i = group; i < group + half; i++) {
          V a = K::Load(at(i)), b = K::Load(at(i + half));
          V c = K::Load(at(i + distance)), d = K::Load(at(i + distance + half));
          K::Order(&a, &c);
          K::Order(&b, &d);
          K::Order(&a, &b);
          K::Order(&c, &d);
          K::Store(at(i), a);
          K::Store(at(i + half), b);
          K::Store(at(i + distance), c);
          K::Store(at(i + distance + half), d);
        }
      }
    }
    for (int64_t i = 0; i < vectors; i += 2) {
      V a = K::Load(at(i)), b = K::Load(at(i + 1));
      if (distance == 1) K::Order(&a, &b);
      K::Store(at(i), K::template MergeLanes<kLanes / 2>(a));
      K::Store(at(i + 1), K::template MergeLanes<kLanes / 2>(b));
    }
  }
}

// Two sorted runs of whole vectors into one.
template <class Key>
void MergeRuns(const Key* a, int64_t a_vectors, const Key* b, int64_t b_vectors,
               Key* to) {
  using K = Keys<Key>;
  using V = typename K::V;
  constexpr int kLanes = K::kLanes;
  const Key* const a_end = a + a_vectors * kLanes;
  const Key* const b_end = b + b_vectors * kLanes;
  V rest = K::Load(a);
  a += kLanes;
  // The larger half of what is at hand waits for the next vector.
  const auto take = [&](const Key* from) __attribute__((always_inline)) {
    V low = rest;
    V high = K::Reversed(K::Load(from));
    K::Order(&low, &high);
    K::Store(to, K::template MergeLanes<kLanes / 2>(low));
    rest = K::template MergeLanes<kLanes / 2>(high);
    to += kLanes;
  };
  while (a != a_end && b != b_end) {
    // Which comes next cannot be foretold: no branch.
    const bool from_a = *a <= *b;
    const Key* from = from_a ? a : b;
    a += from_a ? kLanes : 0;
    b += from_a ? 0 : kLanes;
    take(from);
  }
  for (; a != a_end; a += kLanes) take(a);
  for (; b != b_end; b += kLanes) take(b);
  K::Store(to, rest);
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
