// One pool of threads for the whole process. Several threads may submit: who
// finds the pool busy runs its job alone, so a result never depends on it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace keratin {

// Threads a job may use, the submitter included.
int ThreadCount();
// Takes effect for the next job. 0: as many as the machine has cores
// (KERATIN_THREADS overrides).
void SetThreadCount(int count);

// Calls body(context, worker, workers) once for each worker in [0, workers),
// worker 0 on the calling thread. `workers` is at most `wanted` and may be 1.
// Not reentrant: a body that submits again runs that job alone.
void RunParallel(int wanted, void (*body)(void*, int, int), void* context);

// While one lives, jobs that its thread submits run on that thread alone.
class Alone {
 public:
  Alone();
  ~Alone();
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  bool before_;
};

// `size` bytes of this thread's scratch memory, 64-byte aligned, until the
// innermost Scratch is destroyed. Memory stays with the thread.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  // nullptr when memory has run out.
  void* Take(size_t size);
  template <class T>
  T* Take(int64_t count) {
    return static_cast<T*>(Take(static_cast<size_t>(count) * sizeof(T)));
  }

 private:
  size_t mark_;
};

// How many workers `total_ns` nanoseconds of single-threaded work deserve: a
// second one pays from about 4 us on.
static inline int WorkersFor(double total_ns) {
  constexpr double kNanosecondsPerWorker = 2000;
  const int available = ThreadCount();
  if (available == 1 || total_ns < 2 * kNanosecondsPerWorker) return 1;
  const double deserved = total_ns / kNanosecondsPerWorker;
  return deserved < available ? static_cast<int>(deserved) : available;
}

// Splits [0, count) into one contiguous range per worker, each a multiple of
// `grain` items but the last, and calls body(begin, end) for the non-empty
// ones. The result must not depend on where the cuts are.
template <class Body>
static inline void ParallelFor(int64_t count, double ns_per_item, int64_t grain,
                        const Body& body) {
  if (count <= 0) return;
  const int64_t grains = (count + grain - 1) / grain;
  int wanted = WorkersFor(static_cast<double>(count) * ns_per_item);
  if (grains < wanted) wanted = static_cast<int>(grains);
  if (wanted <= 1) {
    body(int64_t{0}, count);
    return;
  }
  struct Job {
    const Body* body;
    int64_t count, grains, grain;
  } job{&body, count, grains, grain};
  RunParallel(
      wanted,
      [](void* context, int worker, int workers) {
        const Job j = *static_cast<const Job*>(context);
        const int64_t begin = j.grains * worker / workers * j.grain;
        int64_t end = j.grains * (worker + 1) / workers * j.grain;
        if (end > j.count) end = j.count;
        if (begin < end) (*j.body)(begin, end);
      },
      &job);
}

}  // namespace keratin
