#include "program.h"

#include "control.h"
#include "loop.h"
#include "word_reader.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace keratin {
namespace {

constexpr size_t kUnit = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr int32_t kMaxPorts = 1 << 20;  // inputs or outputs of a plan

enum Place { kArena, kInput, kHeld, kOutput, kConstant };

uint8_t* AllocateBlock(size_t bytes) {
  if (bytes == 0) bytes = kUnit;
  const size_t alignment = bytes >= kHugePage ? kHugePage : kUnit;
  void* data = nullptr;
  if (posix_memalign(&data, alignment, bytes) != 0) return nullptr;
#if defined(__linux__)
  if (bytes >= kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  return static_cast<uint8_t*>(data);
}

const char* NameOf(const Registry& kernels, int32_t kernel) {
  if (kernel >= 0) return kernels[kernel].name;
  return kernel == kCopyKernel     ? "copy"
         : kernel == kLoopedKernel ? "loop"
                                   : "control";
}

}  // namespace

Program* Program::Create(const Registry& kernels, const int32_t* words,
                         size_t count, const uint8_t* constants,
                         size_t constant_bytes,
                         const std::vector<Storage*>& held, char* message) {
  auto* program = new Program;
  WordReader reader(words, count);
  if (!program->Decode(kernels, reader, constants, constant_bytes, held,
                       message)) {
    delete program;
    return nullptr;
  }
  return program;
}

Program::~Program() {
  std::free(arena_);
  std::free(constants_);
  std::free(blocks_);
}

bool Program::Decode(const Registry& kernels, WordReader& reader,
                     const uint8_t* constants, size_t constant_bytes,
                     const std::vector<Storage*>& held, char* message) {
  const auto malformed = [&](const char* what, int at) {
    std::snprintf(message, KernelCall::kMessageSize, "malformed plan: %s (%d)",
                  what, at);
    return false;
  };
  if (reader.Next() != kPlanVersion) return malformed("version", kPlanVersion);
  const int32_t arena_units = reader.Next();
  const int32_t num_values = reader.Count();
  const int32_t num_instructions = reader.Count();
  commit_start_ = reader.Next();
  const int32_t num_inputs = reader.Next();
  const int32_t num_outputs = reader.Next();
  const int32_t num_held = reader.Next();
  if (!reader.ok() || arena_units < 0 || num_inputs < 0 || num_outputs < 0 ||
      num_inputs > kMaxPorts || num_outputs > kMaxPorts ||
      num_held != static_cast<int32_t>(held.size()) || commit_start_ < 0 ||
      commit_start_ > num_instructions) {
    return malformed("header", 0);
  }
  arena_bytes_ = static_cast<size_t>(arena_units) * kUnit;
  arena_ = AllocateBlock(arena_bytes_);
  constants_ = AllocateBlock(constant_bytes);
  if (arena_ == nullptr || constants_ == nullptr) {
    std::snprintf(message, KernelCall::kMessageSize,
                  "out of memory: the plan needs %zu bytes", arena_bytes_);
    return false;
  }
  if (constant_bytes > 0) std::memcpy(constants_, constants, constant_bytes);
  inputs_.resize(static_cast<size_t>(num_inputs), Port{0, {}});
  outputs_.resize(static_cast<size_t>(num_outputs), Port{0, {}});
  held_ = held;

  // Values. Dims are stored first, so that pointers into them stay valid.
  struct Where {
    int32_t place, index;
    size_t dims;
  };
  std::vector<Where> where(static_cast<size_t>(num_values));
  values_.resize(static_cast<size_t>(num_values));
  for (int32_t i = 0; i < num_values; i++) {
    const int32_t place = reader.Next();
    const int32_t index = reader.Next();
    const int32_t dtype = reader.Next();
    const int32_t ndim = reader.Next();
    if (!reader.ok() || place < kArena || place > kConstant || index < 0 ||
        dtype < 0 || dtype >= kDTypeCount || ndim < 0 || ndim > kMaxRank) {
      return malformed("value", i);
    }
    where[i] = {place, index, dims_.size()};
    int64_t size = 1;
    const int32_t* dims = reader.Take(ndim);
    if (!reader.ok()) return malformed("value", i);
    for (int32_t d = 0; d < ndim; d++) {
      if (dims[d] < 0 ||
          __builtin_mul_overflow(size, int64_t{dims[d]}, &size) ||
          size > kMaxSize) {
        return malformed("shape of value", i);
      }
      dims_.push_back(dims[d]);
    }
    values_[i] = TensorView{nullptr, static_cast<DType>(dtype), ndim, nullptr,
                            size};
  }
  for (int32_t i = 0; i < num_values; i++) {
    TensorView& value = values_[i];
    value.shape = dims_.data() + where[i].dims;
    const auto bytes = static_cast<size_t>(value.bytes());
    const auto index = static_cast<size_t>(where[i].index);
    switch (where[i].place) {
      case kArena:
        if (index * kUnit + bytes > arena_bytes_) return malformed("arena", i);
        value.data = arena_ + index * kUnit;
        break;
      case kConstant:
        if (index * kUnit + bytes > constant_bytes) {
          return malformed("constant", i);
        }
        value.data = constants_ + index * kUnit;
        break;
      case kHeld:
        if (index >= held_.size() || bytes > held_[index]->bytes) {
          return malformed("held storage", i);
        }
        value.data = held_[index]->data;
        break;
      case kInput:
        if (index >= inputs_.size()) return malformed("input", i);
        inputs_[index].bytes = value.bytes();
        break;
      case kOutput:
        if (index >= outputs_.size()) return malformed("output", i);
        outputs_[index].bytes = value.bytes();
        break;
    }
  }

  // Instructions: first the numbers of their operands, then, when the vectors
  // no longer grow, the pointers.
  struct Operands {
    size_t first;
    int32_t inputs, outputs;
    size_t words;
    int32_t num_words;
  };
  std::vector<Operands> operands(static_cast<size_t>(num_instructions));
  std::vector<int32_t> numbers;
  std::vector<int32_t> kernel_of(static_cast<size_t>(num_instructions));
  instructions_.resize(static_cast<size_t>(num_instructions));
  for (int32_t i = 0; i < num_instructions; i++) {
    const int32_t kernel = reader.Next();
    const int32_t in = reader.Count();
    const int32_t out = reader.Count();
    if (!reader.ok() || kernel < kLoopedKernel || kernel >= kernels.size() ||
        (kernel == kCopyKernel && (in != 1 || out != 1))) {
      return malformed("instruction", i);
    }
    operands[i] = {numbers.size(), in, out, 0, 0};
    const int32_t* ids = reader.Take(in + out);
    if (!reader.ok()) return malformed("operands of instruction", i);
    for (int32_t k = 0; k < in + out; k++) {
      if (ids[k] < 0 || ids[k] >= num_values) {
        return malformed("operand of instruction", i);
      }
      if (k >= in) {
        const Where& target = where[ids[k]];
        if (target.place == kInput || target.place == kConstant ||
            (target.place == kHeld && i < commit_start_)) {
          return malformed("target of instruction", i);
        }
        if (target.place == kHeld) {
          Storage* storage = held_[static_cast<size_t>(target.index)];
          if (std::find(written_.begin(), written_.end(), storage) ==
              written_.end()) {
            written_.push_back(storage);
          }
        }
      }
      numbers.push_back(ids[k]);
    }
    if (kernel == kCopyKernel &&
        values_[ids[0]].bytes() != values_[ids[1]].bytes()) {
      return malformed("sizes of copy", i);
    }
    const int32_t num_words = reader.Count();
    const int32_t* attributes = reader.Take(num_words);
    if (!reader.ok()) return malformed("attributes of instruction", i);
    operands[i].words = words_.size();
    operands[i].num_words = num_words;
    words_.insert(words_.end(), attributes, attributes + num_words);
    kernel_of[i] = kernel;
    instructions_[i].function = kernel < 0 ? nullptr : kernels[kernel].function;
    if (kernel < kCopyKernel && kernel != kLoopedKernel) {
      std::vector<TensorView> views;
      for (int32_t k = 0; k < in + out; k++) views.push_back(values_[ids[k]]);
      KernelCall call{};
      call.inputs = views.data();
      call.num_inputs = in;
      call.outputs = views.data() + in;
      call.num_outputs = out;
      call.words = attributes;
      call.num_words = num_words;
      instructions_[i].control =
          ReadControl(kernels, kernel, reader, call, message);
      if (instructions_[i].control == nullptr) return false;
    }
  }
  views_.reserve(numbers.size());
  for (int32_t id : numbers) views_.push_back(values_[id]);
  for (size_t k = 0; k < numbers.size(); k++) {
    const Where& place = where[numbers[k]];
    if (place.place == kInput) inputs_[place.index].views.push_back(&views_[k]);
    if (place.place == kOutput) {
      outputs_[place.index].views.push_back(&views_[k]);
    }
  }
  for (int32_t i = 0; i < num_instructions; i++) {
    const Operands& o = operands[i];
    KernelCall& call = instructions_[i].call;
    call.inputs = views_.data() + o.first;
    call.num_inputs = o.inputs;
    call.outputs = call.inputs + o.inputs;
    call.num_outputs = o.outputs;
    call.words = words_.data() + o.words;
    call.num_words = o.num_words;
    call.message = message_;
    if (Profiling()) {
      instructions_[i].profile =
          ProfileEntryOf(NameOf(kernels, kernel_of[i]), call);
    }
  }
  return ReadLoops(kernels, kernel_of, message);
}

bool Program::ReadLoops(const Registry& kernels,
                        const std::vector<int32_t>& kernel_of, char* message) {
  size_t bytes = 0;
  for (size_t i = 0; i < instructions_.size(); i++) {
    if (kernel_of[i] != kLoopedKernel) continue;
    Instruction& instruction = instructions_[i];
    instruction.loop = Loop::Create(kernels, instruction.call, message);
    if (instruction.loop == nullptr) return false;
    bytes = std::max(bytes, instruction.loop->block_bytes());
  }
  if (bytes == 0) return true;
  blocks_ = AllocateBlock(bytes);
  if (blocks_ == nullptr) {
    std::snprintf(message, KernelCall::kMessageSize,
                  "out of memory: the loops need %zu bytes", bytes);
    return false;
  }
  for (const Instruction& instruction : instructions_) {
    if (instruction.loop != nullptr) instruction.loop->SetBlocks(blocks_);
  }
  return true;
}

std::unique_ptr<Control> Program::ReadControl(const Registry& kernels,
                                              int32_t kernel, WordReader& reader,
                                              const KernelCall& call,
                                              char* message) {
  const auto malformed = [&](int at) {
    std::snprintf(message, KernelCall::kMessageSize,
                  "malformed plan: body (%d)", at);
    return nullptr;
  };
  const int32_t count = reader.Count();
  std::vector<std::unique_ptr<Program>> bodies;
  for (int32_t b = 0; b < count; b++) {
    const int32_t num_words = reader.Count();
    const int32_t units = reader.Count();
    constexpr int32_t kUnitWords = kUnit / sizeof(int32_t);
    if (!reader.ok() || units > kMaxPorts) return malformed(b);
    const int32_t* constants = reader.Take(units * kUnitWords);
    const int32_t* words = reader.Take(num_words);
    if (!reader.ok()) return malformed(b);
    bodies.emplace_back(Create(kernels, words, static_cast<size_t>(num_words),
                               reinterpret_cast<const uint8_t*>(constants),
                               static_cast<size_t>(units) * kUnit, {},
                               message));
    if (bodies.back() == nullptr) return nullptr;
  }
  if (!reader.ok()) return malformed(count);
  return Control::Create(kernel, std::move(bodies), call, message);
}

void Program::Run(const Binding& binding, const std::atomic<bool>& cancelled,
                  const Fault& fault, RunResult& result) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < num_inputs(); i++) SetInput(i, binding.inputs[i]);
  for (int i = 0; i < num_outputs(); i++) SetOutput(i, binding.outputs[i]);
  Execute(cancelled, fault, result);
  if (result.kind == RunResult::kDone) {
    last_seconds_.store(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count(),
        std::memory_order_relaxed);
  }
}

