// The buffers of one context: counted, fenced, copy-on-write.
//
// Used on the context's thread only, but for what is marked. A buffer lives as
// long as its owner (a JavaScript object, watched weakly) or a program that
// uses it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "allocator.h"

namespace keratin {

using Handle = int32_t;
using Owner = void*;  // a weak reference, made and read by OwnerHooks
// Counts submissions; a buffer's fence is the last one that uses it.
using Sequence = uint64_t;

// How the storage table asks about owners; addon.cc implements it over
// N-API references.
class OwnerHooks {
 public:
  virtual ~OwnerHooks() = default;
  virtual bool IsAlive(Owner owner) = 0;
  virtual void Forget(Owner owner) = 0;
  // Memory held on behalf of the garbage collector changed by `bytes`.
  virtual void Adjust(int64_t bytes) = 0;
  // Has garbage collected where CollectGarbage cannot, at a higher price.
  virtual void InsistOnCollection() = 0;
  // Tries to have dead owners found now. False where there is no such way.
  virtual bool CollectGarbage(bool thorough) = 0;
  // Whether the garbage collector has run since this was last asked.
  virtual bool HasCollected() = 0;
};

struct Storage {
  void* data = nullptr;
  size_t bytes = 0;
  Owner owner = nullptr;
  int32_t references = 0;  // one of the owner, one of each submission in flight
  // While this buffer shares the data of `source`, a variable's buffer.
  Storage* source = nullptr;
  Storage* next_alias = nullptr;
  Storage* aliases = nullptr;
  Handle handle = -1;
  Sequence read_fence = 0;
  Sequence write_fence = 0;
  // Not 0: the program that should have written it failed with this error.
  // Written by the program thread.
  std::atomic<int32_t> error{0};
};

struct MemoryInfo {
  int64_t live_storages, live_bytes, cached_bytes, peak_bytes;
};

class StorageTable {
 public:
  explicit StorageTable(OwnerHooks& hooks);
  ~StorageTable();

  // nullptr when memory has run out even after a sweep.
  Storage* Create(size_t bytes, Owner owner);
  // Shares the data of `source` until `source` is written.
  Storage* CreateAlias(Storage* source, Owner owner);
  // nullptr for a handle that is not in use.
  Storage* Find(Handle handle) const {
    return handle >= 0 && handle < static_cast<Handle>(table_.size())
               ? table_[handle]
               : nullptr;
  }
  void Retain(Storage* storage) { storage->references++; }
  void Release(Storage* storage);
  // The owner is gone or gave it up.
  void ReleaseOwner(Storage* storage);
  // Before `storage` is written: its living aliases get one copy of their own.
  // False when memory has run out (nothing has changed then).
  bool DetachAliases(Storage* storage);
  bool has_aliases(const Storage* storage) const {
    return storage->aliases != nullptr;
  }
  // Gives an alias data of its own.
  bool Detach(Storage* alias);

  // Frees every buffer whose owner has died. Returns how many.
  int64_t Sweep();
  MemoryInfo memory() const;
  void Trim() { allocator_.Trim(0); }
  void ResetPeak() { peak_bytes_ = live_bytes_; }

 private:
  Storage* NewEntry(size_t bytes, Owner owner);
  void* AllocateData(size_t bytes);
  void FreeData(Storage* storage);
  void Unlink(Storage* alias);
  void SweepIfDue(size_t bytes);
  void SetLimits();
  void Account(int64_t bytes);

  OwnerHooks& hooks_;
  Allocator allocator_;
  std::vector<Storage*> table_;
  std::vector<Handle> free_handles_;
  std::vector<Storage*> spare_;
  int64_t live_ = 0;
  int64_t live_bytes_ = 0;
  int64_t peak_bytes_ = 0;
  int64_t byte_limit_;
  int64_t count_limit_;
  int64_t unreported_ = 0;
};

}  // namespace keratin
