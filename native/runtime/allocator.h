// A caching allocator for tensor storage: freed blocks are kept by size class
// and handed out again, since touching fresh pages costs more than most ops.
// Not thread-safe: one per context, used on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace keratin {

class Allocator {
 public:
  Allocator() = default;
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // 64-byte aligned, at least `size` bytes, contents undefined; nullptr when
  // memory has run out, after the cache has been given back.
  void* Allocate(size_t size);
  void Free(void* data, size_t size);

  // The bytes a block of this size really takes.
  static size_t BlockSize(size_t size);

  size_t cached_bytes() const { return cached_; }
  // Gives cached blocks back to the system until at most `limit` bytes of
  // them are left, the largest first. Blocks cut from slabs stay.
  void Trim(size_t limit);

 private:
  static constexpr int kClasses = 4 * 64;
  static int ClassOf(size_t block);
  void* CutFromSlab(size_t block, int size_class);

  std::vector<void*> free_[kClasses];
  std::vector<void*> slabs_;
  size_t cached_ = 0;
};

}  // namespace keratin
