#include "../runtime/storage.h"

#include <cstring>
#include <vector>

#include "owners.h"
#include "test.h"

namespace keratin {
namespace {

using test::FakeOwners;

void Fill(Storage* storage, int value) {
  std::memset(storage->data, value, storage->bytes);
}

bool Holds(const Storage* storage, int value) {
  const auto* bytes = static_cast<const uint8_t*>(storage->data);
  for (size_t i = 0; i < storage->bytes; i++) {
    if (bytes[i] != value) return false;
  }
  return true;
}

TEST(storage_lives_with_its_owner) {
  FakeOwners owners;
  StorageTable table(owners);
  Storage* a = table.Create(1000, owners.Make());
  const Owner second = owners.Make();
  Storage* b = table.Create(0, second);
  CHECK(a != nullptr && b != nullptr);
  CHECK(reinterpret_cast<uintptr_t>(a->data) % 64 == 0);
  CHECK(table.Find(a->handle) == a);
  CHECK(table.Find(-1) == nullptr);
  CHECK(table.Find(1000000) == nullptr);
  CHECK(table.memory().live_storages == 2);
  owners.Kill(second);
  CHECK(table.Sweep() == 1);
  CHECK(table.memory().live_storages == 1);
  // A submission keeps it although its owner is gone.
  table.Retain(a);
  table.ReleaseOwner(a);
  CHECK(table.memory().live_storages == 1);
  table.Release(a);
  CHECK(table.memory().live_storages == 0);
  CHECK(table.memory().live_bytes == 0);
}

TEST(storage_aliases_are_copied_on_write) {
  FakeOwners owners;
  StorageTable table(owners);
  Storage* variable = table.Create(256, owners.Make());
  Fill(variable, 1);
  Storage* first = table.CreateAlias(variable, owners.Make());
  Storage* second = table.CreateAlias(first, owners.Make());
  const Owner forgotten = owners.Make();
  table.CreateAlias(variable, forgotten);
  CHECK(first->data == variable->data && second->data == variable->data);
  owners.Kill(forgotten);
  void* const address = variable->data;
  CHECK(table.DetachAliases(variable));
  CHECK(variable->data == address);
  CHECK(first->data != address);
  // One copy serves both; the dead one got none.
  CHECK(first->data == second->data);
  CHECK(table.memory().live_storages == 3);
  Fill(variable, 2);
  CHECK(Holds(first, 1) && Holds(second, 1));
  // The copy passes to the one that is left.
  Storage* holder = first->source == nullptr ? first : second;
  Storage* other = holder == first ? second : first;
  table.ReleaseOwner(holder);
  CHECK(Holds(other, 1));
  table.ReleaseOwner(other);
  table.ReleaseOwner(variable);
  CHECK(table.memory().live_bytes == 0);
}

TEST(storage_of_a_variable_outlives_it_in_a_read) {
  FakeOwners owners;
  StorageTable table(owners);
  Storage* variable = table.Create(128, owners.Make());
  Fill(variable, 7);
  Storage* read = table.CreateAlias(variable, owners.Make());
  table.ReleaseOwner(variable);
  CHECK(Holds(read, 7));
  CHECK(read->source == nullptr);
  table.ReleaseOwner(read);
  CHECK(table.memory().live_bytes == 0);
}

// An engine that does not collect by itself is made to, soon after the limit.
TEST(storage_insists_on_collection) {
  FakeOwners owners;
  StorageTable table(owners);
  constexpr size_t kSize = size_t{1} << 20;
  for (int i = 0; i < 500; i++) {
    const Owner owner = owners.Make();
    CHECK(table.Create(kSize, owner) != nullptr);
    owners.Kill(owner);
    // Below the limit it is left alone.
    if (i < 64) CHECK(owners.insisted == 0);
  }
  CHECK(owners.insisted > 0);
  CHECK(table.memory().peak_bytes <= int64_t{96} << 20);
  CHECK(owners.forgotten > 300);
}

// What is forgotten is found when the limit is passed, with a hook or without.
TEST(storage_stays_bounded) {
  for (bool hook : {true, false}) {
    FakeOwners owners;
    owners.has_hook = hook;
    owners.has_collected = !hook;
    StorageTable table(owners);
    constexpr size_t kSize = size_t{1} << 20;
    for (int i = 0; i < 2000; i++) {
      const Owner owner = owners.Make();
      CHECK(table.Create(kSize, owner) != nullptr);
      owners.Kill(owner);
    }
    CHECK(table.memory().peak_bytes <= int64_t{130} << 20);
    CHECK(owners.forgotten > 1800);
    // Small ones count by their number.
    for (int i = 0; i < 200000; i++) {
      const Owner owner = owners.Make();
      table.Create(16, owner);
      owners.Kill(owner);
    }
    CHECK(table.memory().live_storages <= 20001);
    table.Sweep();
    CHECK(table.memory().live_bytes == 0);
    CHECK(owners.reported < int64_t{2} << 20);
  }
}

TEST(storage_refuses_what_no_machine_has) {
  FakeOwners owners;
  StorageTable table(owners);
  CHECK(table.Create(size_t{1} << 47, owners.Make()) == nullptr);
  CHECK(table.Create(~size_t{0}, owners.Make()) == nullptr);
  CHECK(table.memory().live_storages == 0);
}

TEST(allocator_block_sizes) {
  size_t last = 0;
  for (size_t size = 1; size < (size_t{1} << 22); size += 1 + size / 7) {
    const size_t block = Allocator::BlockSize(size);
    CHECK(block >= size);
    CHECK(block % 64 == 0);
    CHECK(block >= last);
    // Four steps for each power of two: a quarter too much at most.
    CHECK(block <= size + size / 4 + 64);
    CHECK(Allocator::BlockSize(block) == block);
    last = block;
  }
}

}  // namespace
}  // namespace keratin
