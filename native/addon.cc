// The door between JavaScript and the runtime: the only file that includes
// napi.h. Hot entries (run, submit, release) call N-API directly and read
// their arguments from a shared Int32Array, the command buffer; no C++
// exception crosses, and nothing is global but the thread pool.
#include <napi.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "cpu/parallel.h"
#include "runtime/context.h"
#include "runtime/registry.h"

namespace keratin {
namespace {

constexpr size_t kMaxOwners = 64;
constexpr size_t kMaxOperands = 4096;

// Owners are weak N-API references on the JavaScript storage objects: the
// only kind of weak reference that shows an object dead inside a synchronous
// loop, as soon as the garbage collector has passed over it.
class JsOwners final : public OwnerHooks {
 public:
  explicit JsOwners(napi_env env) : env_(env) {}

  Owner Watch(napi_value object) {
    napi_ref reference = nullptr;
    if (napi_create_reference(env_, object, 0, &reference) != napi_ok) {
      return nullptr;
    }
    return reference;
  }

  bool IsAlive(Owner owner) override {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    napi_value value = nullptr;
    napi_get_reference_value(env_, static_cast<napi_ref>(owner), &value);
    napi_close_handle_scope(env_, scope);
    return value != nullptr;
  }

  void Forget(Owner owner) override {
    napi_delete_reference(env_, static_cast<napi_ref>(owner));
  }

  void Adjust(int64_t bytes) override {
    if (closing) return;
    int64_t total;
    napi_adjust_external_memory(env_, bytes, &total);
  }

  bool CollectGarbage(bool thorough) override {
    if (hook_ == nullptr || closing) return false;
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    napi_value hook, undefined, argument;
    napi_get_reference_value(env_, hook_, &hook);
    napi_get_undefined(env_, &undefined);
    napi_get_boolean(env_, thorough, &argument);
    const bool called =
        napi_call_function(env_, undefined, hook, 1, &argument, nullptr) ==
        napi_ok;
    if (!called) {
      napi_value exception;
      napi_get_and_clear_last_exception(env_, &exception);
    }
    napi_close_handle_scope(env_, scope);
    return called;
  }

  bool HasCollected() override {
    if (closing) return false;
    const bool collected = sentinel_ == nullptr || !IsAlive(sentinel_);
    if (collected) {
      if (sentinel_ != nullptr) Forget(sentinel_);
      napi_handle_scope scope;
      napi_open_handle_scope(env_, &scope);
      napi_value object;
      napi_create_object(env_, &object);
      sentinel_ = Watch(object);
      napi_close_handle_scope(env_, scope);
    }
    return collected;
  }

  void SetHook(napi_value function) {
    if (hook_ != nullptr) napi_delete_reference(env_, hook_);
    hook_ = nullptr;
    napi_valuetype type;
    napi_typeof(env_, function, &type);
    if (type == napi_function) {
      napi_create_reference(env_, function, 1, &hook_);
    }
  }

  bool closing = false;

 private:
  napi_env env_;
  napi_ref hook_ = nullptr;
  Owner sentinel_ = nullptr;
};

struct Waiter {
  Sequence sequence;
  napi_deferred deferred;
};

struct Environment {
  explicit Environment(napi_env env) : env(env), owners(env) {}

