// A fused loop: elementwise kernels that run one after the other on blocks
// which stay in the first-level cache, so that what they hand to each other
// never reaches memory.
//
// All outputs have one shape, to which every input broadcasts. The attribute
// words of the instruction (src/backends/native/encode-loop.ts writes them):
//   registers, temporaries, for each temporary: dtype, register
//   steps, for each: kernel (-1: copy), inputs, operands …, result,
//                    attribute words, attributes …
// An operand is an input of the instruction, then its outputs, then the
// temporaries, by position.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../cpu/walk.h"
#include "../kernel.h"

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
  // What an input must go through before kernels can read it.
  struct Input {
    enum Kind { kWhole, kScalar, kSpread } kind;
    int size;  // of an element
    Walk walk;  // of kSpread

    void Load(const uint8_t* data, int64_t begin, int64_t n, uint8_t* to) const;
  };
  struct Step {
    KernelFunction function;  // nullptr: copy
    KernelCall call;
  };
  // What one worker changes as it goes.
  struct Worker {
    int64_t length = 0;  // of the block
    std::vector<TensorView> views;
    std::vector<Step> steps;
    // The views of each input and output of the instruction.
    std::vector<std::vector<TensorView*>> ports;
    std::vector<uint8_t*> staged;  // of each input, null if it is whole
    char message[KernelCall::kMessageSize];
  };
  struct Temporary {
    DType dtype;
    int32_t reg;
  };

  Loop() = default;
  bool Decode(const Registry& kernels, const KernelCall& call, char* message);
  void RunRange(Worker& worker, const KernelCall& call, int64_t begin,
                int64_t end) const;
  void SetLength(Worker& worker, int64_t n) const;

  std::vector<Input> inputs_;
  std::vector<int> output_sizes_;
  std::vector<Temporary> temporaries_;
  int registers_ = 0;
  int staged_ = 0;
  double nanoseconds_ = 0;  // of an element
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace keratin
