#include "../runtime/loop.h"

#include <cmath>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "../cpu/parallel.h"
#include "../runtime/program.h"
#include "kernels.h"
#include "plans.h"
#include "test.h"

namespace keratin {
namespace {

using test::PlanBuilder;

constexpr auto kFloat = static_cast<int32_t>(DType::kFloat32);

// sum = x + y, product = sum * x: both are results, and the first is copied at
// the end, because it may lie where x does.
std::vector<int32_t> LoopWords(int length) {
  const int32_t add = CpuKernels().Find("add");
  const int32_t multiply = CpuKernels().Find("multiply");
  return {1, length, 0,     // an axis, no rows
          1, 1, kFloat, 0,  // a register, a temporary in it
          3,                //
          add,      2, 0, 1, 4, 0,  //
          multiply, 2, 4, 0, 3, 0,  //
          -1,       1, 4, 2, 0,     //
          0};               // no sums
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
      MakeProgram(length, y_length, LoopWords(length), in_place);
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

// y = x * w, w a row; the sum of y and that of x, over everything, rows or
// columns; y itself only if it is wanted.
struct SumCase {
  int rows, columns;
  SumOver over;
  bool keeps;
};

void CheckSums(const SumCase& c, DType dtype) {
  const int size = c.rows * c.columns;
  const int32_t type = static_cast<int32_t>(dtype);
  const bool by_columns = c.over == SumOver::kColumns;
  const int results = c.over == SumOver::kAll ? 1 : by_columns ? c.columns : c.rows;
  const int32_t accumulate = CpuKernels().Find(
      by_columns ? "accumulate_columns" : "accumulate_rows");
  const auto over = static_cast<int32_t>(c.over);
  const int32_t multiply = CpuKernels().Find("multiply");
  const int32_t y = c.keeps ? 2 : 4;
  std::vector<int32_t> words = {2, c.rows, c.columns,
                                c.over == SumOver::kAll ? 0 : c.columns};
  if (c.keeps) {
    words.insert(words.end(), {0, 0});
  } else {
    words.insert(words.end(), {1, 1, type, 0});
  }
  words.insert(words.end(), {1, multiply, 2, 0, 1, y, 0,  //
                             2, accumulate, y, over, accumulate, 0, over});
  test::Array x(dtype, {c.rows, c.columns}), w(dtype, {c.columns});
  x.Fill(1);
  w.Fill(2);
  std::vector<double> sums(static_cast<size_t>(results)), sizes(sums), plain(sums);
  for (int i = 0; i < size; i++) {
    const double product = x[i] * w[i % c.columns];
    const size_t at = static_cast<size_t>(
        c.over == SumOver::kAll ? 0 : by_columns ? i % c.columns : i / c.columns);
    sums[at] += product;
    plain[at] += x[i];
    sizes[at] += std::fabs(x[i]);
  }
  std::vector<test::Array> first;
  for (int threads : {1, 2, 3}) {
    SetThreadCount(threads);
    std::vector<test::Array> out;
    if (c.keeps) out.emplace_back(dtype, test::Shape{c.rows, c.columns});
    for (int k = 0; k < 2; k++) out.emplace_back(dtype, test::Shape{results});
    std::vector<TensorView> views = {x.view(), w.view()};
    for (test::Array& array : out) views.push_back(array.view());
    char message[KernelCall::kMessageSize] = {};
    KernelCall call{};
    call.inputs = views.data();
    call.num_inputs = 2;
    call.outputs = views.data() + 2;
    call.num_outputs = static_cast<int>(out.size());
    call.words = words.data();
    call.num_words = static_cast<int>(words.size());
    call.message = message;
    std::unique_ptr<Loop> loop = Loop::Create(CpuKernels(), call, message);
    CHECK(loop != nullptr);
    if (loop == nullptr) return;
    std::vector<uint64_t> blocks(loop->block_bytes() / 8 + 8);
    auto* aligned = reinterpret_cast<uint8_t*>(
        (reinterpret_cast<uintptr_t>(blocks.data()) + 63) / 64 * 64);
    loop->SetBlocks(aligned);
    // Twice: nothing is left of the first time.
    loop->Run(call);
    loop->Run(call);
    for (int64_t i = 0; i < results; i++) {
      const size_t at = static_cast<size_t>(i);
      const double bound = 16 * test::Epsilon(dtype) * (sizes[at] + 1e-30);
      CHECK(std::fabs(out[out.size() - 2][i] - sums[at]) <= bound);
      CHECK(std::fabs(out.back()[i] - plain[at]) <= bound);
    }
    // The kernel has the same bits.
    if (size >= 2048 && (c.over != SumOver::kRows || c.rows >= 64)) {
      std::vector<int32_t> axes;
      if (c.over != SumOver::kRows) axes.push_back(0);
      if (!by_columns) axes.push_back(1);
      test::Array sum(dtype, {results});
      test::Run(ActiveIsa(), "sum", {&x}, {&sum}, test::Words().Ints(axes).Int(0));
      CHECK(sum.SameBits(out.back()));
    }
    for (int i = 0; c.keeps && i < size; i++) {
      const double product = x[i] * w[i % c.columns];
      CHECK(std::fabs(out[0][i] - product) <=
            2 * test::Epsilon(dtype) * std::fabs(product));
    }
    for (size_t i = 0; threads > 1 && i < out.size(); i++) {
      CHECK(out[i].SameBits(first[i]));
    }
    if (threads == 1) first = std::move(out);
  }
  SetThreadCount(0);
}

TEST(loop_makes_sums) {
  for (DType dtype : test::kWideTypes) {
    for (SumOver over : {SumOver::kAll, SumOver::kRows, SumOver::kColumns}) {
      for (bool keeps : {false, true}) {
        for (auto [rows, columns] :
             {std::pair<int, int>{3, 7}, {100, 3}, {5000, 10}, {2000, 48},
              {64, 1024}, {70, 1025}, {65, 3000}, {3, 40000}}) {
          CheckSums({rows, columns, over, keeps}, dtype);
        }
      }
    }
  }
}

TEST(loop_refuses_malformed_sums) {
  const int32_t rows = CpuKernels().Find("accumulate_rows");
  const auto create = [&](const std::vector<int32_t>& words, DType sum_type,
                          test::Shape sum_shape) {
    test::Array x(DType::kFloat32, {4, 6}), small(DType::kFloat32, {6});
    test::Array out(sum_type, sum_shape);
    x.Fill(1);
    const std::vector<TensorView> views = {x.view(), small.view(), out.view()};
    char message[KernelCall::kMessageSize] = {};
    KernelCall call{};
    call.inputs = views.data();
    call.num_inputs = 2;
    call.outputs = views.data() + 2;
    call.num_outputs = 1;
    call.words = words.data();
    call.num_words = static_cast<int>(words.size());
    return Loop::Create(CpuKernels(), call, message) != nullptr;
  };
  const std::vector<int32_t> good = {2, 4, 6, 6, 0, 0, 0, 1, rows, 0, 1};
  CHECK(create(good, DType::kFloat32, {4}));
  CHECK(!create(good, DType::kFloat32, {6}));
  CHECK(!create(good, DType::kFloat64, {4}));
  for (size_t size = 0; size < good.size(); size++) {
    CHECK(!create({good.begin(), good.begin() + static_cast<int>(size)},
                  DType::kFloat32, {4}));
  }
  for (auto [at, word] :
       {std::pair<size_t, int32_t>{3, 5}, {3, 0}, {3, -6}, {7, 2}, {8, -1},
        {8, 1 << 20}, {9, -1}, {9, 1}, {9, 3}, {10, 3}, {10, -1}, {10, 2}, {10, 0}}) {
    std::vector<int32_t> bad = good;
    bad[at] = word;
    CHECK(!create(bad, DType::kFloat32, {4}));
  }
}

TEST(loop_refuses_malformed_words) {
  const std::vector<int32_t> good = LoopWords(50);
  CHECK(MakeProgram(50, 50, good) != nullptr);
  // Neither the same shape nor one that broadcasts.
  CHECK(MakeProgram(50, 49, good) == nullptr);
  for (size_t size = 0; size < good.size(); size++) {
    const std::vector<int32_t> cut(good.begin(), good.begin() + size);
    CHECK(MakeProgram(50, 50, cut) == nullptr);
  }
  // Operands and registers that there are not; results that are inputs.
  for (auto [at, word] : {std::pair<size_t, int32_t>{0, -1}, {0, 99}, {1, 49},
                          {1, 0}, {1, -1}, {2, -1}, {2, 7}, {3, 0}, {3, -1},
                          {4, -1}, {5, kDTypeCount}, {6, 1}, {6, -1}, {7, -1},
                          {7, 99}, {8, 1 << 20}, {8, -2}, {9, 0}, {10, 5},
                          {10, -1}, {12, 0}, {12, 5}, {13, -1}, {13, 1 << 30},
                          {25, 1}, {25, -1}}) {
    std::vector<int32_t> bad = good;
    bad[at] = word;
    CHECK(MakeProgram(50, 50, bad) == nullptr);
  }
  // Whatever its operands and registers are, it is refused or runs, and touches
  // nothing of others. (That kernels get as many inputs as they need, of dtypes
  // that go together, is the compiler's promise.)
  const size_t operands[] = {3, 6, 10, 11, 12, 16, 17, 18, 22, 23};
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