  napi_env env;
  JsOwners owners;
  Context* context = nullptr;
  napi_threadsafe_function notify = nullptr;
  std::vector<Waiter> waiters;
  napi_ref commands_reference = nullptr;
  int32_t* commands = nullptr;
  size_t num_commands = 0;
};

Environment* Get(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

napi_value Number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

napi_value Int(napi_env env, int32_t value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

napi_value Throw(napi_env env, const char* message) {
  napi_throw_error(env, "KERATIN_INTERNAL", message);
  return nullptr;
}

int32_t IntArgument(napi_env env, napi_value value) {
  int32_t result = -1;
  napi_get_value_int32(env, value, &result);
  return result;
}

struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// Of a typed array; empty for anything else.
Bytes BytesOf(napi_env env, napi_value value) {
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  if (!is_typed_array) return {};
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
  size_t item = 1;
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      item = 2;
      break;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      item = 4;
      break;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      item = 8;
      break;
    default:
      break;
  }
  return {static_cast<uint8_t*>(data), length * item};
}

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
    if (dims[i] < 0 || __builtin_mul_overflow(size, dims[i], &size)) {
      return nullptr;
    }
  }
  view.dtype = static_cast<DType>(dtype);
  view.ndim = ndim;
  view.shape = dims;
  view.size = size;
  return next + ndim;
}

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

// create(owner, bytes, data | null): a new buffer. Returns its handle, or
// -1 when memory has run out.
napi_value Create(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 3;
  napi_value argv[3];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  double bytes = 0;
  napi_get_value_double(env, argv[1], &bytes);
  // 2^48: beyond any machine's memory.
  if (!(bytes >= 0 && bytes <= 281474976710656.0)) {
    return Throw(env, "create: size");
  }
  const Bytes data = BytesOf(env, argv[2]);
  if (data.size > static_cast<size_t>(bytes)) {
    return Throw(env, "create: more data than room");
  }
  Owner owner = e->owners.Watch(argv[0]);
  Storage* storage =
      e->context->storages().Create(static_cast<size_t>(bytes), owner);
  if (storage == nullptr) {
    e->owners.Forget(owner);
    return Int(env, -1);
  }
  if (data.size > 0) std::memcpy(storage->data, data.data, data.size);
  return Int(env, storage->handle);
}

// alias(owner, handle): a buffer that shares another's data until that one is
// written.
napi_value Alias(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 2;
  napi_value argv[2];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Storage* source = e->context->storages().Find(IntArgument(env, argv[1]));
  if (source == nullptr) return Throw(env, "alias: no such storage");
  const Owner owner = e->owners.Watch(argv[0]);
  return Int(env, e->context->storages().CreateAlias(source, owner)->handle);
}

napi_value Release(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 1;
  napi_value argv[1];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Storage* storage = e->context->storages().Find(IntArgument(env, argv[0]));
  if (storage == nullptr) return Throw(env, "release: no such storage");
  e->context->storages().ReleaseOwner(storage);
  return nullptr;
}

// assign(target, source | typed array): overwrites a variable's buffer.
// Returns 0 or the number of an error.
napi_value Assign(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 2;
  napi_value argv[2];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Context& context = *e->context;
  Storage* target = context.storages().Find(IntArgument(env, argv[0]));
  if (target == nullptr) return Throw(env, "assign: no such storage");
  napi_valuetype type;
  napi_typeof(env, argv[1], &type);
  Bytes data;
  Storage* source = nullptr;
  if (type == napi_number) {
    source = context.storages().Find(IntArgument(env, argv[1]));
    if (source == nullptr) return Throw(env, "assign: no such storage");
    if (const int32_t error = context.AwaitReadable(source)) {
      return Int(env, error);
    }
    data = {static_cast<uint8_t*>(source->data), source->bytes};
  } else {
    data = BytesOf(env, argv[1]);
  }
  if (data.size != target->bytes) return Throw(env, "assign: sizes differ");
  if (source == target || (source != nullptr && source->source == target)) {
    return Int(env, 0);
  }
  if (!context.PrepareWrite(target)) {
    return Int(env, context.AddError(
                        ErrorKind::kOutOfMemory, -1,
                        "out of memory: no room to copy a variable that a "
                        "tensor still holds"));
  }
  if (data.size > 0) std::memcpy(target->data, data.data, data.size);
  return Int(env, 0);
}

// read(handle, bytes): the bytes as an ArrayBuffer; waits for a program that
// writes them. Returns a number where there is an error.
napi_value Read(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 2;
  napi_value argv[2];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Storage* storage = e->context->storages().Find(IntArgument(env, argv[0]));
  if (storage == nullptr) return Throw(env, "read: no such storage");
  double bytes = 0;
  napi_get_value_double(env, argv[1], &bytes);
  if (!(bytes >= 0 && bytes <= static_cast<double>(storage->bytes))) {
    return Throw(env, "read: size");
  }
  if (const int32_t error = e->context->AwaitReadable(storage)) {
    return Int(env, error);
  }
  void* data = nullptr;
  napi_value buffer;
  if (napi_create_arraybuffer(env, static_cast<size_t>(bytes), &data,
                              &buffer) != napi_ok) {
    return nullptr;  // V8 has thrown its RangeError
  }
  if (bytes > 0) std::memcpy(data, storage->data, static_cast<size_t>(bytes));
  return buffer;
}

// fence(handle): the submission that will have written it; 0: none, ready.
napi_value Fence(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 1;
  napi_value argv[1];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  Storage* storage = e->context->storages().Find(IntArgument(env, argv[0]));
  if (storage == nullptr) return Throw(env, "fence: no such storage");
  const Sequence fence = storage->write_fence;
  return Number(env, fence == 0 || e->context->IsDone(fence)
                         ? 0
                         : static_cast<double>(fence));
}

void ResolveWaiters(Environment* e) {
  auto& waiters = e->waiters;
  std::vector<Waiter> done;
  for (size_t i = 0; i < waiters.size();) {
    if (e->context->IsDone(waiters[i].sequence)) {
      done.push_back(waiters[i]);
      waiters.erase(waiters.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      i++;
    }
  }
  if (waiters.empty()) napi_unref_threadsafe_function(e->env, e->notify);
  e->context->Reap();
  for (const Waiter& waiter : done) {
    napi_value undefined;
    napi_get_undefined(e->env, &undefined);
    napi_resolve_deferred(e->env, waiter.deferred, undefined);
  }
}

void OnNotify(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  ResolveWaiters(static_cast<Environment*>(context));
  napi_close_handle_scope(env, scope);
}

// whenDone(sequence): a promise that resolves when the submission has ended,
// well or not. While it is pending Node does not exit.
napi_value WhenDone(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 1;
  napi_value argv[1];
  napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
  double sequence = 0;
  napi_get_value_double(env, argv[0], &sequence);
  Waiter waiter{static_cast<Sequence>(sequence), nullptr};
  napi_value promise;
  napi_create_promise(env, &waiter.deferred, &promise);
  if (e->waiters.empty()) napi_ref_threadsafe_function(env, e->notify);
  e->waiters.push_back(waiter);
  e->context->Await(waiter.sequence);
  if (e->context->IsDone(waiter.sequence)) ResolveWaiters(e);
  return promise;
}

// submit(owner of output 0, …): runs or enqueues a program.
//   commands: program, mode, inputs, outputs, handles of the inputs …
//             (handles of the outputs are written behind)
// Returns its sequence number, or minus the number of an error.
napi_value Submit(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  size_t argc = 0;
  napi_get_cb_info(env, info, &argc, nullptr, nullptr, nullptr);
  std::vector<napi_value> argv(std::max<size_t>(argc, 1));
  napi_get_cb_info(env, info, &argc, argv.data(), nullptr, nullptr);
  Context& context = *e->context;
  int32_t* commands = e->commands;
  Program* program = context.FindProgram(commands[0]);
  const int32_t mode = commands[1];
  const int32_t num_inputs = commands[2];
  const int32_t num_outputs = commands[3];
  if (program == nullptr || mode < 0 || mode > 2 ||
      num_inputs != program->num_inputs() ||
      num_outputs != program->num_outputs() ||
      static_cast<size_t>(num_outputs) != argc ||
      static_cast<size_t>(4 + num_inputs + num_outputs) > e->num_commands) {
    return Throw(env, "submit: malformed command");
  }
  StorageTable& storages = context.storages();
  std::vector<Storage*> inputs(num_inputs);
  std::vector<Storage*> outputs(num_outputs);
  for (int i = 0; i < num_inputs; i++) {
    inputs[i] = storages.Find(commands[4 + i]);
    if (inputs[i] == nullptr) return Throw(env, "submit: no such storage");
    if (static_cast<size_t>(program->input_bytes(i)) > inputs[i]->bytes) {
      return Throw(env, "submit: input smaller than its shape");
    }
  }
  // As in Run: creating an output may sweep.
  for (Storage* input : inputs) storages.Retain(input);
  int32_t error = 0;
  int created = 0;
  for (; created < num_outputs; created++) {
    const Owner owner = e->owners.Watch(argv[created]);
    Storage* storage = storages.Create(
        static_cast<size_t>(program->output_bytes(created)), owner);
    if (storage == nullptr) {
      e->owners.Forget(owner);
      error = context.AddError(ErrorKind::kOutOfMemory, -1,
                               "out of memory: no room for the outputs of a "
                               "program");
      break;
    }
    outputs[created] = storage;
    commands[4 + num_inputs + created] = storage->handle;
  }
  Sequence sequence = 0;
  if (error == 0) {
    sequence = context.Submit(commands[0], inputs, outputs,
                              static_cast<SubmitMode>(mode), &error);
  }
  for (Storage* input : inputs) storages.Release(input);
  if (error != 0) {
    for (int i = 0; i < created; i++) storages.ReleaseOwner(outputs[i]);
    return Number(env, -error);
  }
  return Number(env, static_cast<double>(sequence));
}

Napi::Value Configure(const Napi::CallbackInfo& info) {
  Environment* e = Get(info.Env());
  auto commands = info[0].As<Napi::Int32Array>();
  if (e->commands_reference != nullptr) {
    napi_delete_reference(info.Env(), e->commands_reference);
  }
  napi_create_reference(info.Env(), commands, 1, &e->commands_reference);
  e->commands = commands.Data();
  e->num_commands = commands.ElementLength();
  e->owners.SetHook(info[1]);
  return info.Env().Undefined();
}

// kernels(): [name, mask of dtypes] by id.
Napi::Value Kernels(const Napi::CallbackInfo& info) {
  const Registry& kernels = Get(info.Env())->context->kernels();
  Napi::Array list = Napi::Array::New(info.Env(), kernels.size());
  for (int i = 0; i < kernels.size(); i++) {
    Napi::Array entry = Napi::Array::New(info.Env(), 2);
    entry.Set(0u, Napi::String::New(info.Env(), kernels[i].name));
    entry.Set(1u, Napi::Number::New(info.Env(), kernels[i].dtypes));
    list.Set(static_cast<uint32_t>(i), entry);
  }
  return list;
}

// prepare(words, constants, handles of the held storages): a program's number.
Napi::Value Prepare(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Environment* e = Get(env);
  const auto words = info[0].As<Napi::Int32Array>();
  const auto constants = info[1].As<Napi::Uint8Array>();
  const auto handles = info[2].As<Napi::Int32Array>();
  std::vector<Storage*> held;
  for (size_t i = 0; i < handles.ElementLength(); i++) {
    Storage* storage = e->context->storages().Find(handles[i]);
    if (storage == nullptr) {
      Throw(env, "prepare: no such storage");
      return env.Undefined();
    }
    // Its address must hold for the program's life.
    if (!e->context->storages().Detach(storage)) {
      Throw(env, "prepare: out of memory");
      return env.Undefined();
    }
    held.push_back(storage);
  }
  char message[KernelCall::kMessageSize] = {};
  Program* program = Program::Create(
      e->context->kernels(), words.Data(), words.ElementLength(),
      constants.Data(), constants.ByteLength(), held, message);
  if (program == nullptr) {
    const bool memory = std::strncmp(message, "out of memory", 13) == 0;
    napi_throw_error(env, memory ? "KERATIN_MEMORY" : "KERATIN_INTERNAL",
                     message);
    return env.Undefined();
  }
  return Napi::Number::New(env, e->context->AddProgram(program));
}

Napi::Value ReleaseProgram(const Napi::CallbackInfo& info) {
  Get(info.Env())->context->ReleaseProgram(info[0].As<Napi::Number>());
  return info.Env().Undefined();
}

Napi::Value ProgramInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Program* program = Get(env)->context->FindProgram(info[0].As<Napi::Number>());
  if (program == nullptr) return env.Null();
  Napi::Object result = Napi::Object::New(env);
  result.Set("instructions", program->num_instructions());
  result.Set("commitStart", program->commit_start());
  result.Set("arenaBytes", static_cast<double>(program->arena_bytes()));
  result.Set("lastSeconds", program->last_seconds());
  return result;
}

Napi::Value Cancel(const Napi::CallbackInfo& info) {
  Get(info.Env())
      ->context->Cancel(
          static_cast<Sequence>(info[0].As<Napi::Number>().DoubleValue()));
  return info.Env().Undefined();
}

Napi::Value ErrorOf(const Napi::CallbackInfo& info) {
  Context& context = *Get(info.Env())->context;
  context.Reap();
  return Napi::Number::New(
      info.Env(), context.ErrorOf(static_cast<Sequence>(
                      info[0].As<Napi::Number>().DoubleValue())));
}

Napi::Value DescribeError(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Error& error = Get(env)->context->error(info[0].As<Napi::Number>());
  static const char* const kKinds[] = {"none", "kernel", "memory", "cancelled",
                                       "fault"};
  Napi::Object result = Napi::Object::New(env);
  result.Set("kind", kKinds[static_cast<int>(error.kind)]);
  result.Set("instruction", error.instruction);
  result.Set("message", error.message);
  return result;
}

Napi::Value InjectFault(const Napi::CallbackInfo& info) {
  Get(info.Env())->context->InjectFault(info[0].As<Napi::Number>());
  return info.Env().Undefined();
}

// synchronize(): blocks until everything submitted has ended.
Napi::Value Synchronize(const Napi::CallbackInfo& info) {
  Context& context = *Get(info.Env())->context;
  context.Wait(context.submitted());
  return info.Env().Undefined();
}

// sequence(): of the last submission.
Napi::Value Submitted(const Napi::CallbackInfo& info) {
  return Napi::Number::New(
      info.Env(), static_cast<double>(Get(info.Env())->context->submitted()));
}

Napi::Value Memory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Context& context = *Get(env)->context;
  context.Reap();
  const MemoryInfo memory = context.storages().memory();
  Napi::Object result = Napi::Object::New(env);
  result.Set("storages", static_cast<double>(memory.live_storages));
  result.Set("bytes", static_cast<double>(memory.live_bytes));
  result.Set("cachedBytes", static_cast<double>(memory.cached_bytes));
  result.Set("peakBytes", static_cast<double>(memory.peak_bytes));
  return result;
}

