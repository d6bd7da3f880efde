// Vectors of any float type as stored, in the type that is computed in: halves
// are widened to float32 when they are loaded and rounded when they are stored.
// Retargeted: include after half.h and simd/lanes.h.
#pragma once

namespace keratin {
namespace KERATIN_TARGET {
namespace {

// What a stored type is computed in.
template <class S>
struct WideType {
  using Type = S;
};
template <>
struct WideType<Half> {
  using Type = float;
};
template <>
struct WideType<BFloat16> {
  using Type = float;
};
template <class S>
using Wide = typename WideType<S>::Type;

template <class S>
KERATIN_INLINE typename Simd<S>::V LoadWide(const S* p) {
  return Simd<S>::Load(p);
}
KERATIN_INLINE Vec LoadWide(const Half* p) {
#if defined(KERATIN_CONVERTS_HALVES)
  return LoadHalf(&p->bits);
#else
  float wide[Vec::kLanes];
  Widen(p, wide, Vec::kLanes);
  return Load(wide);
#endif
}
KERATIN_INLINE Vec LoadWide(const BFloat16* p) {
  return LoadBFloat16(&p->bits);
}
template <class S>
KERATIN_INLINE void StoreNarrow(S* p, typename Simd<S>::V x) {
  Simd<S>::Store(p, x);
}
KERATIN_INLINE void StoreNarrow(Half* p, Vec x) {
#if defined(KERATIN_CONVERTS_HALVES)
  StoreHalf(&p->bits, x);
#else
  float wide[Vec::kLanes];
  Store(wide, x);
  Narrow(wide, p, Vec::kLanes);
#endif
}
KERATIN_INLINE void StoreNarrow(BFloat16* p, Vec x) {
  StoreBFloat16(&p->bits, x);
}

// The first n lanes, the others zero.
template <class S>
KERATIN_INLINE typename Simd<Wide<S>>::V LoadWide(const S* p, int64_t n) {
  using V = Simd<Wide<S>>;
  if (n >= V::kLanes) return LoadWide(p);
  if constexpr (sizeof(S) == sizeof(Wide<S>)) {
    return V::Load(p, V::First(static_cast<int>(n)));
  } else {
    float wide[V::kLanes] = {};
    Widen(p, wide, n);
    return V::Load(wide);
  }
}
template <class S>
KERATIN_INLINE void StoreNarrow(S* p, int64_t n, typename Simd<Wide<S>>::V x) {
  using V = Simd<Wide<S>>;
  if (n >= V::kLanes) {
    StoreNarrow(p, x);
  } else if constexpr (sizeof(S) == sizeof(Wide<S>)) {
    V::Store(p, V::First(static_cast<int>(n)), x);
  } else {
    float wide[V::kLanes];
    V::Store(wide, x);
    Narrow(wide, p, n);
  }
}

}  // namespace
}  // namespace KERATIN_TARGET
}  // namespace keratin
