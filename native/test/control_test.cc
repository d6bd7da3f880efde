#include "../runtime/control.h"

#include <cstring>
#include <vector>

#include "../runtime/program.h"
#include "../runtime/registry.h"
#include "plans.h"
#include "test.h"

namespace keratin {
namespace {

using test::kArena;
using test::kInput;
using test::kOutput;
using test::PlanBuilder;
using Words = std::vector<int32_t>;

void Append(Words& to, const Words& words) {
  for (int32_t word : words) to.push_back(word);
}

// y = x kernel x, or x kernel z, of vectors of 4.
Words Body(const char* kernel, int first, int second, int inputs) {
  PlanBuilder plan;
  std::vector<int> values;
  for (int i = 0; i < inputs; i++) values.push_back(plan.Value(kInput, i, 4));
  const int result = plan.Value(kOutput, 0, 4);
  plan.Instruction(kernel, {values[first], values[second]}, result);
  return plan.Words(0, 1, inputs, 1, 0);
}

struct ControlPlan {
  int32_t kernel;
  std::vector<Words> values;  // place, index, dtype, dims
  Words inputs, outputs, attributes;
  std::vector<Words> bodies;
  int num_inputs, num_outputs;

  Words Encode() const {
    Words words = {kPlanVersion, 0, static_cast<int32_t>(values.size()), 1, 1,
                   num_inputs, num_outputs, 0};
    for (const Words& value : values) {
      Append(words, {value[0], value[1], value[2],
                     static_cast<int32_t>(value.size()) - 3});
      for (size_t d = 3; d < value.size(); d++) words.push_back(value[d]);
    }
    Append(words, {kernel, static_cast<int32_t>(inputs.size()),
                   static_cast<int32_t>(outputs.size())});
    Append(words, inputs);
    Append(words, outputs);
    words.push_back(static_cast<int32_t>(attributes.size()));
    Append(words, attributes);
    words.push_back(static_cast<int32_t>(bodies.size()));
    for (const Words& body : bodies) {
      Append(words, {static_cast<int32_t>(body.size()), 0});
      Append(words, body);
    }
    return words;
  }
};

constexpr int32_t kFloat = static_cast<int32_t>(DType::kFloat32);
constexpr int32_t kInt = static_cast<int32_t>(DType::kInt32);

Program* Create(const Words& words, char* message) {
  return Program::Create(CpuKernels(), words.data(), words.size(), nullptr, 0,
                         {}, message);
}

ControlPlan BranchPlan() {
  return {kBranchKernel,
          {{kInput, 0, kInt}, {kInput, 1, kFloat, 4}, {kOutput, 0, kFloat, 4}},
          {0, 1},
          {2},
          {},
          {Body("add", 0, 0, 1), Body("multiply", 0, 0, 1)},
          2,
          1};
}

// carry ← carry + slice, results: none; 3 rounds.
ControlPlan ScanPlan(int32_t reverse) {
  return {kScanKernel,
          {{kInput, 0, kFloat, 4}, {kInput, 1, kFloat, 3, 4},
           {kOutput, 0, kFloat, 4}},
          {0, 1},
          {2},
          {1, 1, 3, reverse},
          {Body("subtract", 1, 0, 2)},
          2,
          1};
}

TEST(control_branch) {
  char message[KernelCall::kMessageSize] = {};
  Program* program = Create(BranchPlan().Encode(), message);
  CHECK(program != nullptr);
  std::vector<float> x = {1, 2, 3, 4}, y(4);
  for (int32_t index : {-7, 0, 1, 9}) {
    RunResult result;
    program->Run(Binding{{&index, x.data()}, {y.data()}}, false, Fault{},
                 result);
    CHECK(result.kind == RunResult::kDone);
    CHECK(y[2] == (index < 1 ? 6.f : 9.f));
  }
  delete program;
}

TEST(control_scan) {
  for (int32_t reverse : {0, 1}) {
    char message[KernelCall::kMessageSize] = {};
    Program* program = Create(ScanPlan(reverse).Encode(), message);
    CHECK(program != nullptr);
    std::vector<float> carry = {0, 1, 2, 3}, y(4);
    std::vector<float> xs(12);
    for (int k = 0; k < 12; k++) xs[k] = static_cast<float>(10 * k);
    for (int run = 0; run < 2; run++) {
      RunResult result;
      program->Run(Binding{{carry.data(), xs.data()}, {y.data()}}, false,
                   Fault{}, result);
      CHECK(result.kind == RunResult::kDone);
      // carry ← x - carry, three times: x3 - x2 + x1 - carry.
      for (int k = 0; k < 4; k++) {
        const float x1 = xs[reverse ? 8 + k : k];
        const float x3 = xs[reverse ? k : 8 + k];
        CHECK(y[k] == x3 - xs[4 + k] + x1 - carry[k]);
      }
    }
    RunResult result;
    program->Run(Binding{{carry.data(), xs.data()}, {y.data()}}, true, Fault{},
                 result);
    CHECK(result.kind == RunResult::kCancelled);
    delete program;
  }
}

TEST(control_loop) {
  // x ← x + x while x < z.
  Words condition = {kPlanVersion, 1, 4, 2, 2, 2, 1, 0};
  Append(condition, {kInput, 0, kFloat, 1, 1});
  Append(condition, {kInput, 1, kFloat, 1, 1});
  Append(condition, {kArena, 0, 0, 1, 1});
  Append(condition, {kOutput, 0, 0, 1, 1});
  Append(condition, {CpuKernels().Find("less"), 2, 1, 0, 1, 2, 0});
  Append(condition, {kCopyKernel, 1, 1, 2, 3, 0});
  Words step = {kPlanVersion, 0, 3, 1, 1, 2, 1, 0};
  Append(step, {kInput, 0, kFloat, 1, 1});
  Append(step, {kInput, 1, kFloat, 1, 1});
  Append(step, {kOutput, 0, kFloat, 1, 1});
  Append(step, {CpuKernels().Find("add"), 2, 1, 0, 0, 2, 0});
  for (int64_t limit : {-1, 0, 2, 100}) {
    int32_t halves[2];
    std::memcpy(halves, &limit, sizeof halves);
    ControlPlan plan = {kLoopKernel,
                        {{kInput, 0, kFloat, 1}, {kInput, 1, kFloat, 1},
                         {kOutput, 0, kFloat, 1}},
                        {0, 1},
                        {2},
                        {1, halves[0], halves[1]},
                        {condition, step},
                        2,
                        1};
    char message[KernelCall::kMessageSize] = {};
    Program* program = Create(plan.Encode(), message);
    CHECK(program != nullptr);
    if (program == nullptr) continue;
    float x = 1, z = 100, y = 0;
    RunResult result;
    program->Run(Binding{{&x, &z}, {&y}}, false, Fault{}, result);
    CHECK(result.kind == RunResult::kDone);
    CHECK(y == (limit == 0 ? 1.f : limit == 2 ? 4.f : 128.f));
    delete program;
  }
}

TEST(control_refuses_what_does_not_fit) {
  char message[KernelCall::kMessageSize] = {};
  const auto refused = [&](const ControlPlan& plan) {
    message[0] = 0;
    Program* program = Create(plan.Encode(), message);
    const bool result = program == nullptr && message[0] != 0;
    delete program;
    return result;
  };
  ControlPlan plan = BranchPlan();
  plan.bodies.clear();
  CHECK(refused(plan));
  plan = BranchPlan();
  plan.bodies[1] = Body("add", 0, 0, 2);  // another number of inputs
  CHECK(refused(plan));
  plan = BranchPlan();
  plan.values[0][2] = kFloat;  // an index that is no integer
  CHECK(refused(plan));
  plan = BranchPlan();
  plan.values[2][3] = 5;  // an output of another size
  CHECK(refused(plan));
  plan = ScanPlan(0);
  plan.attributes = {3, 1, 3, 0};  // more carried than there are
  CHECK(refused(plan));
  plan = ScanPlan(0);
  plan.attributes = {1, 1, 5, 0};  // a length that does not divide
  CHECK(refused(plan));
  plan = ScanPlan(0);
  plan.attributes = {1, 1, -3, 0};
  CHECK(refused(plan));
  plan = ScanPlan(0);
  plan.attributes = {1, 1, 3};
  CHECK(refused(plan));
  // Cut off anywhere.
  const Words good = ScanPlan(0).Encode();
  for (size_t length = 0; length < good.size(); length++) {
    Program* program =
        Create({good.begin(), good.begin() + static_cast<long>(length)}, message);
    CHECK(program == nullptr);
    delete program;
  }
}

}  // namespace
}  // namespace keratin