Napi::Value Sweep(const Napi::CallbackInfo& info) {
  Context& context = *Get(info.Env())->context;
  context.Reap();
  return Napi::Number::New(info.Env(),
                           static_cast<double>(context.storages().Sweep()));
}

Napi::Value Trim(const Napi::CallbackInfo& info) {
  Get(info.Env())->context->storages().Trim();
  return info.Env().Undefined();
}

Napi::Value ResetPeak(const Napi::CallbackInfo& info) {
  Get(info.Env())->context->storages().ResetPeak();
  return info.Env().Undefined();
}

Napi::Value SetThreads(const Napi::CallbackInfo& info) {
  SetThreadCount(info[0].As<Napi::Number>());
  return Napi::Number::New(info.Env(), ThreadCount());
}

Napi::Value Info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  Napi::Array isas = Napi::Array::New(env);
  for (Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512}) {
    if (IsaSupported(isa)) isas.Set(isas.Length(), IsaName(isa));
  }
  result.Set("isa", IsaName(ActiveIsa()));
  result.Set("supported", isas);
  result.Set("threads", ThreadCount());
  result.Set("compiler", __VERSION__);
  result.Set("planVersion", kPlanVersion);
  return result;
}

void Method(Napi::Env env, Napi::Object exports, const char* name,
            napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  exports.Set(name, Napi::Value(env, value));
}

