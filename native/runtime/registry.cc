// Chooses, once, the best kernels that this machine can run.
#include "registry.h"

#include <cstdlib>
#include <cstring>

namespace keratin {

#define KERATIN_DECLARE(target, family) \
  namespace target {                    \
  void Register_##family(Registry&);    \
  }
#define KERATIN_PORTABLE_FAMILY(family) KERATIN_DECLARE(portable, family)
#if defined(__x86_64__)
#define KERATIN_FAMILY(family)      \
  KERATIN_DECLARE(baseline, family) \
  KERATIN_DECLARE(avx2, family)     \
  KERATIN_DECLARE(avx512, family)
#elif defined(__aarch64__)
#define KERATIN_FAMILY(family)      \
  KERATIN_DECLARE(baseline, family) \
  KERATIN_DECLARE(neon, family)
#else
#define KERATIN_FAMILY(family) KERATIN_DECLARE(baseline, family)
#endif
#include "../cpu/families.inc"
#undef KERATIN_FAMILY
#undef KERATIN_PORTABLE_FAMILY

namespace {

bool Supports(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") &&
                    __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  switch (isa) {
    case Isa::kBaseline:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd");
    case Isa::kNeon:
      return false;
  }
  return false;
#elif defined(__aarch64__)
  return isa == Isa::kBaseline || isa == Isa::kNeon;
#else
  return isa == Isa::kBaseline;
#endif
}

constexpr Isa kIsas[] = {Isa::kAvx512, Isa::kAvx2, Isa::kNeon,
                         Isa::kBaseline};

Isa Choose() {
  const char* wanted = std::getenv("KERATIN_ISA");
  for (Isa isa : kIsas) {
    if (!Supports(isa)) continue;
    if (wanted == nullptr || std::strcmp(wanted, IsaName(isa)) == 0) return isa;
  }
  // An unknown or missing set: the best there is.
  for (Isa isa : kIsas) {
    if (Supports(isa)) return isa;
  }
  return Isa::kBaseline;
}

void Fill(Registry& registry, Isa isa) {
#define KERATIN_PORTABLE_FAMILY(family) portable::Register_##family(registry);
#if defined(__x86_64__)
#define KERATIN_FAMILY(family)                \
  if (isa == Isa::kAvx512) {                  \
    avx512::Register_##family(registry);      \
  } else if (isa == Isa::kAvx2) {             \
    avx2::Register_##family(registry);        \
  } else {                                    \
    baseline::Register_##family(registry);    \
  }
#elif defined(__aarch64__)
#define KERATIN_FAMILY(family)                \
  if (isa == Isa::kNeon) {                    \
    neon::Register_##family(registry);        \
  } else {                                    \
    baseline::Register_##family(registry);    \
  }
#else
#define KERATIN_FAMILY(family) baseline::Register_##family(registry);
#endif
#include "../cpu/families.inc"
#undef KERATIN_FAMILY
#undef KERATIN_PORTABLE_FAMILY
  (void)isa;
}

}  // namespace

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kNeon:
      return "neon";
    case Isa::kBaseline:
      break;
  }
  return "baseline";
}

Isa ActiveIsa() {
  static const Isa isa = Choose();
  return isa;
}

bool IsaSupported(Isa isa) { return Supports(isa); }

const Registry& CpuKernels() {
  static const Registry* registry = [] {
    auto* filled = new Registry;
    Fill(*filled, ActiveIsa());
    return filled;
  }();
  return *registry;
}

const Registry& CpuKernelsFor(Isa isa) {
  static const Registry* registries[kIsaCount] = {};
  const Registry*& registry = registries[static_cast<int>(isa)];
  if (registry == nullptr) {
    auto* filled = new Registry;
    Fill(*filled, isa);
    registry = filled;
  }
  return *registry;
}

}  // namespace keratin
