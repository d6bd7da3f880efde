// Threefry-2x32 with 20 rounds (Salmon et al. 2011, Parallel random numbers:
// as easy as 1, 2, 3), in JAX's partitionable layout: element i is the xor of
// the two words that the key makes of the counter (i >> 32, i).
#include <cstdint>

#include "../kernel.h"
#include "parallel.h"
#include "simd/target.h"
// After the target:
#include "simd/f32.h"

namespace keratin {
namespace KERATIN_TARGET {
namespace {

template <int kBits>
KERATIN_INLINE IVec Rotate(IVec x) {
  return ShiftLeft<kBits>(x) | ShiftRight<32 - kBits>(x);
}

template <int kBits>
KERATIN_INLINE void Round1(IVec& a, IVec& b) {
  a = a + b;
  b = Rotate<kBits>(b) ^ a;
}

template <int kA, int kB, int kC, int kD>
KERATIN_INLINE void Rounds4(IVec& a, IVec& b) {
  Round1<kA>(a, b);
  Round1<kB>(a, b);
  Round1<kC>(a, b);
  Round1<kD>(a, b);
}

KERATIN_INLINE IVec Threefry(uint32_t key0, uint32_t key1, IVec a, IVec b) {
  const uint32_t key2 = key0 ^ key1 ^ 0x1bd11bda;
  const auto set = [](uint32_t x)
                       __attribute__((always_inline)) {
    return ISet(static_cast<int32_t>(x));
  };
  a = a + set(key0);
  b = b + set(key1);
  Rounds4<13, 15, 26, 6>(a, b);
  a = a + set(key1);
  b = b + set(key2 + 1);
  Rounds4<17, 29, 16, 24>(a, b);
  a = a + set(key2);
  b = b + set(key0 + 2);
  Rounds4<13, 15, 26, 6>(a, b);
  a = a + set(key0);
  b = b + set(key1 + 3);
  Rounds4<17, 29, 16, 24>(a, b);
  a = a + set(key1);
  b = b + set(key2 + 4);
  Rounds4<13, 15, 26, 6>(a, b);
  a = a + set(key2);
  b = b + set(key0 + 5);
  return a ^ b;
}

// The words of elements [begin, end), which share their high counter word.
template <class T>
void Words(uint32_t key0, uint32_t key1, int64_t begin, int64_t end, T* out) {
  constexpr int kLanes = Vec::kLanes;
  alignas(64) int32_t lane[kLanes];
  alignas(64) uint32_t words[kLanes];
  for (int i = 0; i < kLanes; i++) lane[i] = i;
  const IVec lanes = ILoad(lane);
  for (int64_t i = begin; i < end; i += kLanes) {
    const IVec high = ISet(static_cast<int32_t>(i >> 32));
    const IVec low = ISet(static_cast<int32_t>(i)) + lanes;
    IStore(words, Threefry(key0, key1, high, low));
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    for (int64_t k = 0; k < n; k++) out[i + k] = static_cast<T>(words[k]);
  }
}

Status RandomBits(const KernelCall& call) {
  const TensorView& out = call.outputs[0];
  if (out.size == 0) return 0;
  const uint32_t* key = call.inputs[0].as<const uint32_t>();
  const uint32_t key0 = key[0];
  const uint32_t key1 = key[1];
  const int size = ItemSize(out.dtype);
  // Grains divide 2^32: no vector crosses a change of the high word.
  ParallelFor(out.size, 0.5, 4096, [&](int64_t begin, int64_t end) {
    if (size == 1) {
      Words(key0, key1, begin, end, out.as<uint8_t>());
    } else if (size == 2) {
      Words(key0, key1, begin, end, out.as<uint16_t>());
    } else {
      Words(key0, key1, begin, end, out.as<uint32_t>());
    }
  });
  return 0;
}

}  // namespace

void Register_random(Registry& registry) {
  registry.Add("random_bits", RandomBits, Mask(DType::kUInt32));
}

}  // namespace KERATIN_TARGET
}  // namespace keratin
