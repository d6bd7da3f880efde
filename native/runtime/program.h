// A prepared plan: instructions with every pointer that never changes filled
// in, so that running one costs a call of its kernel and nothing else.
//
// The plan format (src/runtime/plan.ts writes it), int32 words:
//   version, arena size, values, instructions, first instruction of the
//   commit, inputs, outputs, held
//   value: place, index, dtype, ndim, dims …
//     place 0 arena       index in 64-byte units
//           1 input       index of the argument
//           2 held        index into the storages that the plan holds
//                         (variables, captured tensors)
//           3 output      index of the result
//           4 constant    index in 64-byte units of the constants
//   instruction: kernel, inputs, outputs, value numbers …,
//                attribute words, attributes …
//     kernel -1 copies its input's bytes to its output; -2 branch, -3 loop and
//     -4 scan run plans that follow: their number, then for each its count of
//     words, its constants in units of 64 bytes (count, 16 words a unit) and
//     its words (control.h); -5 is a fused loop, which its attributes hold
//     (loop.h)
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "../kernel.h"
#include "profile.h"
#include "storage.h"

namespace keratin {

constexpr int32_t kPlanVersion = 1;
constexpr int32_t kCopyKernel = -1;
constexpr int32_t kBranchKernel = -2;
constexpr int32_t kLoopKernel = -3;
constexpr int32_t kScanKernel = -4;
constexpr int32_t kLoopedKernel = -5;

// What a run needs of the outside: data of inputs and outputs.
struct Binding {
  std::vector<void*> inputs;
  std::vector<void*> outputs;
};

struct RunResult {
  enum Kind { kDone, kFailed, kCancelled };
  Kind kind = kDone;
  int32_t instruction = -1;
  char message[KernelCall::kMessageSize] = {};
};

// For tests: a run that ends before this instruction (-1: none), as if that
// had failed or the run had been cancelled then. Within the commit nothing can.
struct Fault {
  int32_t instruction = -1;
  bool cancels = false;
};

class Control;
class Loop;
class WordReader;

class Program {
 public:
  // nullptr, with `message` filled in, when the plan is malformed or memory
  // has run out. Takes no reference on `held`.
  static Program* Create(const Registry& kernels, const int32_t* words,
                         size_t count, const uint8_t* constants,
                         size_t constant_bytes,
                         const std::vector<Storage*>& held, char* message);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What a run reads and writes, bound one by one; for the bodies of control
  // instructions.
  void SetInput(int i, void* data) {
    for (TensorView* view : inputs_[i].views) view->data = data;
  }
  void SetOutput(int i, void* data) {
    for (TensorView* view : outputs_[i].views) view->data = data;
  }
  // Runs with what is bound.
  void Execute(const std::atomic<bool>& cancelled, const Fault& fault,
               RunResult& result);

  // Binds, then executes, on any thread, one run at a time. Stops at or before the beginning of
  // the commit when `cancelled` is set, and where `fault` says; what the commit
  // writes is then untouched.
  void Run(const Binding& binding, const std::atomic<bool>& cancelled,
           const Fault& fault, RunResult& result);

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  int64_t input_bytes(int i) const { return inputs_[i].bytes; }
  int64_t output_bytes(int i) const { return outputs_[i].bytes; }
  const std::vector<Storage*>& held() const { return held_; }
  // Those of `held` that the commit writes.
  const std::vector<Storage*>& written() const { return written_; }
  int num_instructions() const { return static_cast<int>(instructions_.size()); }
  int commit_start() const { return commit_start_; }
  size_t arena_bytes() const { return arena_bytes_; }
  // Seconds of the last run; negative before the first.
  double last_seconds() const {
    return last_seconds_.load(std::memory_order_relaxed);
  }

 private:
  struct Instruction {
    KernelFunction function = nullptr;  // nullptr: copy, control or loop
    KernelCall call{};
    std::unique_ptr<Control> control;
    std::unique_ptr<Loop> loop;
    ProfileEntry* profile = nullptr;  // where its time is noted, if anywhere
  };
  struct Port {  // an input or output: the views that point at it
    int64_t bytes;
    std::vector<TensorView*> views;
  };

  Program() = default;
  // The bodies of a control instruction.
  static std::unique_ptr<Control> ReadControl(const Registry& kernels,
                                              int32_t kernel, WordReader& reader,
                                              const KernelCall& call,
                                              char* message);
  // The loops of those instructions that are `kLoopedKernel`.
  bool ReadLoops(const Registry& kernels, const std::vector<int32_t>& kernel_of,
                 char* message);
  bool Decode(const Registry& kernels, WordReader& reader,
              const uint8_t* constants, size_t constant_bytes,
              const std::vector<Storage*>& held, char* message);

  std::vector<int64_t> dims_;
  std::vector<int32_t> words_;
  std::vector<TensorView> values_;  // as declared
  std::vector<TensorView> views_;   // operands of the instructions, in order
  std::vector<Instruction> instructions_;
  std::vector<Port> inputs_, outputs_;
  std::vector<Storage*> held_, written_;
  int commit_start_ = 0;
  uint8_t* arena_ = nullptr;
  uint8_t* constants_ = nullptr;
  uint8_t* blocks_ = nullptr;  // of the loops
  size_t arena_bytes_ = 0;
  // Written by the thread that runs it, read by the one that submits.
  std::atomic<double> last_seconds_{-1};
  char message_[KernelCall::kMessageSize] = {};
};

}  // namespace keratin
