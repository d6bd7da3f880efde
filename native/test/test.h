// A minimal test harness: TEST registers, CHECK counts.
#pragma once

#include <cstdio>

namespace keratin::test {

struct Test {
  Test(const char* name, void (*body)());
  const char* name;
  void (*body)();
  Test* next;
};

void Fail(const char* file, int line, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

}  // namespace keratin::test

#define TEST(name)                                              \
  static void name();                                           \
  static ::keratin::test::Test name##_registration(#name, name); \
  static void name()

#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) {                                                  \
      ::keratin::test::Fail(__FILE__, __LINE__, "%s", #condition);       \
    }                                                                    \
  } while (0)
