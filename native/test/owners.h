// Owners of buffers for tests: numbers that a test declares dead.
#pragma once

#include <cstdint>
#include <set>

#include "../runtime/storage.h"

namespace keratin::test {

class FakeOwners final : public OwnerHooks {
 public:
  // A new living owner.
  Owner Make() {
    alive_.insert(++last_);
    return AsOwner(last_);
  }
  void Kill(Owner owner) { alive_.erase(AsNumber(owner)); }
  void KillAll() { alive_.clear(); }

  bool IsAlive(Owner owner) override {
    return alive_.count(AsNumber(owner)) > 0;
  }
  void Forget(Owner owner) override {
    alive_.erase(AsNumber(owner));
    forgotten++;
  }
  void Adjust(int64_t bytes) override { reported += bytes; }
  void InsistOnCollection() override {
    insisted++;
    has_collected = true;
  }
  bool CollectGarbage(bool) override {
    collections++;
    return has_hook;
  }
  bool HasCollected() override { return has_collected; }

  bool has_hook = false;
  bool has_collected = false;
  int collections = 0;
  int insisted = 0;
  int forgotten = 0;
  int64_t reported = 0;

 private:
  static Owner AsOwner(uintptr_t number) {
    return reinterpret_cast<Owner>(number);
  }
  static uintptr_t AsNumber(Owner owner) {
    return reinterpret_cast<uintptr_t>(owner);
  }
  uintptr_t last_ = 0;
  std::set<uintptr_t> alive_;
};

}  // namespace keratin::test
