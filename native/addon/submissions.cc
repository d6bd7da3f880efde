// Submitting programs and awaiting them.
#include <algorithm>
#include <vector>

#include "environment.h"

namespace keratin {
namespace {

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

}  // namespace

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
  const Arguments<1> argv(env, info);
  double sequence = 0;
  napi_get_value_double(env, argv[0], &sequence);
  Waiter waiter{static_cast<Sequence>(sequence), nullptr};
  napi_value promise;
  napi_create_promise(env, &waiter.deferred, &promise);
  if (e->waiters.empty()) napi_ref_threadsafe_function(env, e->notify);
  e->waiters.push_back(waiter);
  if (e->context->Await(waiter.sequence)) ResolveWaiters(e);
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

}  // namespace keratin
