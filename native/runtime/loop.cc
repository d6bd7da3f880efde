#include "loop.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "../cpu/parallel.h"

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
  first_temporary_ = call.num_inputs + call.num_outputs;
  WordReader words(call.words, static_cast<size_t>(call.num_words));
  const char* wrong = ReadShape(call, words);
  if (wrong == nullptr) wrong = ReadTemporaries(words);
  if (wrong == nullptr) wrong = ReadSteps(kernels, call, words);
  if (wrong == nullptr) wrong = ReadSums(kernels, call, words);
  if (wrong != nullptr) {
    std::snprintf(message, KernelCall::kMessageSize, "malformed loop: %s", wrong);
    return false;
  }
  ChooseInputs(call);
  ChooseChunks();
  nanoseconds_ =
      kStepNanoseconds * static_cast<double>(raw_.size() + sums_.size());
  const int64_t most = std::min<int64_t>(chunks_, ThreadCount());
  const int64_t count = std::clamp<int64_t>(most, 1, kMaxWorkers);
  for (int64_t w = 0; w < count; w++) MakeWorker(call);
  return true;
}

const char* Loop::ReadShape(const KernelCall& call, WordReader& words) {
  const int32_t rank = words.Count();
  if (rank > kMaxRank) return "rank";
  int64_t size = 1;
  for (int32_t i = 0; i < rank; i++) {
    dims_[i] = words.Next();
    if (dims_[i] < 1 || size > kMaxSize / dims_[i]) return "shape";
    size *= dims_[i];
  }
  row_ = words.Next();
  if (!words.ok() || row_ < 0 || (row_ > 0 && size % row_ != 0)) return "row";
  shape_ = TensorView{nullptr, DType::kBool, rank, dims_, size};
  if (call.num_outputs < 1) return "no output";
  for (int i = 0; i < call.num_inputs; i++) {
    const TensorView& view = call.inputs[i];
    if (view.ndim > rank) return "rank of an input";
    for (int axis = 1; axis <= view.ndim; axis++) {
      const int64_t length = view.shape[view.ndim - axis];
      if (length != 1 && length != dims_[rank - axis]) {
        return "shape of an input";
      }
    }
  }
  return nullptr;
}

const char* Loop::ReadTemporaries(WordReader& words) {
  registers_ = words.Count();
  const int32_t count = words.Count();
  if (registers_ > count) return "registers";
  for (int32_t i = 0; i < count && words.ok(); i++) {
    const int32_t dtype = words.Next();
    const int32_t reg = words.Next();
    if (dtype < 0 || dtype >= kDTypeCount || reg < 0 || reg >= registers_) {
      return "temporary";
    }
    temporaries_.push_back({static_cast<DType>(dtype), reg});
  }
  return words.ok() ? nullptr : "temporaries";
}

DType Loop::TypeOf(const KernelCall& call, int32_t operand) const {
  if (operand < call.num_inputs) return call.inputs[operand].dtype;
  if (operand < first_temporary_) {
    return call.outputs[operand - call.num_inputs].dtype;
  }
  return temporaries_[static_cast<size_t>(operand - first_temporary_)].dtype;
}

const char* Loop::ReadSteps(const Registry& kernels, const KernelCall& call,
                            WordReader& words) {
  const int32_t operands =
      first_temporary_ + static_cast<int32_t>(temporaries_.size());
  const int32_t count = words.Count();
  for (int32_t s = 0; s < count; s++) {
    const int32_t kernel = words.Next();
    RawStep step{};
    step.inputs = words.Count();
    step.operands = words.Take(step.inputs + 1);
    step.num_words = words.Count();
    step.words = words.Take(step.num_words);
    if (!words.ok() || kernel < -1 || kernel >= kernels.size() ||
        step.inputs < 1) {
      return "step";
    }
    for (int32_t k = 0; k <= step.inputs; k++) {
      if (step.operands[k] < (k < step.inputs ? 0 : call.num_inputs) ||
          step.operands[k] >= operands) {
        return "operand";
      }
    }
    const DType first = TypeOf(call, step.operands[0]);
    if (kernel < 0 ? step.inputs != 1 || first != TypeOf(call, step.operands[1])
                   : (kernels[kernel].dtypes & Mask(first)) == 0) {
      return "dtype of a step";
    }
    if (kernel >= 0) step.function = kernels[kernel].function;
    raw_.push_back(step);
  }
  return words.ok() ? nullptr : "steps";
}

