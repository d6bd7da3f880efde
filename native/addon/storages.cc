// Buffers: made, shared, freed, written, read.
#include <cstring>

#include "environment.h"

namespace keratin {

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

// create(owner, bytes, data | null): a new buffer. Returns its handle, or
// -1 when memory has run out.
napi_value Create(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  const Arguments<3> argv(env, info);
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
  const Arguments<2> argv(env, info);
  Storage* source = e->context->storages().Find(IntArgument(env, argv[1]));
  if (source == nullptr) return Throw(env, "alias: no such storage");
  const Owner owner = e->owners.Watch(argv[0]);
  return Int(env, e->context->storages().CreateAlias(source, owner)->handle);
}

napi_value Release(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  const Arguments<1> argv(env, info);
  Storage* storage = e->context->storages().Find(IntArgument(env, argv[0]));
  if (storage == nullptr) return Throw(env, "release: no such storage");
  e->context->storages().ReleaseOwner(storage);
  return nullptr;
}

// assign(target, source | typed array): overwrites a variable's buffer.
// Returns 0 or the number of an error.
napi_value Assign(napi_env env, napi_callback_info info) {
  Environment* e = Get(env);
  const Arguments<2> argv(env, info);
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
  const Arguments<2> argv(env, info);
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
  const Arguments<1> argv(env, info);
  Storage* storage = e->context->storages().Find(IntArgument(env, argv[0]));
  if (storage == nullptr) return Throw(env, "fence: no such storage");
  const Sequence fence = storage->write_fence;
  return Number(env, fence == 0 || e->context->IsDone(fence)
                         ? 0
                         : static_cast<double>(fence));
}

}  // namespace keratin
