// One context per JavaScript environment: its buffers, its programs, its
// thread. Everything is called on the environment's thread; only Work() runs
// on the program thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "../kernel.h"
#include "program.h"
#include "registry.h"
#include "storage.h"

namespace keratin {

enum class ErrorKind { kNone, kKernel, kOutOfMemory, kCancelled, kFault };

struct Error {
  ErrorKind kind = ErrorKind::kNone;
  int32_t instruction = -1;
  std::string message;
};

enum class SubmitMode { kAuto, kInline, kQueued };

class Context {
 public:
  // `notify` is called on the program thread whenever a submission has ended
  // that somebody awaits.
  Context(OwnerHooks& hooks, void (*notify)(void*), void* notify_context);
  // Cancels what is queued, waits for what runs.
  ~Context();

  StorageTable& storages() { return storages_; }
  const Registry& kernels() const { return kernels_; }

  // Runs a kernel now. Waits for submissions that write its inputs. Returns
  // the number of the error, 0 for none.
  int32_t RunKernel(int kernel, KernelCall& call, Storage* const* inputs);

  int32_t AddProgram(Program* program);  // takes it over and retains its held
  Program* FindProgram(int32_t id);
  void ReleaseProgram(int32_t id);

  // Runs or enqueues a program. `outputs` are fresh. Returns its sequence
  // number, or 0 with *error set.
  Sequence Submit(int32_t program, const std::vector<Storage*>& inputs,
                  const std::vector<Storage*>& outputs, SubmitMode mode,
                  int32_t* error);
  // Asks a submission to stop before its commit. One that has ended stays.
  void Cancel(Sequence sequence);
  // Of the next submission.
  void InjectFault(const Fault& fault) { fault_ = fault; }

  bool IsDone(Sequence sequence) const {
    return completed_.load(std::memory_order_acquire) >= sequence;
  }
  // Blocks until a submission has ended.
  void Wait(Sequence sequence);
  // Whether this submission has ended; if not, `notify` is called when it has.
  // Sequentially consistent with Work(): of "awaited, then completed?" here
  // and "completed, then awaited?" there one sees the other.
  bool Await(Sequence sequence);
  // Releases what ended submissions held.
  void Reap();
  // 0, or the number of the error with which a submission ended; kept for
  // the last few thousand submissions that failed.
  int32_t ErrorOf(Sequence sequence) const;
  Sequence submitted() const { return submitted_; }
  Sequence completed() const {
    return completed_.load(std::memory_order_acquire);
  }

  int32_t AddError(ErrorKind kind, int32_t instruction, std::string message);
  const Error& error(int32_t number) const;

  // Waits for readers or writers of a buffer. Returns its error.
  int32_t AwaitReadable(Storage* storage);
  void AwaitWritable(Storage* storage);
  // Makes `target` ready to be written by an eager operation: waits, gives
  // its aliases their copy, clears its error. False: out of memory.
  bool PrepareWrite(Storage* target);

 private:
  struct Job {
    Sequence sequence;
    std::shared_ptr<Program> program;
    Binding binding;
    std::vector<Storage*> inputs, outputs;
    Fault fault;
    std::atomic<bool> cancelled{false};
    RunResult result;
    int32_t inherited = 0;  // error of an input
  };

  void Work();
  void RunJob(Job& job);
  int32_t Finish(Job& job);
  void StopThread();

  OwnerHooks& hooks_;
  StorageTable storages_;
  const Registry& kernels_;
  void (*notify_)(void*);
  void* notify_context_;

  std::unordered_map<int32_t, std::shared_ptr<Program>> programs_;
  int32_t next_program_ = 1;
  std::vector<Error> errors_;
  std::unordered_map<Sequence, int32_t> failed_;
  Fault fault_;

  Sequence submitted_ = 0;
  std::deque<std::unique_ptr<Job>> in_flight_;  // context thread, by sequence

  std::mutex mutex_;  // guards queue_, stop_
  std::condition_variable work_, done_;
  std::deque<Job*> queue_;
  bool stop_ = false;
  bool thread_started_ = false;
  std::thread thread_;
  std::atomic<Sequence> completed_{0};
  std::atomic<Sequence> awaited_{0};
};

}  // namespace keratin