const char* Loop::ReadSums(const Registry& kernels, const KernelCall& call,
                           WordReader& words) {
  const int32_t count = words.Count();
  if (count > call.num_outputs) return "sums";
  num_elementwise_ = call.num_outputs - count;
  for (int32_t i = 0; i < num_elementwise_; i++) {
    if (call.outputs[i].size != shape_.size) return "outputs";
  }
  const int32_t operands =
      first_temporary_ + static_cast<int32_t>(temporaries_.size());
  for (int32_t i = 0; i < count; i++) {
    const int32_t kernel = words.Next();
    Sum sum{};
    sum.operand = words.Next();
    sum.over = static_cast<SumOver>(words.Next());
    sum.output = num_elementwise_ + i;
    if (!words.ok() || kernel < 0 || kernel >= kernels.size() ||
        sum.operand < 0 || sum.operand >= operands ||
        sum.over < SumOver::kAll || sum.over > SumOver::kColumns ||
        // Blocks of whole rows are others than those of everything.
        (sum.over == SumOver::kAll) != (row_ == 0)) {
      return "sum";
    }
    sum.function = kernels[kernel].function;
    sum.dtype = TypeOf(call, sum.operand);
    sum.width = sum.over == SumOver::kColumns ? row_ : 1;
    const TensorView& output = call.outputs[sum.output];
    const int64_t size =
        sum.over == SumOver::kRows ? shape_.size / row_ : sum.width;
    if ((kernels[kernel].dtypes & Mask(sum.dtype)) == 0 ||
        output.dtype != sum.dtype || output.size != size) {
      return "output of a sum";
    }
    // A row of an input that repeats is no row of the loop.
    if (sum.operand < call.num_inputs &&
        call.inputs[sum.operand].size != shape_.size) {
      return "input of a sum";
    }
    sums_.push_back(sum);
  }
  return words.ok() ? nullptr : "sums";
}

bool Loop::IsStaged(const Input& input) const {
  return input.kind != Input::kWhole &&
         !(input.kind == Input::kRow && row_ > kBlock);
}

void Loop::ChooseInputs(const KernelCall& call) {
  int64_t longest = 0;
  for (int i = 0; i < call.num_inputs; i++) {
    const TensorView& view = call.inputs[i];
    Input input{Input::kWhole, ItemSize(view.dtype), 0, {}};
    if (view.size != shape_.size) {
      MakeWalk(&view, 1, shape_, &input.walk);
      const Walk& walk = input.walk;
      const bool is_row = walk.rank == 2 && walk.strides[0][0] == 1 &&
                          walk.strides[0][1] == 0;
      input.kind = view.size == 1 ? Input::kScalar
                   : is_row       ? Input::kRow
                                  : Input::kSpread;
      if (is_row) input.period = walk.dims[0];
      longest = std::max(longest, input.period);
    }
    inputs_.push_back(input);
  }
  if (sums_.empty()) row_ = longest;
  for (Input& input : inputs_) {
    if (input.kind != Input::kRow) continue;
    // Blocks of whole rows also hold shorter ones a whole number of times.
    const bool fits = input.period == row_ ||
                      (row_ > 0 && row_ <= kBlock && row_ % input.period == 0);
    if (!fits) input.kind = Input::kSpread;
  }
  for (const Input& input : inputs_) staged_ += IsStaged(input);
}

void Loop::ChooseChunks() {
  layout_ = SumLayout{SumOver::kAll, shape_.size, row_};
  if (sums_.empty()) {
    // Long rows may be cut, and any number of parts made.
    if (row_ > kBlock) layout_.row = 0;
    chunks_ = layout_.units();
    return;
  }
  for (const Sum& sum : sums_) layout_.over = std::max(layout_.over, sum.over);
  chunks_ = layout_.chunks();
  size_t bytes = 0;
  for (Sum& sum : sums_) {
    if (sum.over == SumOver::kRows) continue;
    sum.partial = bytes;
    const int64_t numbers = chunks_ * sum.width;
    bytes += static_cast<size_t>((numbers * ItemSize(sum.dtype) + 7) / 8 * 8);
  }
  partials_.resize(bytes / 8);
}

