#include "loop.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "../cpu/parallel.h"
#include "word_reader.h"

namespace keratin {
namespace {

constexpr int64_t kBlockBytes = kBlock * 8;
constexpr int kMaxWorkers = 64;
// A guess at what a step takes for an element.
constexpr double kStepNanoseconds = 0.2;

}  // namespace

Loop::~Loop() = default;

std::unique_ptr<Loop> Loop::Create(const Registry& kernels,
                                   const KernelCall& call, char* message) {
  std::unique_ptr<Loop> loop(new Loop);
  if (!loop->Decode(kernels, call, message)) return nullptr;
  return loop;
}

bool Loop::Decode(const Registry& kernels, const KernelCall& call,
                  char* message) {
  const auto malformed = [&](const char* what) {
    std::snprintf(message, KernelCall::kMessageSize, "malformed loop: %s", what);
    return false;
  };
  if (call.num_outputs < 1) return malformed("no output");
  const TensorView& shape = call.outputs[0];
  for (int i = 0; i < call.num_outputs; i++) {
    if (call.outputs[i].size != shape.size) return malformed("outputs");
    output_sizes_.push_back(ItemSize(call.outputs[i].dtype));
  }
  for (int i = 0; i < call.num_inputs; i++) {
    const TensorView& view = call.inputs[i];
    if (view.ndim > shape.ndim) return malformed("rank of an input");
    for (int axis = 1; axis <= view.ndim; axis++) {
      const int64_t length = view.shape[view.ndim - axis];
      if (length != 1 && length != shape.shape[shape.ndim - axis]) {
        return malformed("shape of an input");
      }
    }
    Input input{Input::kWhole, ItemSize(view.dtype), {}};
    if (view.size != shape.size) {
      input.kind = view.size == 1 ? Input::kScalar : Input::kSpread;
      staged_++;
    }
    MakeWalk(&view, 1, shape, &input.walk);
    inputs_.push_back(input);
  }

  WordReader words(call.words, static_cast<size_t>(call.num_words));
  registers_ = words.Count();
  const int32_t temporaries = words.Count();
  if (registers_ > temporaries) return malformed("registers");
  for (int32_t i = 0; i < temporaries && words.ok(); i++) {
    const int32_t dtype = words.Next();
    const int32_t reg = words.Next();
    if (dtype < 0 || dtype >= kDTypeCount || reg < 0 || reg >= registers_) {
      return malformed("temporary");
    }
    temporaries_.push_back({static_cast<DType>(dtype), reg});
  }
  const int32_t steps = words.Count();
  if (!words.ok()) return malformed("header");
  const int32_t first_temporary = call.num_inputs + call.num_outputs;
  const int32_t operands = first_temporary + temporaries;
  const auto type_of = [&](int32_t operand) {
    if (operand < call.num_inputs) return call.inputs[operand].dtype;
    if (operand < first_temporary) {
      return call.outputs[operand - call.num_inputs].dtype;
    }
    return temporaries_[static_cast<size_t>(operand - first_temporary)].dtype;
  };

  struct Raw {
    int32_t kernel, inputs;
    const int32_t* operands;  // the inputs, then the result
    const int32_t* words;
    int32_t num_words;
  };
  std::vector<Raw> raw;
  size_t views = 0;
  for (int32_t s = 0; s < steps; s++) {
    Raw r{};
    r.kernel = words.Next();
    r.inputs = words.Count();
    r.operands = words.Take(r.inputs + 1);
    r.num_words = words.Count();
    r.words = words.Take(r.num_words);
    if (!words.ok() || r.kernel < -1 || r.kernel >= kernels.size() ||
        r.inputs < 1) {
      return malformed("step");
    }
    for (int32_t k = 0; k <= r.inputs; k++) {
      if (r.operands[k] < (k < r.inputs ? 0 : call.num_inputs) ||
          r.operands[k] >= operands) {
        return malformed("operand");
      }
    }
    const DType first = type_of(r.operands[0]);
    if (r.kernel < 0 ? r.inputs != 1 || first != type_of(r.operands[1])
                     : (kernels[r.kernel].dtypes & Mask(first)) == 0) {
      return malformed("dtype of a step");
    }
    views += static_cast<size_t>(r.inputs) + 1;
    raw.push_back(r);
  }
  nanoseconds_ = kStepNanoseconds * static_cast<double>(steps);

  const int64_t blocks = (shape.size + kBlock - 1) / kBlock;
  const int count = static_cast<int>(std::clamp<int64_t>(
      std::min<int64_t>(blocks, ThreadCount()), 1, kMaxWorkers));
  for (int w = 0; w < count; w++) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.views.reserve(views);
    worker.ports.resize(static_cast<size_t>(first_temporary));
    worker.staged.resize(inputs_.size(), nullptr);
    for (const Raw& r : raw) {
      Step step{};
      step.function = r.kernel < 0 ? nullptr : kernels[r.kernel].function;
      step.call.inputs = worker.views.data() + worker.views.size();
      step.call.num_inputs = r.inputs;
      step.call.outputs = step.call.inputs + r.inputs;
      step.call.num_outputs = 1;
      step.call.words = r.words;
      step.call.num_words = r.num_words;
      step.call.message = worker.message;
      for (int32_t k = 0; k <= r.inputs; k++) {
        const int32_t operand = r.operands[k];
        worker.views.push_back(
            TensorView{nullptr, type_of(operand), 1, &worker.length, 0});
        if (operand < first_temporary) {
          worker.ports[static_cast<size_t>(operand)].push_back(
              &worker.views.back());
        } else {
          // For SetBlocks: the number of the register.
          worker.views.back().size =
              -1 - temporaries_[static_cast<size_t>(operand - first_temporary)].reg;
        }
      }
      worker.steps.push_back(step);
    }
  }
  return true;
}

