#include "allocator.h"

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace keratin {
namespace {

constexpr size_t kAlignment = 64;
// Blocks up to this size are cut from slabs.
constexpr size_t kSlabBlock = 4096;
constexpr size_t kSlab = size_t{256} << 10;
constexpr size_t kHugePage = size_t{2} << 20;

int Log2(size_t x) { return 63 - __builtin_clzll(x); }

void* FromSystem(size_t size) {
  const size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
  void* data = nullptr;
  if (posix_memalign(&data, alignment, size) != 0) return nullptr;
#if defined(__linux__)
  if (size >= kHugePage) madvise(data, size, MADV_HUGEPAGE);
#endif
  return data;
}

}  // namespace

// Four steps per power of two: 64, 80, 96, 112, 128, 160, …, in multiples of
// the alignment.
size_t Allocator::BlockSize(size_t size) {
  if (size <= kAlignment) return kAlignment;
  const size_t step = size_t{1} << (Log2(size - 1) - 2);
  const size_t unit = step < kAlignment ? kAlignment : step;
  return (size + unit - 1) / unit * unit;
}

int Allocator::ClassOf(size_t block) {
  const int power = Log2(block);
  return 4 * power + static_cast<int>((block >> (power - 2)) & 3);
}

Allocator::~Allocator() {
  Trim(0);
  for (void* slab : slabs_) std::free(slab);
}

void* Allocator::Allocate(size_t size) {
  const size_t block = BlockSize(size);
  if (block < size) return nullptr;
  const int size_class = ClassOf(block);
  std::vector<void*>& list = free_[size_class];
  if (!list.empty()) {
    void* data = list.back();
    list.pop_back();
    cached_ -= block;
    return data;
  }
  if (block <= kSlabBlock) return CutFromSlab(block, size_class);
  void* data = FromSystem(block);
  if (data == nullptr) {
    Trim(0);
    data = FromSystem(block);
  }
  return data;
}

void* Allocator::CutFromSlab(size_t block, int size_class) {
  void* slab = FromSystem(kSlab);
  if (slab == nullptr) return nullptr;
  slabs_.push_back(slab);
  char* next = static_cast<char*>(slab);
  const size_t count = kSlab / block;
  std::vector<void*>& list = free_[size_class];
  list.reserve(list.size() + count);
  // Backwards, so that blocks are handed out in ascending order.
  for (size_t i = count; i-- > 1;) list.push_back(next + i * block);
  cached_ += (count - 1) * block;
  return next;
}

void Allocator::Free(void* data, size_t size) {
  if (data == nullptr) return;
  const size_t block = BlockSize(size);
  free_[ClassOf(block)].push_back(data);
  cached_ += block;
}

void Allocator::Trim(size_t limit) {
  const int smallest = ClassOf(kSlabBlock) + 1;
  for (int c = kClasses - 1; c >= smallest && cached_ > limit; c--) {
    const size_t block = (size_t{4} + (c & 3)) << (c / 4 - 2);
    std::vector<void*>& list = free_[c];
    while (!list.empty() && cached_ > limit) {
      std::free(list.back());
      list.pop_back();
      cached_ -= block;
    }
  }
}

}  // namespace keratin
