// Running one kernel: the eager op.
#include <cstdio>
#include <vector>

#include "environment.h"

namespace keratin {
namespace {

constexpr size_t kMaxOwners = 64;
constexpr size_t kMaxOperands = 4096;

// One operand as the command buffer describes it: dtype, ndim, dims.
// nullptr when malformed.
const int32_t* ReadShape(const int32_t* next, const int32_t* end,
                         TensorView& view, int64_t* dims) {
  if (end - next < 2) return nullptr;
  const int32_t dtype = next[0];
  const int32_t ndim = next[1];
  next += 2;
  if (dtype < 0 || dtype >= kDTypeCount || ndim < 0 || ndim > kMaxRank ||
      end - next < ndim) {
    return nullptr;
  }
  int64_t size = 1;
  for (int i = 0; i < ndim; i++) {
    dims[i] = next[i];
    if (dims[i] < 0 || __builtin_mul_overflow(size, dims[i], &size) ||
        size > kMaxSize) {
      return nullptr;
    }
  }
  view.dtype = static_cast<DType>(dtype);
  view.ndim = ndim;
  view.shape = dims;
  view.size = size;
  return next + ndim;
}

}  // namespace

// run(owner of output 0, …): executes one kernel.
//   commands: kernel, inputs, outputs, attribute words,
//             per input: handle, dtype, ndim, dims …
//             per output: (its handle is written here), dtype, ndim, dims …
//             attributes …
// Returns 0 or the number of an error.
napi_value Run(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = kMaxOwners;
  napi_value argv[kMaxOwners];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);

  int32_t* commands = e->commands;
  const int32_t* end = commands + e->num_commands;
  Context& context = *e->context;
  StorageTable& table = context.storages();
  const int32_t kernel = commands[0];
  const int32_t num_inputs = commands[1];
  const int32_t num_outputs = commands[2];
  const int32_t num_words = commands[3];
  if (kernel < 0 || kernel >= context.kernels().size() || num_inputs < 0 ||
      num_outputs < 0 || num_words < 0 ||
      static_cast<size_t>(num_outputs) > argc ||
      static_cast<size_t>(num_inputs + num_outputs) > kMaxOperands) {
    return Throw(env, "run: malformed command");
  }
  constexpr int kInPlace = 8;
  TensorView few_views[kInPlace];
  int64_t few_dims[kInPlace * kMaxRank];
  Storage* few_storages[kInPlace];
  std::vector<TensorView> many_views;
  std::vector<int64_t> many_dims;
  std::vector<Storage*> many_storages;
  TensorView* views = few_views;
  int64_t* dims = few_dims;
  Storage** storages = few_storages;
  const int count = num_inputs + num_outputs;
  if (count > kInPlace) {
    many_views.resize(count);
    many_dims.resize(static_cast<size_t>(count) * kMaxRank);
    many_storages.resize(count);
    views = many_views.data();
    dims = many_dims.data();
    storages = many_storages.data();
  }
  const int32_t* next = commands + 4;
  int32_t* slots[kMaxOwners];  // where the handles of the outputs go
  for (int i = 0; i < count; i++) {
    if (next >= end) return Throw(env, "run: malformed operand");
    const int32_t handle = *next;
    if (i >= num_inputs) slots[i - num_inputs] = commands + (next - commands);
    next = ReadShape(next + 1, end, views[i], dims + i * kMaxRank);
    if (next == nullptr) return Throw(env, "run: malformed operand");
    if (i >= num_inputs) continue;
    storages[i] = table.Find(handle);
    if (storages[i] == nullptr) return Throw(env, "run: no such storage");
    if (static_cast<size_t>(views[i].bytes()) > storages[i]->bytes) {
      return Throw(env, "run: storage smaller than its shape");
    }
  }
  if (end - next < num_words) return Throw(env, "run: malformed attributes");

  // Creating an output may sweep, and the caller's last mention of an input
  // may be its handle in the command buffer.
  for (int i = 0; i < num_inputs; i++) table.Retain(storages[i]);
  int32_t error = 0;
  int created = num_inputs;
  for (; created < count && error == 0; created++) {
    TensorView& view = views[created];
    const Owner owner = e->owners.Watch(argv[created - num_inputs]);
    Storage* storage = table.Create(static_cast<size_t>(view.bytes()), owner);
    if (storage == nullptr) {
      e->owners.Forget(owner);
      char message[128];
      std::snprintf(message, sizeof message,
                    "out of memory: no room for an output of %lld bytes",
                    static_cast<long long>(view.bytes()));
      error = context.AddError(ErrorKind::kOutOfMemory, -1, message);
      break;
    }
    storages[created] = storage;
    view.data = storage->data;
    *slots[created - num_inputs] = storage->handle;
  }
  if (error == 0) {
    for (int i = 0; i < num_inputs; i++) views[i].data = storages[i]->data;
    KernelCall call;
    call.inputs = views;
    call.num_inputs = num_inputs;
    call.outputs = views + num_inputs;
    call.num_outputs = num_outputs;
    call.words = next;
    call.num_words = num_words;
    error = context.RunKernel(kernel, call, storages);
  }
  for (int i = 0; i < num_inputs; i++) table.Release(storages[i]);
  if (error != 0) {
    for (int i = num_inputs; i < created; i++) table.ReleaseOwner(storages[i]);
  }
  return Int(env, error);
}

}  // namespace keratin
