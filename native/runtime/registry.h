#pragma once

#include "../kernel.h"

namespace keratin {

enum class Isa { kBaseline, kAvx2, kAvx512, kNeon };
constexpr int kIsaCount = 4;

const char* IsaName(Isa isa);
// What KERATIN_ISA names (baseline, avx2, avx512, neon), else the best this machine
// has. Fixed at the first call.
Isa ActiveIsa();
bool IsaSupported(Isa isa);

// Every kernel of the active instruction set.
const Registry& CpuKernels();
// Of a given one: for tests, from one thread.
const Registry& CpuKernelsFor(Isa isa);

}  // namespace keratin
