// Plans for tests, in the words of runtime/program.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "../runtime/program.h"
#include "../runtime/registry.h"

namespace keratin::test {

enum Place { kArena, kInput, kHeld, kOutput, kConstant };

// Float32 vectors and instructions without attributes.
class PlanBuilder {
 public:
  int Value(Place place, int index, int length) {
    Append(values_, {place, index, static_cast<int32_t>(DType::kFloat32), 1,
                     length});
    return num_values_++;
  }
  // kernel: a name, or nullptr for a copy.
  void Instruction(const char* kernel, std::initializer_list<int32_t> inputs,
                   int output) {
    const int32_t id =
        kernel == nullptr ? kCopyKernel : CpuKernels().Find(kernel);
    Append(instructions_, {id, static_cast<int32_t>(inputs.size()), 1});
    Append(instructions_, inputs);
    Append(instructions_, {output, 0});
    num_instructions_++;
  }
  // A fused loop of these words (runtime/loop.h).
  void Loop(std::initializer_list<int32_t> inputs,
            std::initializer_list<int32_t> outputs,
            const std::vector<int32_t>& words) {
    Append(instructions_, {kLoopedKernel, static_cast<int32_t>(inputs.size()),
                           static_cast<int32_t>(outputs.size())});
    Append(instructions_, inputs);
    Append(instructions_, outputs);
    Append(instructions_, {static_cast<int32_t>(words.size())});
    instructions_.insert(instructions_.end(), words.begin(), words.end());
    num_instructions_++;
  }
  std::vector<int32_t> Words(int arena_units, int commit_start, int inputs,
                             int outputs, int held) const {
    std::vector<int32_t> words = {kPlanVersion,      arena_units,
                                  num_values_,       num_instructions_,
                                  commit_start,      inputs,
                                  outputs,           held};
    words.insert(words.end(), values_.begin(), values_.end());
    words.insert(words.end(), instructions_.begin(), instructions_.end());
    return words;
  }

 private:
  static void Append(std::vector<int32_t>& list,
                     std::initializer_list<int32_t> words) {
    list.insert(list.end(), words);
  }
  std::vector<int32_t> values_, instructions_;
  int num_values_ = 0, num_instructions_ = 0;
};

// result = input + variable; then the variable becomes the result.
inline std::vector<int32_t> AccumulatePlan(int length) {
  PlanBuilder plan;
  const int input = plan.Value(kInput, 0, length);
  const int variable = plan.Value(kHeld, 0, length);
  const int sum = plan.Value(kArena, 0, length);
  const int result = plan.Value(kOutput, 0, length);
  plan.Instruction("add", {input, variable}, sum);
  plan.Instruction(nullptr, {sum}, result);
  plan.Instruction(nullptr, {sum}, variable);
  return plan.Words((length + 15) / 16, 2, 1, 1, 1);
}

}  // namespace keratin::test