void Loop::MakeWorker(const KernelCall& call) {
  workers_.push_back(std::make_unique<Worker>());
  Worker& worker = *workers_.back();
  size_t views = 3 * sums_.size();
  for (const RawStep& raw : raw_) views += static_cast<size_t>(raw.inputs) + 1;
  worker.views.reserve(views);
  worker.ports.resize(static_cast<size_t>(first_temporary_));
  worker.staged.resize(inputs_.size(), nullptr);
  const auto add_view = [&](int32_t operand, int32_t ndim, const int64_t* shape) {
    worker.views.push_back(
        TensorView{nullptr, TypeOf(call, operand), ndim, shape, 0});
    TensorView& view = worker.views.back();
    if (operand < first_temporary_) {
      worker.ports[static_cast<size_t>(operand)].push_back(&view);
    } else {
      // For SetBlocks: the number of the register.
      view.size =
          -1 - temporaries_[static_cast<size_t>(operand - first_temporary_)].reg;
    }
  };
  const auto add_step = [&](std::vector<Step>& steps, KernelFunction function,
                            int inputs) -> KernelCall& {
    Step step{};
    step.function = function;
    step.call.inputs = worker.views.data() + worker.views.size();
    step.call.num_inputs = inputs;
    step.call.outputs = step.call.inputs + inputs;
    step.call.num_outputs = 1;
    step.call.message = worker.message;
    steps.push_back(step);
    return steps.back().call;
  };
  for (const RawStep& raw : raw_) {
    KernelCall& step = add_step(worker.steps, raw.function, raw.inputs);
    step.words = raw.words;
    step.num_words = raw.num_words;
    for (int32_t k = 0; k <= raw.inputs; k++) {
      add_view(raw.operands[k], 1, &worker.length);
    }
  }
  for (const Sum& sum : sums_) {
    add_step(worker.sums, sum.function, 2);
    add_view(sum.operand, 2,
             sum.over == SumOver::kAll ? worker.line : worker.grid);
    worker.totals.emplace_back();
    for (TensorView*& view : worker.totals.back()) {
      worker.views.push_back(TensorView{nullptr, sum.dtype, 1, nullptr, 0});
      view = &worker.views.back();
    }
  }
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
      if (!IsStaged(inputs_[i])) continue;
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
  worker.line[0] = 1;
  worker.line[1] = n;
  worker.grid[0] = row_ > 0 && n > row_ ? n / row_ : 1;
  worker.grid[1] = n / worker.grid[0];
}

// Points the kernels at the block.
void Loop::Place(Worker& worker, const KernelCall& call, int64_t at,
                 int64_t n) const {
  if (n != worker.length) SetLength(worker, n);
  for (size_t i = 0; i < inputs_.size(); i++) {
    const Input& input = inputs_[i];
    uint8_t* data = call.inputs[i].as<uint8_t>();
    if (input.kind == Input::kSpread) {
      input.Load(data, at, n, worker.staged[i]);
    } else if (!IsStaged(input)) {
      const int64_t place = input.kind == Input::kWhole ? at : at % row_;
      for (TensorView* view : worker.ports[i]) {
        view->data = data + place * input.size;
      }
    }
  }
  for (int32_t i = 0; i < num_elementwise_; i++) {
    const TensorView& output = call.outputs[i];
    uint8_t* data = output.as<uint8_t>() + at * ItemSize(output.dtype);
    for (TensorView* view : worker.ports[inputs_.size() + static_cast<size_t>(i)]) {
      view->data = data;
    }
  }
}

