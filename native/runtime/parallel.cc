#include "../cpu/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#include <sys/mman.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace keratin {
namespace {

constexpr int kMaxThreads = 256;
constexpr auto kSpin = std::chrono::microseconds(40);
constexpr int kSpinsBeforeYield = 4000;
// 128: the neighbouring line is prefetched along with a line on x86.
constexpr size_t kLine = 128;

inline void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

thread_local bool in_job = false;

// A mailbox a worker: the submitter writes only to those that take part. Jobs
// are numbered. Whoever counts `taken` up to a job's number runs it, the worker
// or, where that has not risen in time, the submitter; so a late riser never
// reads a job that is not its own.
struct alignas(kLine) Mailbox {
  std::atomic<uint32_t> posted{0};
  std::atomic<uint32_t> taken{0};
  void (*body)(void*, int, int) = nullptr;
  void* context = nullptr;
  int workers = 0;

  // Whether job `number` is the caller's to run.
  bool Take(uint32_t number) {
    uint32_t before = number - 1;
    return taken.compare_exchange_strong(before, number,
                                         std::memory_order_acq_rel);
  }
};

class Pool {
 public:
  void Run(int workers, void (*body)(void*, int, int), void* context) {
    // Nested, or the pool is somebody else's now: alone.
    if (in_job) return body(context, 0, 1);
    std::unique_lock<std::mutex> lock(submit_, std::try_to_lock);
    if (!lock.owns_lock()) {
      in_job = true;
      body(context, 0, 1);
      in_job = false;
      return;
    }
    Grow(workers - 1);
    left_.store(workers - 1, std::memory_order_relaxed);
    for (int i = 1; i < workers; i++) {
      Mailbox& box = boxes_[i - 1];
      box.body = body;
      box.context = context;
      box.workers = workers;
      box.posted.fetch_add(1, std::memory_order_release);
      box.posted.notify_one();
    }
    in_job = true;
    body(context, 0, workers);
    // A part is the same on whatever thread it runs.
    for (int i = 1; i < workers; i++) {
      Mailbox& box = boxes_[i - 1];
      if (!box.Take(box.posted.load(std::memory_order_relaxed))) continue;
      body(context, i, workers);
      left_.fetch_sub(1, std::memory_order_relaxed);
    }
    in_job = false;
    // A worker that lost its core to another process needs ours to go on.
    for (int i = 0; left_.load(std::memory_order_acquire) > 0; i++) {
      if (i < kSpinsBeforeYield) {
        Pause();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  void Grow(int count) {
    while (started_ < count) {
      const int index = started_++;
      std::thread([this, index] { Work(index); }).detach();
    }
  }

  [[noreturn]] void Work(int index) {
    Mailbox& box = boxes_[index];
    uint32_t seen = 0;
    in_job = true;
    for (;;) {
      AwaitPost(box, seen);
      seen = box.posted.load(std::memory_order_acquire);
      if (!box.Take(seen)) continue;
      box.body(box.context, index + 1, box.workers);
      left_.fetch_sub(1, std::memory_order_release);
    }
  }

  static void AwaitPost(const Mailbox& box, uint32_t seen) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    for (int i = 0; box.posted.load(std::memory_order_acquire) == seen; i++) {
      if ((i & 63) == 63 && std::chrono::steady_clock::now() > deadline) {
        box.posted.wait(seen, std::memory_order_acquire);
        return;
      }
      Pause();
    }
  }

  std::mutex submit_;
  alignas(kLine) std::atomic<int> left_{0};
  alignas(kLine) int started_ = 0;
  Mailbox boxes_[kMaxThreads];
};

// Never destroyed: its threads sleep until the process ends.
Pool& ThePool() {
  static Pool* pool = new Pool;
  return *pool;
}

int AvailableCores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

int DefaultThreadCount() {
  int count = 0;
  if (const char* text = std::getenv("KERATIN_THREADS")) count = std::atoi(text);
  if (count <= 0) count = AvailableCores();
  return std::clamp(count, 1, kMaxThreads);
}

std::atomic<int>& Threads() {
  static std::atomic<int> count{DefaultThreadCount()};
  return count;
}

constexpr size_t kHugePage = size_t{2} << 20;

// A stack of bytes. When a block is too small a larger one is opened on top;
// blocks merge into one once the stack is empty.
class ScratchStack {
 public:
  ~ScratchStack() {
    for (const Block& block : blocks_) std::free(block.data);
  }
  size_t mark() const { return total_; }
  void* Take(size_t size) {
    size = (size + 63) / 64 * 64 + 64;
    if (blocks_.empty() || blocks_.back().used + size > blocks_.back().size) {
      if (!Open(size)) return nullptr;
    }
    Block& block = blocks_.back();
    char* data = block.data + block.used;
    block.used += size;
    total_ += size;
    return data;
  }
  void Release(size_t mark) {
    while (!blocks_.empty() && total_ > mark) {
      Block& block = blocks_.back();
      const size_t drop = std::min(block.used, total_ - mark);
      block.used -= drop;
      total_ -= drop;
      if (block.used > 0) break;
      if (blocks_.size() == 1) break;
      peak_ += block.size;
      std::free(block.data);
      blocks_.pop_back();
    }
    if (total_ == 0 && peak_ > 0) {
      const size_t merged = blocks_.back().size + peak_;
      peak_ = 0;
      std::free(blocks_.back().data);
      blocks_.pop_back();
      Open(merged);
    }
  }

 private:
  struct Block {
    char* data;
    size_t size, used;
  };
  bool Open(size_t size) {
    size = (size + kHugePage - 1) / kHugePage * kHugePage;
    void* data = std::aligned_alloc(kHugePage, size);
    if (data == nullptr) return false;
#if defined(__linux__)
    madvise(data, size, MADV_HUGEPAGE);
#endif
    blocks_.push_back(Block{static_cast<char*>(data), size, 0});
    return true;
  }
  std::vector<Block> blocks_;
  size_t total_ = 0, peak_ = 0;
};

thread_local ScratchStack scratch;

}  // namespace

int ThreadCount() { return Threads().load(std::memory_order_relaxed); }

void SetThreadCount(int count) {
  Threads().store(count <= 0 ? DefaultThreadCount()
                             : std::clamp(count, 1, kMaxThreads),
                  std::memory_order_relaxed);
}

void RunParallel(int wanted, void (*body)(void*, int, int), void* context) {
  const int workers = std::min(wanted, ThreadCount());
  if (workers <= 1) {
    body(context, 0, 1);
    return;
  }
  ThePool().Run(workers, body, context);
}

Alone::Alone() : before_(in_job) { in_job = true; }
Alone::~Alone() { in_job = before_; }

Scratch::Scratch() : mark_(scratch.mark()) {}
Scratch::~Scratch() { scratch.Release(mark_); }
void* Scratch::Take(size_t size) { return scratch.Take(size); }

}  // namespace keratin
