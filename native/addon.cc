// The door between JavaScript and the runtime: the only file that includes
// napi.h. It exports the entries; the hot ones lie in addon/. No C++ exception
// crosses, and nothing is global but the thread pool.
#include <napi.h>

#include <cstring>
#include <vector>

#include "addon/environment.h"
#include "cpu/parallel.h"
#include "runtime/context.h"
#include "runtime/registry.h"

namespace keratin {
namespace {

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

// injectFault(instruction, cancels): ends the next submission there.
Napi::Value InjectFault(const Napi::CallbackInfo& info) {
  Get(info.Env())->context->InjectFault(
      Fault{info[0].As<Napi::Number>(), info[1].As<Napi::Boolean>()});
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
  for (Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
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