size_t Loop::block_bytes() const {
  return workers_.size() * static_cast<size_t>(registers_ + staged_) *
         kBlockBytes;
}

void Loop::SetBlocks(uint8_t* blocks) {
  for (const auto& worker : workers_) {
    for (TensorView& view : worker->views) {
      if (view.size < 0) view.data = blocks + (-1 - view.size) * kBlockBytes;
    }
    blocks += registers_ * kBlockBytes;
    for (size_t i = 0; i < inputs_.size(); i++) {
      if (inputs_[i].kind == Input::kWhole) continue;
      worker->staged[i] = blocks;
      for (TensorView* view : worker->ports[i]) view->data = blocks;
      blocks += kBlockBytes;
    }
  }
}

void Loop::Input::Load(const uint8_t* data, int64_t begin, int64_t n,
                       uint8_t* to) const {
  WalkRows(walk, 1, begin, begin + n,
           [&](int64_t at, const int64_t* offsets, int64_t length) {
             uint8_t* row = to + (at - begin) * size;
             const uint8_t* from = data + offsets[0] * size;
             if (walk.strides[0][0] == 0) {
               FillBlock(size, row, from, length);
             } else {
               std::memcpy(row, from, static_cast<size_t>(length * size));
             }
           });
}

void Loop::SetLength(Worker& worker, int64_t n) const {
  worker.length = n;
  for (TensorView& view : worker.views) view.size = n;
}

void Loop::RunRange(Worker& worker, const KernelCall& call, int64_t begin,
                    int64_t end) const {
  const size_t num_inputs = inputs_.size();
  for (size_t i = 0; i < num_inputs; i++) {
    if (inputs_[i].kind != Input::kScalar) continue;
    FillBlock(inputs_[i].size, worker.staged[i], call.inputs[i].data,
              std::min(kBlock, end - begin));
  }
  for (int64_t at = begin; at < end; at += kBlock) {
    const int64_t n = std::min(kBlock, end - at);
    if (n != worker.length) SetLength(worker, n);
    for (size_t i = 0; i < num_inputs; i++) {
      const Input& input = inputs_[i];
      uint8_t* data = call.inputs[i].as<uint8_t>();
      if (input.kind == Input::kWhole) {
        for (TensorView* view : worker.ports[i]) {
          view->data = data + at * input.size;
        }
      } else if (input.kind == Input::kSpread) {
        input.Load(data, at, n, worker.staged[i]);
      }
    }
    for (size_t i = 0; i < output_sizes_.size(); i++) {
      uint8_t* data = call.outputs[i].as<uint8_t>() + at * output_sizes_[i];
      for (TensorView* view : worker.ports[num_inputs + i]) view->data = data;
    }
    for (const Step& step : worker.steps) {
      if (step.function != nullptr) {
        step.function(step.call);
      } else {
        std::memcpy(step.call.outputs[0].data, step.call.inputs[0].data,
                    static_cast<size_t>(step.call.outputs[0].bytes()));
      }
    }
  }
}

void Loop::Run(const KernelCall& call) {
  const int64_t size = call.outputs[0].size;
  if (size == 0) return;
  struct Job {
    Loop* loop;
    const KernelCall* call;
    int64_t size;
  } job{this, &call, size};
  const int wanted = std::min(static_cast<int>(workers_.size()),
                              WorkersFor(static_cast<double>(size) * nanoseconds_));
  RunParallel(
      wanted,
      [](void* context, int w, int workers) {
        const Job j = *static_cast<const Job*>(context);
        // Kernels must not split their blocks.
        const Alone alone;
        const int64_t blocks = (j.size + kBlock - 1) / kBlock;
        const int64_t begin = blocks * w / workers * kBlock;
        const int64_t end =
            std::min(j.size, blocks * (w + 1) / workers * kBlock);
        if (begin < end) {
          j.loop->RunRange(*j.loop->workers_[static_cast<size_t>(w)], *j.call,
                           begin, end);
        }
      },
      &job);
}

}  // namespace keratin
