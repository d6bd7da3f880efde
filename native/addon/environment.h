// What one JavaScript environment has of the runtime, and the entries that are
// called too often for a wrapper: they call N-API directly and read their
// arguments from a shared Int32Array, the command buffer.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../runtime/context.h"

namespace keratin {

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

  void InsistOnCollection() override {
    if (closing) return;
    // More than any engine allows to be held from outside: it collects at once.
    constexpr int64_t kTooMuch = int64_t{1} << 42;
    int64_t total;
    napi_adjust_external_memory(env_, kTooMuch, &total);
    napi_adjust_external_memory(env_, -kTooMuch, &total);
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

inline Environment* Get(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

inline napi_value Number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value Int(napi_env env, int32_t value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

inline napi_value Throw(napi_env env, const char* message) {
  napi_throw_error(env, "KERATIN_INTERNAL", message);
  return nullptr;
}

inline int32_t IntArgument(napi_env env, napi_value value) {
  int32_t result = -1;
  napi_get_value_int32(env, value, &result);
  return result;
}

// The first arguments of a call, undefined where fewer were given.
template <size_t kCount>
struct Arguments {
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = kCount;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  napi_value operator[](size_t i) const { return values[i]; }
  napi_value values[kCount];
};

struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// Of a typed array; empty for anything else.
Bytes BytesOf(napi_env env, napi_value value);

// The hot entries; what each takes and returns stands at its definition.
napi_value Run(napi_env env, napi_callback_info info);
napi_value Create(napi_env env, napi_callback_info info);
napi_value Alias(napi_env env, napi_callback_info info);
napi_value Release(napi_env env, napi_callback_info info);
napi_value Assign(napi_env env, napi_callback_info info);
napi_value Read(napi_env env, napi_callback_info info);
napi_value Fence(napi_env env, napi_callback_info info);
napi_value WhenDone(napi_env env, napi_callback_info info);
napi_value Submit(napi_env env, napi_callback_info info);
// Of the threadsafe function: a submission that somebody awaits has ended.
void OnNotify(napi_env env, napi_value, void* context, void*);

}  // namespace keratin
