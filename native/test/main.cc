#include <cstdarg>
#include <cstring>

#include "test.h"

namespace keratin::test {
namespace {

Test* first = nullptr;
int failures = 0;
constexpr int kShown = 20;

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
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed > 0 ? 1 : 0;
}
