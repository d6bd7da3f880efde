#include "../runtime/loop.h"

#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "../cpu/parallel.h"
#include "../runtime/program.h"
#include "plans.h"
#include "test.h"

namespace keratin {
namespace {

using test::PlanBuilder;

constexpr auto kFloat = static_cast<int32_t>(DType::kFloat32);

// sum = x + y, product = sum * x: both are results, and the first is copied at
// the end, because it may lie where x does.
std::vector<int32_t> LoopWords() {
  const int32_t add = CpuKernels().Find("add");
  const int32_t multiply = CpuKernels().Find("multiply");
  return {1, 1, kFloat, 0,  // a register, a temporary in it
          3,                //
          add,      2, 0, 1, 4, 0,  //
          multiply, 2, 4, 0, 3, 0,  //
          -1,       1, 4, 2, 0};
}

std::unique_ptr<Program> MakeProgram(int length, int y_length,
                                     const std::vector<int32_t>& words,
                                     bool in_place = false) {
  PlanBuilder plan;
  const int x = plan.Value(test::kInput, 0, length);
  const int y = plan.Value(test::kInput, 1, y_length);
  const int sum = plan.Value(in_place ? test::kArena : test::kOutput, 0, length);
  const int product = plan.Value(test::kOutput, in_place ? 0 : 1, length);
  if (in_place) {
    const int copy = plan.Value(test::kArena, 0, length);
    plan.Instruction(nullptr, {x}, copy);
    plan.Loop({copy, y}, {sum, product}, words);
    const int result = plan.Value(test::kOutput, 1, length);
    plan.Instruction(nullptr, {sum}, result);
  } else {
    plan.Loop({x, y}, {sum, product}, words);
  }
  const std::vector<int32_t> all = plan.Words(
      in_place ? (length + 15) / 16 : 0, in_place ? 3 : 1, 2, 2, 0);
  char message[KernelCall::kMessageSize] = {};
  return std::unique_ptr<Program>(Program::Create(
      CpuKernels(), all.data(), all.size(), nullptr, 0, {}, message));
}

void CheckLoop(int length, int y_length, bool in_place) {
  std::unique_ptr<Program> program =
      MakeProgram(length, y_length, LoopWords(), in_place);
  CHECK(program != nullptr);
  if (program == nullptr) return;
  std::vector<float> x(length), y(y_length), a(length), b(length);
  for (int i = 0; i < length; i++) x[i] = static_cast<float>(i % 97);
  for (int i = 0; i < y_length; i++) y[i] = static_cast<float>(i % 13);
  RunResult result;
  program->Run(Binding{{x.data(), y.data()}, {a.data(), b.data()}}, false,
               Fault{}, result);
  CHECK(result.kind == RunResult::kDone);
  const std::vector<float>& sum = in_place ? b : a;
  const std::vector<float>& product = in_place ? a : b;
  for (int i = 0; i < length; i++) {
    const float expected = x[i] + y[y_length == 1 ? 0 : i];
    CHECK(sum[i] == expected);
    CHECK(product[i] == expected * x[i]);
  }
}

TEST(loop_runs_in_blocks) {
  for (int threads : {1, 2, 3}) {
    SetThreadCount(threads);
    for (int length : {1, 7, 1023, 1024, 1025, 4096, 30001}) {
      for (bool in_place : {false, true}) {
        CheckLoop(length, length, in_place);
        CheckLoop(length, 1, in_place);
      }
    }
  }
  SetThreadCount(0);
}

TEST(loop_refuses_malformed_words) {
  const std::vector<int32_t> good = LoopWords();
  CHECK(MakeProgram(50, 50, good) != nullptr);
  // Neither the same shape nor one that broadcasts.
  CHECK(MakeProgram(50, 49, good) == nullptr);
  for (size_t size = 0; size < good.size(); size++) {
    const std::vector<int32_t> cut(good.begin(), good.begin() + size);
    CHECK(MakeProgram(50, 50, cut) == nullptr);
  }
  // Operands and registers that there are not; results that are inputs.
  for (auto [at, word] : {std::pair<size_t, int32_t>{0, 0}, {0, -1}, {1, -1},
                          {2, kDTypeCount}, {3, 1}, {3, -1}, {4, -1}, {4, 99},
                          {5, 1 << 20}, {5, -2}, {6, 0}, {7, 5}, {7, -1},
                          {9, 0}, {9, 5}, {10, -1}, {10, 1 << 30}}) {
    std::vector<int32_t> bad = good;
    bad[at] = word;
    CHECK(MakeProgram(50, 50, bad) == nullptr);
  }
  // Whatever its operands and registers are, it is refused or runs, and touches
  // nothing of others. (That kernels get as many inputs as they need, of dtypes
  // that go together, is the compiler's promise.)
  const size_t operands[] = {0, 3, 7, 8, 9, 13, 14, 15, 19, 20};
  std::mt19937 random(3);
  std::vector<float> x(50), y(50), a(50), b(50);
  for (int i = 0; i < 4000; i++) {
    std::vector<int32_t> bad = good;
    bad[operands[random() % std::size(operands)]] =
        static_cast<int32_t>(random() % 12) - 3;
    std::unique_ptr<Program> program = MakeProgram(50, 50, bad);
    if (program == nullptr) continue;
    RunResult result;
    program->Run(Binding{{x.data(), y.data()}, {a.data(), b.data()}}, false,
                 Fault{}, result);
  }
}

}  // namespace
}  // namespace keratin
