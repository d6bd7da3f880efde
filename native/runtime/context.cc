#include "context.h"

#include <algorithm>
#include <utility>

namespace keratin {
namespace {

// A program longer than this runs on the thread of its own, so that the event
// loop stays free.
constexpr double kInlineSeconds = 1e-3;
constexpr size_t kKeptFailures = 4096;

}  // namespace

Context::Context(OwnerHooks& hooks, void (*notify)(void*),
                 void* notify_context)
    : hooks_(hooks),
      storages_(hooks),
      kernels_(CpuKernels()),
      notify_(notify),
      notify_context_(notify_context) {
  errors_.push_back(Error{});
}

Context::~Context() { StopThread(); }

void Context::StopThread() {
  for (auto& job : in_flight_) job->cancelled = true;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  if (thread_started_) thread_.join();
}

int32_t Context::AddError(ErrorKind kind, int32_t instruction,
                          std::string message) {
  errors_.push_back(Error{kind, instruction, std::move(message)});
  return static_cast<int32_t>(errors_.size()) - 1;
}

const Error& Context::error(int32_t number) const {
  return number >= 0 && number < static_cast<int32_t>(errors_.size())
             ? errors_[static_cast<size_t>(number)]
             : errors_[0];
}

int32_t Context::AwaitReadable(Storage* storage) {
  if (storage->write_fence != 0 && !IsDone(storage->write_fence)) {
    Wait(storage->write_fence);
  }
  int32_t error = storage->error.load(std::memory_order_acquire);
  if (error < 0) {
    // Failed on the program thread and not reaped yet: its number is made now.
    Reap();
    error = storage->error.load(std::memory_order_acquire);
  }
  return error;
}

void Context::AwaitWritable(Storage* storage) {
  Sequence fence = std::max(storage->read_fence, storage->write_fence);
  if (fence != 0 && !IsDone(fence)) Wait(fence);
}

bool Context::PrepareWrite(Storage* target) {
  AwaitWritable(target);
  if (target->aliases != nullptr && !storages_.DetachAliases(target)) {
    return false;
  }
  if (!storages_.Detach(target)) return false;
  target->error.store(0, std::memory_order_relaxed);
  return true;
}

int32_t Context::RunKernel(int kernel, KernelCall& call,
                           Storage* const* inputs) {
  for (int i = 0; i < call.num_inputs; i++) {
    const Storage* storage = inputs[i];
    if (storage->write_fence != 0 ||
        storage->error.load(std::memory_order_relaxed) != 0) {
      if (int32_t error = AwaitReadable(inputs[i])) return error;
    }
  }
  char message[KernelCall::kMessageSize];
  message[0] = 0;
  call.message = message;
  if (kernels_[kernel].function(call) != 0) {
    return AddError(ErrorKind::kKernel, -1, message);
  }
  return 0;
}

int32_t Context::AddProgram(Program* program) {
  for (Storage* storage : program->held()) storages_.Retain(storage);
  StorageTable* storages = &storages_;
  // The last reference is dropped on the context's thread: by ReleaseProgram
  // or when its last job is reaped.
  std::shared_ptr<Program> shared(program, [storages](Program* p) {
    for (Storage* storage : p->held()) storages->Release(storage);
    delete p;
  });
  const int32_t id = next_program_++;
  programs_.emplace(id, std::move(shared));
  return id;
}

Program* Context::FindProgram(int32_t id) {
  const auto found = programs_.find(id);
  return found == programs_.end() ? nullptr : found->second.get();
}

void Context::ReleaseProgram(int32_t id) {
  Reap();
  programs_.erase(id);
}

Sequence Context::Submit(int32_t id, const std::vector<Storage*>& inputs,
                         const std::vector<Storage*>& outputs,
                         SubmitMode mode, int32_t* error) {
  Reap();
  const std::shared_ptr<Program>& program = programs_.find(id)->second;
  for (Storage* input : inputs) {
    const int32_t known = input->error.load(std::memory_order_acquire);
    if (known > 0) {
      *error = known;
      return 0;
    }
  }
  for (Storage* held : program->held()) {
    const int32_t known = held->error.load(std::memory_order_acquire);
    if (known > 0) {
      *error = known;
      return 0;
    }
  }
  for (Storage* target : program->written()) {
    if (!storages_.has_aliases(target)) continue;
    AwaitWritable(target);
    if (!storages_.DetachAliases(target)) {
      *error = AddError(ErrorKind::kOutOfMemory, -1,
                        "out of memory: no room to copy a variable that a "
                        "tensor still holds");
      return 0;
    }
  }

  auto job = std::make_unique<Job>();
  job->sequence = ++submitted_;
  job->program = program;
  job->fault = std::exchange(fault_, Fault{});
  job->inputs = inputs;
  job->outputs = outputs;
  for (Storage* input : inputs) job->binding.inputs.push_back(input->data);
  for (Storage* output : outputs) job->binding.outputs.push_back(output->data);

  const double seconds = program->last_seconds();
  const bool idle = IsDone(job->sequence - 1);
  const bool run_inline =
      mode == SubmitMode::kInline ||
      (mode == SubmitMode::kAuto && seconds >= 0 && seconds < kInlineSeconds);
  if (run_inline) {
    if (!idle) Wait(job->sequence - 1);
    Reap();
    RunJob(*job);
    completed_.store(job->sequence, std::memory_order_release);
    *error = Finish(*job);
    if (*error == 0) return job->sequence;
    return 0;
  }

  const Sequence sequence = job->sequence;
  for (Storage* input : inputs) {
    storages_.Retain(input);
    input->read_fence = sequence;
    if (input->source != nullptr) input->source->read_fence = sequence;
  }
  for (Storage* output : outputs) {
    storages_.Retain(output);
    output->write_fence = sequence;
  }
  for (Storage* held : program->held()) {
    held->read_fence = sequence;
    if (held->source != nullptr) held->source->read_fence = sequence;
  }
  for (Storage* target : program->written()) target->write_fence = sequence;
  Job* queued = job.get();
  in_flight_.push_back(std::move(job));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!thread_started_) {
      thread_started_ = true;
      thread_ = std::thread([this] { Work(); });
    }
    queue_.push_back(queued);
  }
  work_.notify_one();
  return sequence;
}