void Program::Execute(const std::atomic<bool>& cancelled, const Fault& fault,
                      RunResult& result) {
  const auto stops_before = [&](int i) {
    const bool faulty = i == fault.instruction;
    if (cancelled.load(std::memory_order_relaxed) || (faulty && fault.cancels)) {
      result.kind = RunResult::kCancelled;
    } else if (faulty) {
      result.kind = RunResult::kFailed;
      std::snprintf(result.message, sizeof result.message,
                    "fault injected at instruction %d", i);
    } else {
      return false;
    }
    result.instruction = i;
    return true;
  };
  const int count = num_instructions();
  for (int i = 0; i < count; i++) {
    if (i <= commit_start_ && stops_before(i)) return;
    const Instruction& instruction = instructions_[i];
    const KernelCall& call = instruction.call;
    const ProfileScope scope(instruction.profile);
    if (instruction.control != nullptr) {
      if (!instruction.control->Run(call, cancelled, result)) {
        result.instruction = i;
        return;
      }
    } else if (instruction.loop != nullptr) {
      instruction.loop->Run(call);
    } else if (instruction.function == nullptr) {
      if (call.outputs[0].size > 0) {
        std::memmove(call.outputs[0].data, call.inputs[0].data,
                     static_cast<size_t>(call.outputs[0].bytes()));
      }
    } else if (instruction.function(call) != 0 && i < commit_start_) {
      result.kind = RunResult::kFailed;
      result.instruction = i;
      std::memcpy(result.message, message_, sizeof result.message);
      return;
    }
  }
  if (commit_start_ == count && stops_before(count)) return;
  result.kind = RunResult::kDone;
}

}  // namespace keratin
