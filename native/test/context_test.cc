#include "../runtime/context.h"

#include <atomic>
#include <thread>
#include <vector>

#include "owners.h"
#include "plans.h"
#include "test.h"

namespace keratin {
namespace {

using test::FakeOwners;

struct Fixture {
  FakeOwners owners;
  std::atomic<int> notified{0};
  Context context{owners,
                  [](void* counter) { ++*static_cast<std::atomic<int>*>(counter); },
                  &notified};
  Storage* variable = New(100);
  int32_t program = -1;

  Fixture() {
    Fill(variable, 0);
    char message[KernelCall::kMessageSize];
    const std::vector<int32_t> words = test::AccumulatePlan(100);
    program = context.AddProgram(
        Program::Create(context.kernels(), words.data(), words.size(), nullptr,
                        0, {variable}, message));
  }
  Storage* New(int length) {
    return context.storages().Create(static_cast<size_t>(length) * 4,
                                     owners.Make());
  }
  static void Fill(Storage* storage, float value) {
    auto* data = static_cast<float*>(storage->data);
    for (size_t i = 0; i < storage->bytes / 4; i++) data[i] = value;
  }
  static float At(const Storage* storage, int i) {
    return static_cast<const float*>(storage->data)[i];
  }
};

TEST(context_runs_in_order) {
  Fixture f;
  Storage* one = f.New(100);
  Fixture::Fill(one, 1);
  for (SubmitMode mode :
       {SubmitMode::kQueued, SubmitMode::kInline, SubmitMode::kAuto}) {
    Fixture::Fill(f.variable, 0);
    std::vector<Storage*> results;
    int32_t error = 0;
    for (int i = 0; i < 200; i++) {
      results.push_back(f.New(100));
      CHECK(f.context.Submit(f.program, {one}, {results.back()}, mode,
                             &error) != 0);
    }
    for (int i = 0; i < 200; i++) {
      CHECK(f.context.AwaitReadable(results[i]) == 0);
      CHECK(Fixture::At(results[i], 99) == static_cast<float>(i + 1));
    }
    CHECK(f.context.AwaitReadable(f.variable) == 0);
    CHECK(Fixture::At(f.variable, 0) == 200);
    for (Storage* result : results) f.context.storages().ReleaseOwner(result);
  }
}

// Freed while a program still needs it, a buffer lives until that has ended.
TEST(context_keeps_what_programs_use) {
  Fixture f;
  const int64_t before = f.context.storages().memory().live_storages;
  int32_t error = 0;
  Sequence last = 0;
  for (int i = 0; i < 100; i++) {
    Storage* input = f.New(100);
    Fixture::Fill(input, 1);
    Storage* result = f.New(100);
    last = f.context.Submit(f.program, {input}, {result}, SubmitMode::kQueued,
                            &error);
    f.context.storages().ReleaseOwner(input);
    f.context.storages().ReleaseOwner(result);
  }
  f.context.Wait(last);
  CHECK(Fixture::At(f.variable, 0) == 100);
  CHECK(f.context.storages().memory().live_storages == before);
}

// A read of a variable keeps its value though a program writes the variable.
TEST(context_copies_on_write) {
  Fixture f;
  Storage* one = f.New(100);
  Fixture::Fill(one, 1);
  int32_t error = 0;
  for (int i = 0; i < 50; i++) {
    Storage* read =
        f.context.storages().CreateAlias(f.variable, f.owners.Make());
    Storage* result = f.New(100);
    f.context.Submit(f.program, {one}, {result}, SubmitMode::kQueued, &error);
    CHECK(f.context.AwaitReadable(read) == 0);
    CHECK(Fixture::At(read, 5) == static_cast<float>(i));
    CHECK(f.context.PrepareWrite(read));
    f.context.storages().ReleaseOwner(read);
    f.context.storages().ReleaseOwner(result);
  }
}

TEST(context_fails_as_a_whole) {
  for (SubmitMode mode : {SubmitMode::kQueued, SubmitMode::kInline}) {
    Fixture f;
    Storage* one = f.New(100);
    Fixture::Fill(one, 1);
    Storage* failed = f.New(100);
    int32_t error = 0;
    f.context.InjectFault(Fault{1, false});
    const Sequence sequence =
        f.context.Submit(f.program, {one}, {failed}, mode, &error);
    if (mode == SubmitMode::kQueued) {
      CHECK(error == 0);
      error = f.context.AwaitReadable(failed);
      CHECK(f.context.ErrorOf(sequence) == error);
    }
    CHECK(f.context.error(error).kind == ErrorKind::kFault);
    CHECK(f.context.error(error).instruction == 1);
    CHECK(Fixture::At(f.variable, 0) == 0);
    // Whoever needs its result fails with the same error, now or later.
    if (mode == SubmitMode::kQueued) {
      Storage* next = f.New(100);
      int32_t again = 0;
      CHECK(f.context.Submit(f.program, {failed}, {next}, mode, &again) == 0);
      CHECK(again == error);
    }
    Storage* good = f.New(100);
    int32_t none = 0;
    CHECK(f.context.Submit(f.program, {one}, {good}, mode, &none) != 0);
    CHECK(f.context.AwaitReadable(good) == 0);
    CHECK(Fixture::At(good, 0) == 1);
  }
}

// Queued behind each other: the second learns of the failure when it runs.
TEST(context_failure_travels_through_the_queue) {
  Fixture f;
  Storage* one = f.New(100);
  Fixture::Fill(one, 1);
  for (int round = 0; round < 200; round++) {
    Storage* first = f.New(100);
    Storage* second = f.New(100);
    int32_t error = 0, late = 0;
    f.context.InjectFault(Fault{0, false});
    f.context.Submit(f.program, {one}, {first}, SubmitMode::kQueued, &error);
    f.context.Submit(f.program, {first}, {second}, SubmitMode::kQueued, &late);
    const int32_t known = f.context.AwaitReadable(first);
    CHECK(known > 0);
    CHECK(late == 0 ? f.context.AwaitReadable(second) == known : late == known);
    f.context.storages().ReleaseOwner(first);
    f.context.storages().ReleaseOwner(second);
  }
  CHECK(Fixture::At(f.variable, 0) == 0);
}

TEST(context_cancels) {
  Fixture f;
  Storage* one = f.New(100);
  Fixture::Fill(one, 1);
  std::vector<Sequence> sequences;
  std::vector<Storage*> results;
  int32_t error = 0;
  for (int i = 0; i < 300; i++) {
    results.push_back(f.New(100));
    sequences.push_back(f.context.Submit(f.program, {one}, {results.back()},
                                         SubmitMode::kQueued, &error));
    if (i % 3 == 0) f.context.Cancel(sequences.back());
  }
  f.context.Wait(sequences.back());
  int done = 0;
  for (size_t i = 0; i < results.size(); i++) {
    const int32_t code = f.context.AwaitReadable(results[i]);
    CHECK(code == f.context.ErrorOf(sequences[i]));
    if (code == 0) {
      done++;
    } else {
      CHECK(i % 3 == 0);
      CHECK(f.context.error(code).kind == ErrorKind::kCancelled);
    }
  }
  CHECK(done >= 200);
  CHECK(Fixture::At(f.variable, 0) == static_cast<float>(done));
}

// Between "not ended yet" and "tell me" no ending is missed.
TEST(context_notifies_whoever_awaits) {
  Fixture f;
  Storage* one = f.New(100);
  Fixture::Fill(one, 0);
  for (int i = 0; i < 3000; i++) {
    Storage* result = f.New(100);
    int32_t error = 0;
    const int before = f.notified;
    const Sequence sequence = f.context.Submit(
        f.program, {one}, {result}, SubmitMode::kQueued, &error);
    for (int spin = 0; spin < i % 200; spin++) (void)f.context.completed();
    if (!f.context.Await(sequence)) {
      // The notification may be a late one of the submission before, whose
      // ending Await has seen itself.
      while (f.notified == before || !f.context.IsDone(sequence)) {
        std::this_thread::yield();
      }
    }
    f.context.Reap();
    f.context.storages().ReleaseOwner(result);
  }
}

// Two contexts on one pool, each on a thread of its own.
TEST(context_shares_the_pool) {
  std::vector<std::thread> threads;
  std::atomic<bool> ok{true};
  for (int t = 0; t < 2; t++) {
    threads.emplace_back([&ok] {
      Fixture f;
      Storage* one = f.New(100);
      Fixture::Fill(one, 1);
      int32_t error = 0;
      Sequence last = 0;
      for (int i = 0; i < 500; i++) {
        Storage* result = f.New(100);
        last = f.context.Submit(f.program, {one}, {result},
                                SubmitMode::kQueued, &error);
        f.context.storages().ReleaseOwner(result);
      }
      f.context.Wait(last);
      if (Fixture::At(f.variable, 0) != 500) ok = false;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ok);
}

// Torn down with work in flight.
TEST(context_ends_in_the_middle) {
  for (int i = 0; i < 50; i++) {
    Fixture f;
    Storage* one = f.New(100);
    Fixture::Fill(one, 1);
    for (int k = 0; k < 20; k++) {
      int32_t error = 0;
      f.context.Submit(f.program, {one}, {f.New(100)}, SubmitMode::kQueued,
                       &error);
    }
  }
  CHECK(true);
}

}  // namespace
}  // namespace keratin
