#include "../cpu/parallel.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "test.h"

namespace keratin {
namespace {

// Sets every item of `marks` once, by ranges.
void Mark(std::vector<int>& marks) {
  ParallelFor(static_cast<int64_t>(marks.size()), 1e6, 1,
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; i++) marks[i]++;
              });
}

bool AllMarked(const std::vector<int>& marks, int times) {
  for (int mark : marks) {
    if (mark != times) return false;
  }
  return true;
}

TEST(parallel_ranges) {
  for (int threads : {1, 2, 3, 4}) {
    SetThreadCount(threads);
    for (size_t count : {0, 1, 2, 3, 7, 100, 1001}) {
      std::vector<int> marks(count);
      Mark(marks);
      CHECK(AllMarked(marks, 1));
    }
    for (int64_t grain : {1, 4, 64, 1000}) {
      std::atomic<int64_t> sum{0};
      std::atomic<bool> aligned{true};
      ParallelFor(777, 1e6, grain, [&](int64_t begin, int64_t end) {
        if (begin % grain != 0 || (end % grain != 0 && end != 777)) {
          aligned = false;
        }
        sum += end - begin;
      });
      CHECK(sum == 777);
      CHECK(aligned);
    }
  }
  SetThreadCount(0);
}

// Somebody who finds the pool busy, and who submits inside of a job, runs it
// alone.
TEST(parallel_submitters) {
  SetThreadCount(3);
  std::vector<std::thread> submitters;
  std::atomic<bool> ok{true};
  for (int t = 0; t < 4; t++) {
    submitters.emplace_back([&] {
      for (int round = 0; round < 300; round++) {
        std::vector<int> marks(64);
        Mark(marks);
        if (!AllMarked(marks, 1)) ok = false;
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  CHECK(ok);

  std::vector<std::vector<int>> nested(8, std::vector<int>(50));
  ParallelFor(8, 1e6, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) Mark(nested[i]);
  });
  for (const auto& marks : nested) CHECK(AllMarked(marks, 1));
  SetThreadCount(0);
}

// A worker that does not rise in time finds its part taken, and the next one.
TEST(parallel_late_workers) {
  SetThreadCount(4);
  for (int round = 0; round < 2000; round++) {
    struct Job {
      std::atomic<int> runs[4] = {};
      std::atomic<int> workers{0};
    } job;
    RunParallel(
        4,
        [](void* context, int worker, int workers) {
          Job& j = *static_cast<Job*>(context);
          j.runs[worker]++;
          j.workers = workers;
        },
        &job);
    for (int i = 0; i < 4; i++) CHECK(job.runs[i] == (i < job.workers ? 1 : 0));
    // Sometimes long enough for workers to fall asleep.
    if (round % 200 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  SetThreadCount(0);
}

TEST(parallel_scratch) {
  SetThreadCount(3);
  std::atomic<bool> ok{true};
  ParallelFor(64, 1e6, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Scratch outer;
      auto* a = outer.Take<int64_t>(1000);
      for (int k = 0; k < 1000; k++) a[k] = i;
      {
        Scratch inner;
        // Larger than what is open: another block.
        auto* b = inner.Take<int64_t>(600000);
        for (int k = 0; k < 600000; k += 512) b[k] = -1;
      }
      Scratch again;
      auto* c = again.Take<int64_t>(1000);
      for (int k = 0; k < 1000; k++) c[k] = -2;
      for (int k = 0; k < 1000; k++) {
        if (a[k] != i) ok = false;
      }
      if (reinterpret_cast<uintptr_t>(a) % 64 != 0) ok = false;
    }
  });
  CHECK(ok);
  SetThreadCount(0);
}

}  // namespace
}  // namespace keratin