void Context::Cancel(Sequence sequence) {
  for (auto& job : in_flight_) {
    if (job->sequence == sequence) job->cancelled = true;
  }
}

void Context::RunJob(Job& job) {
  // An input whose own program has failed fails this one too.
  for (const Storage* input : job.inputs) {
    const int32_t error = input->error.load(std::memory_order_acquire);
    if (error != 0) {
      job.inherited = error;
      break;
    }
  }
  if (job.inherited == 0) {
    job.program->Run(job.binding, job.cancelled, job.fault, job.result);
  }
  if (job.inherited != 0 || job.result.kind != RunResult::kDone) {
    // -sequence of the first failure, until Finish gives it its number.
    const int32_t mark = job.inherited != 0
                             ? job.inherited
                             : -static_cast<int32_t>(job.sequence & 0x7fffffff);
    for (Storage* output : job.outputs) {
      output->error.store(mark, std::memory_order_release);
    }
  }
}

int32_t Context::Finish(Job& job) {
  int32_t error = 0;
  if (job.inherited > 0) {
    error = job.inherited;
  } else if (job.inherited < 0) {
    error = ErrorOf(static_cast<Sequence>(-job.inherited));
  } else if (job.result.kind == RunResult::kCancelled) {
    error = AddError(ErrorKind::kCancelled, job.result.instruction,
                     "the program was cancelled");
  } else if (job.result.kind == RunResult::kFailed) {
    error = AddError(job.fault.instruction == job.result.instruction
                         ? ErrorKind::kFault
                         : ErrorKind::kKernel,
                     job.result.instruction, job.result.message);
  }
  if (error != 0) {
    if (failed_.size() >= kKeptFailures) failed_.clear();
    failed_[job.sequence] = error;
    for (Storage* output : job.outputs) {
      output->error.store(error, std::memory_order_release);
    }
  }
  return error;
}

void Context::Work() {
  for (;;) {
    Job* job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      job = queue_.front();
      queue_.pop_front();
    }
    const Sequence sequence = job->sequence;
    RunJob(*job);
    {
      // Under the lock, so that Wait cannot miss it between test and sleep.
      std::lock_guard<std::mutex> lock(mutex_);
      completed_.store(sequence);
    }
    done_.notify_all();
    if (awaited_.load() >= sequence) {
      notify_(notify_context_);
    }
  }
}

void Context::Wait(Sequence sequence) {
  if (!IsDone(sequence)) {
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return IsDone(sequence); });
  }
  Reap();
}

bool Context::Await(Sequence sequence) {
  if (awaited_.load(std::memory_order_relaxed) < sequence) {
    awaited_.store(sequence);
  }
  return completed_.load() >= sequence;
}

void Context::Reap() {
  while (!in_flight_.empty() && IsDone(in_flight_.front()->sequence)) {
    const std::unique_ptr<Job> job = std::move(in_flight_.front());
    in_flight_.pop_front();
    Finish(*job);
    for (Storage* input : job->inputs) storages_.Release(input);
    for (Storage* output : job->outputs) storages_.Release(output);
  }
}

int32_t Context::ErrorOf(Sequence sequence) const {
  const auto found = failed_.find(sequence);
  return found == failed_.end() ? 0 : found->second;
}

}  // namespace keratin
