#include "../runtime/program.h"

#include <random>
#include <vector>

#include "owners.h"
#include "plans.h"
#include "test.h"

namespace keratin {
namespace {

using test::FakeOwners;
using test::PlanBuilder;

struct Fixture {
  FakeOwners owners;
  StorageTable table{owners};
  char message[KernelCall::kMessageSize] = {};

  Program* Create(const std::vector<int32_t>& words,
                  const std::vector<Storage*>& held) {
    return Program::Create(CpuKernels(), words.data(), words.size(), nullptr,
                           0, held, message);
  }
};

TEST(program_runs) {
  Fixture f;
  Storage* variable = f.table.Create(400, f.owners.Make());
  auto* values = static_cast<float*>(variable->data);
  for (int i = 0; i < 100; i++) values[i] = static_cast<float>(i);
  Program* program = f.Create(test::AccumulatePlan(100), {variable});
  CHECK(program != nullptr);
  CHECK(program->num_inputs() == 1 && program->num_outputs() == 1);
  CHECK(program->written().size() == 1);
  std::vector<float> input(100, 1), output(100);
  RunResult result;
  program->Run(Binding{{input.data()}, {output.data()}}, false, Fault{},
               result);
  CHECK(result.kind == RunResult::kDone);
  CHECK(output[99] == 100 && values[99] == 100);
  delete program;
}

TEST(program_stops_before_its_commit) {
  Fixture f;
  Storage* variable = f.table.Create(400, f.owners.Make());
  auto* values = static_cast<float*>(variable->data);
  Program* program = f.Create(test::AccumulatePlan(100), {variable});
  std::vector<float> input(100, 1), output(100);
  const Binding binding{{input.data()}, {output.data()}};
  for (int i = 0; i < 100; i++) values[i] = 5;
  for (int at = 0; at <= 2; at++) {
    for (bool cancels : {false, true}) {
      RunResult result;
      program->Run(binding, false, Fault{at, cancels}, result);
      CHECK(result.kind ==
            (cancels ? RunResult::kCancelled : RunResult::kFailed));
      CHECK(result.instruction == at);
      CHECK(values[0] == 5);
    }
  }
  RunResult result;
  program->Run(binding, true, Fault{}, result);
  CHECK(result.kind == RunResult::kCancelled);
  CHECK(values[0] == 5);
  delete program;
}

TEST(program_refuses_malformed_plans) {
  Fixture f;
  Storage* variable = f.table.Create(400, f.owners.Make());
  const std::vector<int32_t> good = test::AccumulatePlan(100);
  CHECK(f.Create({}, {}) == nullptr);
  // Cut off anywhere.
  for (size_t length = 0; length < good.size(); length++) {
    CHECK(f.Create({good.begin(), good.begin() + static_cast<long>(length)},
                   {variable}) == nullptr);
    CHECK(f.message[0] != 0);
  }
  // A held storage that is missing or too small; an arena that is too small.
  CHECK(f.Create(good, {}) == nullptr);
  Storage* small = f.table.Create(399, f.owners.Make());
  CHECK(f.Create(good, {small}) == nullptr);
  PlanBuilder beyond;
  beyond.Value(test::kArena, 1 << 30, 1 << 30);
  CHECK(f.Create(beyond.Words(1, 0, 0, 0, 0), {}) == nullptr);
  // A write to a variable before the commit, to an input, to a constant.
  for (test::Place place : {test::kHeld, test::kInput, test::kConstant}) {
    PlanBuilder plan;
    const int input = plan.Value(test::kInput, 0, 0);
    const int target = plan.Value(place, 0, 0);
    plan.Instruction(nullptr, {input}, target);
    CHECK(f.Create(plan.Words(0, 1, 1, 0, 1), {variable}) == nullptr);
  }
  // Shapes whose sizes overflow.
  for (int32_t dim : {0x7fffffff, 1 << 20}) {
    std::vector<int32_t> words = {kPlanVersion, 0, 1, 0, 0, 1, 0, 0,
                                  test::kInput, 0, 0, 4, dim, dim, dim, dim};
    CHECK(f.Create(words, {}) == nullptr);
  }
}

TEST(program_survives_random_words) {
  Fixture f;
  Storage* variable = f.table.Create(400, f.owners.Make());
  const std::vector<int32_t> good = test::AccumulatePlan(100);
  std::mt19937 random(7);
  int accepted = 0;
  for (int round = 0; round < 20000; round++) {
    std::vector<int32_t> words = good;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < changes; i++) {
      const auto extreme = static_cast<int32_t>(random());
      words[random() % words.size()] =
          random() % 2 ? extreme : static_cast<int32_t>(random() % 8) - 1;
    }
    // An arena of gigabytes is refused or given, which is not the point here.
    words[1] = words[1] > 1000 ? 1000 : words[1];
    Program* program = f.Create(words, {variable});
    accepted += program != nullptr;
    delete program;
  }
  CHECK(accepted < 20000);
}

}  // namespace
}  // namespace keratin
