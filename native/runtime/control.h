// Control flow inside of a plan: an instruction that runs other programs, its
// bodies. A body has inputs and outputs and holds nothing: what it needs of
// the plan around it comes as an input.
//
//   branch  attributes: none
//           inputs: index (int32), x …        outputs: y …
//           body k, k = index clamped: x … → y …
//   loop    attributes: carried c, limit (int64; negative: none)
//           inputs: carry …(c), x …           outputs: carry …
//           body 0: carry …, x … → bool       body 1: carry …, x … → carry …
//           body 1 runs while body 0 says so, at most `limit` times
//   scan    attributes: carried c, scanned s, length n, reverse
//           inputs: carry …(c), xs …(s, first axis n), x …
//           outputs: carry …(c), ys … (first axis n)
//           body: carry …, slices …, x … → carry …, y …
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "../kernel.h"
#include "program.h"

namespace keratin {

class Control {
 public:
  // nullptr, with `message` filled in, when bodies and operands do not fit
  // together or memory has run out.
  static std::unique_ptr<Control> Create(
      int32_t kernel, std::vector<std::unique_ptr<Program>> bodies,
      const KernelCall& call, char* message);
  ~Control();

  // False: `result` says how it ended.
  bool Run(const KernelCall& call, const std::atomic<bool>& cancelled,
           RunResult& result);

 private:
  Control() = default;
  bool Check(const KernelCall& call, char* message);
  bool RunBranch(const KernelCall& call, const std::atomic<bool>& cancelled,
                 RunResult& result);
  bool RunLoop(const KernelCall& call, const std::atomic<bool>& cancelled,
               RunResult& result);
  bool RunScan(const KernelCall& call, const std::atomic<bool>& cancelled,
               RunResult& result);
  // Buffers for the carry (two, for before and after) and for slices.
  bool Allocate(const KernelCall& call);
  void CopyCarry(const TensorView* from, uint8_t* const* to) const;

  int32_t kernel_ = 0;
  std::vector<std::unique_ptr<Program>> bodies_;
  int carried_ = 0;
  int scanned_ = 0;
  int64_t limit_ = -1;
  int64_t length_ = 0;
  bool reverse_ = false;
  uint8_t* memory_ = nullptr;
  std::vector<uint8_t*> before_, after_, slices_, results_;
  uint8_t* condition_ = nullptr;
};

}  // namespace keratin