// Runs before the environment is torn down, in the reverse order of adding:
// after it no callback of ours can come.
void Close(void* data) {
  auto* e = static_cast<Environment*>(data);
  e->owners.closing = true;
  delete e->context;
  e->context = nullptr;
  napi_release_threadsafe_function(e->notify, napi_tsfn_abort);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* e = new Environment(env);
  napi_set_instance_data(
      env, e,
      [](napi_env, void* data, void*) {
        delete static_cast<Environment*>(data);
      },
      nullptr);
  napi_value name;
  napi_create_string_utf8(env, "keratin", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr,
                                  nullptr, e, OnNotify, &e->notify);
  napi_unref_threadsafe_function(env, e->notify);
  e->context = new Context(
      e->owners,
      [](void* notify) {
        napi_call_threadsafe_function(
            static_cast<napi_threadsafe_function>(notify), nullptr,
            napi_tsfn_nonblocking);
      },
      e->notify);
  napi_add_env_cleanup_hook(env, Close, e);

  Method(env, exports, "run", Run);
  Method(env, exports, "create", Create);
  Method(env, exports, "alias", Alias);
  Method(env, exports, "release", Release);
  Method(env, exports, "assign", Assign);
  Method(env, exports, "read", Read);
  Method(env, exports, "fence", Fence);
  Method(env, exports, "whenDone", WhenDone);
  Method(env, exports, "submit", Submit);
  const auto add = [&](const char* key,
                       Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(key, Napi::Function::New(env, function, key));
  };
  add("configure", Configure);
  add("kernels", Kernels);
  add("prepare", Prepare);
  add("releaseProgram", ReleaseProgram);
  add("programInfo", ProgramInfo);
  add("cancel", Cancel);
  add("errorOf", ErrorOf);
  add("describeError", DescribeError);
  add("injectFault", InjectFault);
  add("synchronize", Synchronize);
  add("submitted", Submitted);
  add("memory", Memory);
  add("sweep", Sweep);
  add("trim", Trim);
  add("resetPeak", ResetPeak);
  add("setThreads", SetThreads);
  add("info", Info);
  return exports;
}

NODE_API_MODULE(keratin, Init)

}  // namespace
}  // namespace keratin
