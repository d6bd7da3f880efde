#include "../kernel.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace keratin {

Status KernelCall::Fail(const char* format, ...) const {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, kMessageSize, format, arguments);
  va_end(arguments);
  return 1;
}

void Registry::Add(const char* name, KernelFunction function,
                   DTypeMask dtypes) {
  int id = Find(name);
  if (id < 0) {
    if (size_ == kCapacity) std::abort();
    id = size_++;
  }
  kernels_[id] = Kernel{name, function, dtypes};
}

int Registry::Find(const char* name) const {
  for (int i = 0; i < size_; i++) {
    if (std::strcmp(kernels_[i].name, name) == 0) return i;
  }
  return -1;
}

}  // namespace keratin
