// What sort falls back to for long columns.
#pragma once

#include "../../kernel.h"

namespace keratin {
namespace portable {

// The kernel `sort`, by radix.
Status RadixSortColumns(const KernelCall& call);

}  // namespace portable
}  // namespace keratin
