#include "control.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace keratin {
namespace {

// Data of tensors are aligned, those of slices too: they are copied.
constexpr size_t kUnit = 64;

size_t Aligned(int64_t bytes) {
  return (static_cast<size_t>(bytes) + kUnit - 1) / kUnit * kUnit + kUnit;
}

void Copy(void* to, const void* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
}

}  // namespace

Control::~Control() { std::free(memory_); }

std::unique_ptr<Control> Control::Create(
    int32_t kernel, std::vector<std::unique_ptr<Program>> bodies,
    const KernelCall& call, char* message) {
  std::unique_ptr<Control> control(new Control);
  control->kernel_ = kernel;
  control->bodies_ = std::move(bodies);
  if (!control->Check(call, message)) return nullptr;
  if (!control->Allocate(call)) {
    std::snprintf(message, KernelCall::kMessageSize,
                  "out of memory: no room for the values of a loop");
    return nullptr;
  }
  return control;
}

bool Control::Check(const KernelCall& call, char* message) {
  const auto malformed = [&](const char* what) {
    std::snprintf(message, KernelCall::kMessageSize,
                  "malformed control instruction: %s", what);
    return false;
  };
  const bool is_branch = kernel_ == kBranchKernel;
  const bool is_loop = kernel_ == kLoopKernel;
  const int wanted_words = is_branch ? 0 : is_loop ? 3 : 4;
  if (call.num_words != wanted_words) return malformed("attributes");
  Attributes attributes = call.attributes();
  int first = 0;  // of what every body gets as it is
  if (is_branch) {
    if (bodies_.empty() || call.num_inputs < 1 ||
        call.inputs[0].dtype != DType::kInt32 || call.inputs[0].size != 1) {
      return malformed("index");
    }
    first = 1;
  } else {
    carried_ = attributes.Int();
    if (is_loop) {
      limit_ = attributes.Int64();
    } else {
      scanned_ = attributes.Int();
      length_ = attributes.Int();
      reverse_ = attributes.Bool();
    }
    if (carried_ < 0 || scanned_ < 0 || length_ < 0 ||
        int64_t{carried_} + scanned_ > call.num_inputs ||
        carried_ > call.num_outputs ||
        (is_loop && carried_ != call.num_outputs) ||
        bodies_.size() != (is_loop ? 2u : 1u)) {
      return malformed("operands");
    }
    for (int i = 0; i < carried_; i++) {
      if (call.inputs[i].bytes() != call.outputs[i].bytes()) {
        return malformed("carry");
      }
    }
  }
  const auto sliced = [&](const TensorView& view) {
    return length_ == 0 ? int64_t{0} : view.bytes() / length_;
  };
  for (size_t b = 0; b < bodies_.size(); b++) {
    const Program& body = *bodies_[b];
    if (!body.held().empty() ||
        body.commit_start() != body.num_instructions() ||
        body.num_inputs() != call.num_inputs - first) {
      return malformed("body");
    }
    for (int i = first; i < call.num_inputs; i++) {
      const bool slice = i >= carried_ && i < carried_ + scanned_;
      const int64_t given =
          slice ? sliced(call.inputs[i]) : call.inputs[i].bytes();
      if (slice && length_ > 0 && call.inputs[i].bytes() % length_ != 0) {
        return malformed("length");
      }
      // 0: the body does not use it. Without a round it never runs.
      const int64_t needed = body.input_bytes(i - first);
      if (needed != 0 && needed != given && !(slice && length_ == 0)) {
        return malformed("input of a body");
      }
    }
    if (is_loop && b == 0) {
      if (body.num_outputs() != 1 || body.output_bytes(0) != 1) {
        return malformed("condition");
      }
      continue;
    }
    if (body.num_outputs() != call.num_outputs) return malformed("outputs");
    for (int i = 0; i < call.num_outputs; i++) {
      const bool slice = !is_branch && i >= carried_;
      if (slice && length_ > 0 && call.outputs[i].bytes() % length_ != 0) {
        return malformed("length");
      }
      const int64_t room =
          slice ? sliced(call.outputs[i]) : call.outputs[i].bytes();
      if (body.output_bytes(i) != room && !(slice && length_ == 0)) {
        return malformed("output of a body");
      }
    }
  }
  return true;
}

