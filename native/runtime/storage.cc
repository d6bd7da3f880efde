#include "storage.h"

#include <algorithm>
#include <cstring>

namespace keratin {
namespace {

// A sweep is due when live bytes or entries pass twice what the last sweep
// left, but never below these.
constexpr int64_t kMinByteLimit = int64_t{64} << 20;
constexpr int64_t kMinCountLimit = 20000;
// What the cache may hold beside the live bytes.
constexpr int64_t kMinCacheLimit = int64_t{64} << 20;
// The garbage collector is told of memory in steps of this size.
constexpr int64_t kReportStep = int64_t{1} << 20;

}  // namespace

StorageTable::StorageTable(OwnerHooks& hooks) : hooks_(hooks) { SetLimits(); }

StorageTable::~StorageTable() {
  for (Storage* storage : table_) {
    if (storage == nullptr) continue;
    if (storage->source == nullptr) allocator_.Free(storage->data, storage->bytes);
    delete storage;
  }
  for (Storage* storage : spare_) delete storage;
}

void StorageTable::SetLimits() {
  byte_limit_ = std::max(kMinByteLimit, 2 * live_bytes_);
  count_limit_ = std::max(kMinCountLimit, 2 * live_);
}

void StorageTable::Account(int64_t bytes) {
  live_bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  unreported_ += bytes;
  if (unreported_ >= kReportStep || unreported_ <= -kReportStep) {
    const int64_t report = unreported_;
    unreported_ = 0;
    hooks_.Adjust(report);
  }
}

void StorageTable::SweepIfDue(size_t bytes) {
  if (live_bytes_ + static_cast<int64_t>(bytes) <= byte_limit_ &&
      live_ < count_limit_) {
    return;
  }
  if (hooks_.CollectGarbage(false)) {
    const int64_t before = live_bytes_;
    Sweep();
    // Young garbage alone did not help: look at all of it, once per doubling.
    if (live_bytes_ > before / 2 && live_bytes_ > kMinByteLimit / 2) {
      if (hooks_.CollectGarbage(true)) Sweep();
    }
  } else {
    // Collected when the engine likes, or when it has waited too long.
    if (live_bytes_ > byte_limit_ + byte_limit_ / 4) hooks_.InsistOnCollection();
    if (hooks_.HasCollected()) Sweep();
  }
}

void* StorageTable::AllocateData(size_t bytes) {
  SweepIfDue(bytes);
  const int64_t cache_limit = std::max(kMinCacheLimit, live_bytes_ / 2);
  if (static_cast<int64_t>(allocator_.cached_bytes()) > cache_limit) {
    allocator_.Trim(static_cast<size_t>(cache_limit));
  }
  void* data = allocator_.Allocate(bytes);
  if (data == nullptr) {
    hooks_.CollectGarbage(true);
    Sweep();
    data = allocator_.Allocate(bytes);
  }
  return data;
}

Storage* StorageTable::NewEntry(size_t bytes, Owner owner) {
  Storage* storage;
  if (spare_.empty()) {
    storage = new Storage;
  } else {
    storage = spare_.back();
    spare_.pop_back();
  }
  storage->bytes = bytes;
  storage->owner = owner;
  storage->references = 1;
  if (free_handles_.empty()) {
    storage->handle = static_cast<Handle>(table_.size());
    table_.push_back(storage);
  } else {
    storage->handle = free_handles_.back();
    free_handles_.pop_back();
    table_[storage->handle] = storage;
  }
  live_++;
  return storage;
}

Storage* StorageTable::Create(size_t bytes, Owner owner) {
  void* data = AllocateData(bytes);
  if (data == nullptr) return nullptr;
  Storage* storage = NewEntry(bytes, owner);
  storage->data = data;
  Account(static_cast<int64_t>(Allocator::BlockSize(bytes)));
  return storage;
}

Storage* StorageTable::CreateAlias(Storage* source, Owner owner) {
  SweepIfDue(0);
  if (source->source != nullptr) source = source->source;
  Storage* alias = NewEntry(source->bytes, owner);
  alias->data = source->data;
  alias->write_fence = source->write_fence;
  alias->source = source;
  alias->next_alias = source->aliases;
  source->aliases = alias;
  return alias;
}

void StorageTable::Unlink(Storage* alias) {
  Storage** link = &alias->source->aliases;
  while (*link != alias) link = &(*link)->next_alias;
  *link = alias->next_alias;
  alias->source = nullptr;
  alias->next_alias = nullptr;
}

bool StorageTable::Detach(Storage* alias) {
  if (alias->source == nullptr) return true;
  void* data = AllocateData(alias->bytes);
  if (data == nullptr) return false;
  std::memcpy(data, alias->data, alias->bytes);
  Unlink(alias);
  alias->data = data;
  Account(static_cast<int64_t>(Allocator::BlockSize(alias->bytes)));
  return true;
}

bool StorageTable::DetachAliases(Storage* storage) {
  Storage* first = nullptr;  // takes the copy; the others become its aliases
  for (Storage* alias = storage->aliases; alias != nullptr;) {
    Storage* next = alias->next_alias;
    if (alias->references == 1 && !hooks_.IsAlive(alias->owner)) {
      ReleaseOwner(alias);
    } else if (first == nullptr) {
      if (!Detach(alias)) return false;
      first = alias;
    } else {
      Unlink(alias);
      alias->data = first->data;
      alias->source = first;
      alias->next_alias = first->aliases;
      first->aliases = alias;
    }
    alias = next;
  }
  return true;
}

void StorageTable::FreeData(Storage* storage) {
  if (storage->source != nullptr) {
    Unlink(storage);
    return;
  }
  if (storage->aliases != nullptr) {
    // The data pass to one of the aliases.
    Storage* heir = storage->aliases;
    Unlink(heir);
    while (storage->aliases != nullptr) {
      Storage* alias = storage->aliases;
      Unlink(alias);
      alias->source = heir;
      alias->next_alias = heir->aliases;
      heir->aliases = alias;
    }
    heir->read_fence = std::max(heir->read_fence, storage->read_fence);
    return;
  }
  allocator_.Free(storage->data, storage->bytes);
  Account(-static_cast<int64_t>(Allocator::BlockSize(storage->bytes)));
}

void StorageTable::Release(Storage* storage) {
  if (--storage->references > 0) return;
  FreeData(storage);
  table_[storage->handle] = nullptr;
  free_handles_.push_back(storage->handle);
  storage->handle = -1;
  storage->data = nullptr;
  storage->source = nullptr;
  storage->next_alias = nullptr;
  storage->aliases = nullptr;
  storage->read_fence = 0;
  storage->write_fence = 0;
  storage->error.store(0, std::memory_order_relaxed);
  spare_.push_back(storage);
  live_--;
}

void StorageTable::ReleaseOwner(Storage* storage) {
  if (storage->owner == nullptr) return;
  hooks_.Forget(storage->owner);
  storage->owner = nullptr;
  Release(storage);
}

int64_t StorageTable::Sweep() {
  int64_t freed = 0;
  // Release may append to free_handles_ but never changes the table's size.
  for (size_t i = 0; i < table_.size(); i++) {
    Storage* storage = table_[i];
    if (storage == nullptr || storage->owner == nullptr) continue;
    if (hooks_.IsAlive(storage->owner)) continue;
    ReleaseOwner(storage);
    freed++;
  }
  SetLimits();
  return freed;
}

MemoryInfo StorageTable::memory() const {
  return {live_, live_bytes_, static_cast<int64_t>(allocator_.cached_bytes()),
          peak_bytes_};
}

}  // namespace keratin