void Loop::RunPart(Worker& worker, const KernelCall& call, int64_t part,
                   int64_t parts) {
  const int64_t begin = layout_.ChunkAt(part, parts);
  const int64_t end = layout_.ChunkAt(part + 1, parts);
  if (begin >= end) return;
  for (size_t i = 0; i < inputs_.size(); i++) {
    const Input& input = inputs_[i];
    if (input.kind == Input::kSpread || !IsStaged(input)) continue;
    const int64_t first = BlockLength(row_, begin, end);
    uint8_t* to = worker.staged[i];
    if (input.kind == Input::kScalar) {
      FillBlock(input.size, to, call.inputs[i].data, std::min(kBlock, end - begin));
    } else {
      const auto bytes = static_cast<size_t>(input.period * input.size);
      const auto all = static_cast<size_t>(first * input.size);
      for (size_t at = 0; at < all; at += bytes) {
        std::memcpy(to + at, call.inputs[i].data, bytes);
      }
    }
  }
  ClearSums(call, begin, end, part);
  for (int64_t at = begin; at < end; at += worker.length) {
    Place(worker, call, at, BlockLength(row_, at, end));
    // Outputs may overwrite inputs.
    AddBlock(worker, call, at, part, true);
    for (const Step& step : worker.steps) {
      if (step.function != nullptr) {
        step.function(step.call);
      } else {
        std::memcpy(step.call.outputs[0].data, step.call.inputs[0].data,
                    static_cast<size_t>(step.call.outputs[0].bytes()));
      }
    }
    AddBlock(worker, call, at, part, false);
  }
}

uint8_t* Loop::PartialOf(const Sum& sum, int64_t chunk) {
  return reinterpret_cast<uint8_t*>(partials_.data()) + sum.partial +
         chunk * sum.width * ItemSize(sum.dtype);
}

void Loop::ClearSums(const KernelCall& call, int64_t begin, int64_t end,
                     int64_t chunk) {
  for (const Sum& sum : sums_) {
    const int64_t size = ItemSize(sum.dtype);
    if (sum.over == SumOver::kRows) {
      std::memset(call.outputs[sum.output].as<uint8_t>() + begin / row_ * size, 0,
                  static_cast<size_t>((end - begin) / row_ * size));
    } else {
      std::memset(PartialOf(sum, chunk), 0, static_cast<size_t>(sum.width * size));
    }
  }
}

void Loop::AddBlock(Worker& worker, const KernelCall& call, int64_t at,
                    int64_t chunk, bool of_inputs) {
  for (size_t i = 0; i < sums_.size(); i++) {
    const Sum& sum = sums_[i];
    if ((sum.operand < call.num_inputs) != of_inputs) continue;
    uint8_t* total = sum.over == SumOver::kRows
                         ? call.outputs[sum.output].as<uint8_t>()
                         : PartialOf(sum, chunk);
    if (sum.over == SumOver::kRows) total += at / row_ * ItemSize(sum.dtype);
    if (sum.over == SumOver::kColumns) total += at % row_ * ItemSize(sum.dtype);
    for (TensorView* view : worker.totals[i]) view->data = total;
    sum.function(worker.sums[i].call);
  }
}

void Loop::AddChunks(const KernelCall& call) {
  for (const Sum& sum : sums_) {
    if (sum.over == SumOver::kRows) continue;
    const TensorView& output = call.outputs[sum.output];
    std::memset(output.data, 0, static_cast<size_t>(output.bytes()));
    const bool as_rows = sum.over == SumOver::kColumns;
    const int64_t shape[2] = {as_rows ? chunks_ : 1, as_rows ? sum.width : chunks_};
    const TensorView inputs[2] = {
        {PartialOf(sum, 0), sum.dtype, 2, shape, chunks_ * sum.width}, output};
    KernelCall add{};
    add.inputs = inputs;
    add.num_inputs = 2;
    add.outputs = &output;
    add.num_outputs = 1;
    add.message = call.message;
    sum.function(add);
  }
}

void Loop::Run(const KernelCall& call) {
  struct Job {
    Loop* loop;
    const KernelCall* call;
  } job{this, &call};
  const int wanted =
      std::min(static_cast<int>(workers_.size()),
               WorkersFor(static_cast<double>(shape_.size) * nanoseconds_));
  RunParallel(
      wanted,
      [](void* context, int w, int workers) {
        const Job j = *static_cast<const Job*>(context);
        Loop& loop = *j.loop;
        // Kernels must not split their blocks.
        const Alone alone;
        Worker& worker = *loop.workers_[static_cast<size_t>(w)];
        if (loop.sums_.empty()) {
          loop.RunPart(worker, *j.call, w, workers);
          return;
        }
        for (int64_t chunk = loop.chunks_ * w / workers;
             chunk < loop.chunks_ * (w + 1) / workers; chunk++) {
          loop.RunPart(worker, *j.call, chunk, loop.chunks_);
        }
      },
      &job);
  AddChunks(call);
}

}  // namespace keratin