bool Control::Allocate(const KernelCall& call) {
  if (kernel_ == kBranchKernel) return true;
  std::vector<std::pair<std::vector<uint8_t*>*, int64_t>> wanted;
  for (int i = 0; i < carried_; i++) {
    wanted.emplace_back(&before_, call.inputs[i].bytes());
    wanted.emplace_back(&after_, call.inputs[i].bytes());
  }
  if (length_ > 0) {
    for (int i = 0; i < scanned_; i++) {
      wanted.emplace_back(&slices_,
                          call.inputs[carried_ + i].bytes() / length_);
    }
    for (int i = carried_; i < call.num_outputs; i++) {
      wanted.emplace_back(&results_, call.outputs[i].bytes() / length_);
    }
  }
  size_t total = kUnit;
  for (const auto& [list, bytes] : wanted) total += Aligned(bytes);
  void* data = nullptr;
  if (posix_memalign(&data, kUnit, total) != 0) return false;
  memory_ = static_cast<uint8_t*>(data);
  condition_ = memory_;
  uint8_t* next = memory_ + kUnit;
  for (const auto& [list, bytes] : wanted) {
    list->push_back(next);
    next += Aligned(bytes);
  }
  return true;
}

bool Control::Run(const KernelCall& call, const std::atomic<bool>& cancelled,
                  RunResult& result) {
  switch (kernel_) {
    case kBranchKernel:
      return RunBranch(call, cancelled, result);
    case kLoopKernel:
      return RunLoop(call, cancelled, result);
    default:
      return RunScan(call, cancelled, result);
  }
}

bool Control::RunBranch(const KernelCall& call,
                        const std::atomic<bool>& cancelled,
                        RunResult& result) {
  const int32_t last = static_cast<int32_t>(bodies_.size()) - 1;
  const int32_t index = *call.inputs[0].as<int32_t>();
  Program& body = *bodies_[static_cast<size_t>(std::clamp(index, 0, last))];
  for (int i = 1; i < call.num_inputs; i++) {
    body.SetInput(i - 1, call.inputs[i].data);
  }
  for (int i = 0; i < call.num_outputs; i++) {
    body.SetOutput(i, call.outputs[i].data);
  }
  body.Execute(cancelled, Fault{}, result);
  return result.kind == RunResult::kDone;
}

bool Control::RunLoop(const KernelCall& call,
                      const std::atomic<bool>& cancelled, RunResult& result) {
  Program& condition = *bodies_[0];
  Program& body = *bodies_[1];
  for (int i = 0; i < carried_; i++) {
    Copy(before_[i], call.inputs[i].data, call.inputs[i].bytes());
  }
  for (int i = carried_; i < call.num_inputs; i++) {
    condition.SetInput(i, call.inputs[i].data);
    body.SetInput(i, call.inputs[i].data);
  }
  condition.SetOutput(0, condition_);
  for (int64_t round = 0; limit_ < 0 || round < limit_; round++) {
    for (int i = 0; i < carried_; i++) condition.SetInput(i, before_[i]);
    condition.Execute(cancelled, Fault{}, result);
    if (result.kind != RunResult::kDone) return false;
    if (*condition_ == 0) break;
    for (int i = 0; i < carried_; i++) {
      body.SetInput(i, before_[i]);
      body.SetOutput(i, after_[i]);
    }
    body.Execute(cancelled, Fault{}, result);
    if (result.kind != RunResult::kDone) return false;
    std::swap(before_, after_);
  }
  for (int i = 0; i < carried_; i++) {
    Copy(call.outputs[i].data, before_[i], call.outputs[i].bytes());
  }
  return true;
}

bool Control::RunScan(const KernelCall& call,
                      const std::atomic<bool>& cancelled, RunResult& result) {
  Program& body = *bodies_[0];
  for (int i = 0; i < carried_; i++) {
    Copy(before_[i], call.inputs[i].data, call.inputs[i].bytes());
  }
  for (int i = carried_ + scanned_; i < call.num_inputs; i++) {
    body.SetInput(i, call.inputs[i].data);
  }
  for (int64_t round = 0; round < length_; round++) {
    const int64_t at = reverse_ ? length_ - 1 - round : round;
    for (int i = 0; i < carried_; i++) {
      body.SetInput(i, before_[i]);
      body.SetOutput(i, after_[i]);
    }
    for (int i = 0; i < scanned_; i++) {
      const TensorView& xs = call.inputs[carried_ + i];
      const int64_t bytes = xs.bytes() / length_;
      Copy(slices_[i], xs.as<uint8_t>() + at * bytes, bytes);
      body.SetInput(carried_ + i, slices_[i]);
    }
    for (int i = carried_; i < call.num_outputs; i++) {
      body.SetOutput(i, results_[i - carried_]);
    }
    body.Execute(cancelled, Fault{}, result);
    if (result.kind != RunResult::kDone) return false;
    for (int i = carried_; i < call.num_outputs; i++) {
      const TensorView& ys = call.outputs[i];
      const int64_t bytes = ys.bytes() / length_;
      Copy(ys.as<uint8_t>() + at * bytes, results_[i - carried_], bytes);
    }
    std::swap(before_, after_);
  }
  for (int i = 0; i < carried_; i++) {
    Copy(call.outputs[i].data, before_[i], call.outputs[i].bytes());
  }
  return true;
}

}  // namespace keratin
