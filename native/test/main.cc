#include <cstdarg>
#include <cstring>

#include "kernels.h"

namespace keratin::test {
namespace {

Test* first = nullptr;
int failures = 0;
constexpr int kShown = 20;

// Every kernel has a test: one that none has called is shown.
void CheckCalledKernels() {
  const Registry& registry = CpuKernels();
  for (int id = 0; id < registry.size(); id++) {
    if (registry[id].function == nullptr) continue;
    if (CalledKernels().count(registry[id].name) > 0) continue;
    Fail(__FILE__, __LINE__, "no test calls the kernel %s", registry[id].name);
  }
}

}  // namespace

Test::Test(const char* name, void (*body)())
    : name(name), body(body), next(first) {
  first = this;
}

void Fail(const char* file, int line, const char* format, ...) {
  if (failures++ >= kShown) return;
  std::fprintf(stderr, "%s:%d: ", file, line);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
}

}  // namespace keratin::test

// keratin_test [parts of tests' names]
int main(int argc, char** argv) {
  using keratin::test::failures;
  int passed = 0;
  int failed = 0;
  for (auto* test = keratin::test::first; test != nullptr; test = test->next) {
    bool chosen = argc == 1;
    for (int i = 1; i < argc; i++) {
      chosen = chosen || std::strstr(test->name, argv[i]) != nullptr;
    }
    if (!chosen) continue;
    failures = 0;
    test->body();
    if (failures > 0) {
      failed++;
      std::fprintf(stderr, "FAILED %s (%d checks)\n", test->name, failures);
    } else {
      passed++;
    }
  }
  failures = 0;
  if (argc == 1) keratin::test::CheckCalledKernels();
  if (failures > 0) failed++;
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed > 0 ? 1 : 0;
}
