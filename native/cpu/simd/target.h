// Include last, after every other header: what follows is compiled for the
// instruction set that the build asks for (KERATIN_TARGET_*), in a namespace
// of its own. Nothing from a header may be emitted as a weak symbol there,
// or the linker could pick, say, an AVX-512 copy for every machine:
// scripts/check-symbols.mjs verifies it with nm.
#if defined(KERATIN_TARGET_AVX512) || defined(KERATIN_TARGET_AVX2)
#include <immintrin.h>
#elif defined(KERATIN_TARGET_NEON)
#include <arm_neon.h>
#endif

#if defined(KERATIN_TARGET_AVX512)
#define KERATIN_TARGET avx512
#pragma GCC target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt")
#elif defined(KERATIN_TARGET_AVX2)
#define KERATIN_TARGET avx2
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt")
#elif defined(KERATIN_TARGET_NEON)
#define KERATIN_TARGET neon
#else
#define KERATIN_TARGET baseline
#endif

// Whether there are LoadHalf and StoreHalf.
#if !defined(KERATIN_TARGET_BASELINE)
#define KERATIN_CONVERTS_HALVES
#endif
