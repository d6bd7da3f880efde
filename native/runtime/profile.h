// Where the time of programs goes: with KERATIN_PROFILE set, every instruction
// is timed, and a table of kernels and shapes is printed when the process ends.
#pragma once

#include <atomic>
#include <cstdint>

#include "../kernel.h"

namespace keratin {

// What the instructions of one label took together.
struct ProfileEntry {
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> nanoseconds{0};
};

bool Profiling();

// The entry of "name shapes -> shapes", kept for as long as the process lives.
ProfileEntry* ProfileEntryOf(const char* name, const KernelCall& call);

// Adds the time of its own life to an entry; does nothing without one.
class ProfileScope {
 public:
  explicit ProfileScope(ProfileEntry* entry)
      : entry_(entry), start_(entry == nullptr ? 0 : Now()) {}
  ~ProfileScope() {
    if (entry_ == nullptr) return;
    entry_->calls.fetch_add(1, std::memory_order_relaxed);
    entry_->nanoseconds.fetch_add(Now() - start_, std::memory_order_relaxed);
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  static int64_t Now();

  ProfileEntry* entry_;
  int64_t start_;
};

}  // namespace keratin
