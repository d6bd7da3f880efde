// A fused loop: elementwise kernels that run one after the other on blocks
// which stay in the first-level cache, so that what they hand to each other
// never reaches memory.
//
// The steps have one shape, to which every input broadcasts. Sums of what they
// read or compute are made as the blocks go by: of all elements, of each row or
// of each column, rows being `row` elements long. The attribute words of the
// instruction (src/backends/native/encode-loop.ts writes them):
//   axes, their lengths …, row (0: no sums over rows or columns)
//   registers, temporaries, for each temporary: dtype, register
//   steps, for each: kernel (-1: copy), inputs, operands …, result,
//                    attribute words, attributes …
//   sums, for each: kernel, operand, what is summed (SumOver)
// An operand is an input of the instruction, then its outputs, then the
// temporaries, by position. The last outputs are the sums.
//
// sum_layout.h says in which order they are made.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "../cpu/sum_layout.h"
#include "../cpu/walk.h"
#include "../kernel.h"
#include "word_reader.h"

namespace keratin {

class Loop {
 public:
  // nullptr, with `message` filled in, when the instruction is malformed. Takes
  // no reference on the data of `call`, whose words must outlive the loop.
  static std::unique_ptr<Loop> Create(const Registry& kernels,
                                      const KernelCall& call, char* message);
  ~Loop();

  // The blocks that it works on: instructions that run one after the other may
  // share them.
  size_t block_bytes() const;
  void SetBlocks(uint8_t* blocks);

  // Cannot fail and allocates nothing.
  void Run(const KernelCall& call);

 private:
  // How kernels read an input.
  struct Input {
    enum Kind {
      kWhole,   // where it lies
      kScalar,  // from a block that holds it many times
      kRow,     // it is a row: from a block of whole rows, a long one in place
      kSpread,  // from a block that it is spread into
    } kind;
    int size;  // of an element
    int64_t period;  // of kRow: its elements
    Walk walk;       // of kSpread

    void Load(const uint8_t* data, int64_t begin, int64_t n, uint8_t* to) const;
  };
  struct Temporary {
    DType dtype;
    int32_t reg;
  };
  // A step or a sum as it is written.
  struct RawStep {
    KernelFunction function;  // nullptr: copy
    int32_t inputs;
    const int32_t* operands;  // the inputs, then the result
    const int32_t* words;
    int32_t num_words;
  };
  struct Sum {
    SumOver over;
    KernelFunction function;
    int32_t operand;
    DType dtype;
    int output;
    int64_t width;   // numbers that a chunk adds to
    size_t partial;  // where those of the first chunk lie among the partial sums
  };
  struct Step {
    KernelFunction function;  // nullptr: copy
    KernelCall call;
  };
  // What one worker changes as it goes.
  struct Worker {
    int64_t length = 0;  // of the block
    int64_t grid[2];     // the block as rows
    int64_t line[2];     // the block as one row
    std::vector<TensorView> views;
    std::vector<Step> steps;
    std::vector<Step> sums;
    std::vector<std::array<TensorView*, 2>> totals;  // of each sum, before and after
    // The views of each input and output of the instruction.
    std::vector<std::vector<TensorView*>> ports;
    std::vector<uint8_t*> staged;  // of each input, null if it is read in place
    char message[KernelCall::kMessageSize];
  };

  Loop() = default;
  bool Decode(const Registry& kernels, const KernelCall& call, char* message);
  const char* ReadShape(const KernelCall& call, WordReader& words);
  const char* ReadTemporaries(WordReader& words);
  const char* ReadSteps(const Registry& kernels, const KernelCall& call,
                        WordReader& words);
  const char* ReadSums(const Registry& kernels, const KernelCall& call,
                       WordReader& words);
  void ChooseInputs(const KernelCall& call);
  void ChooseChunks();
  void MakeWorker(const KernelCall& call);
  DType TypeOf(const KernelCall& call, int32_t operand) const;
  bool IsStaged(const Input& input) const;

  // The part-th of the parts that the elements are cut into.
  void RunPart(Worker& worker, const KernelCall& call, int64_t part,
               int64_t parts);
  void SetLength(Worker& worker, int64_t n) const;
  void Place(Worker& worker, const KernelCall& call, int64_t at, int64_t n) const;
  void AddBlock(Worker& worker, const KernelCall& call, int64_t at,
                int64_t chunk, bool of_inputs);
  void ClearSums(const KernelCall& call, int64_t begin, int64_t end,
                 int64_t chunk);
  void AddChunks(const KernelCall& call);
  uint8_t* PartialOf(const Sum& sum, int64_t chunk);

  int64_t dims_[kMaxRank];
  TensorView shape_{};
  int64_t row_ = 0;  // elements of a row; 0: blocks need not begin with one
  int32_t first_temporary_ = 0;
  int32_t num_elementwise_ = 0;  // outputs
  std::vector<Input> inputs_;
  std::vector<Temporary> temporaries_;
  std::vector<RawStep> raw_;
  std::vector<Sum> sums_;
  int registers_ = 0;
  int staged_ = 0;
  double nanoseconds_ = 0;  // of an element
  // How the elements are cut for threads.
  SumLayout layout_{};
  int64_t chunks_ = 0;
  std::vector<uint64_t> partials_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace keratin
