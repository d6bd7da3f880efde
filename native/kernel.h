// The contract between the runtime and a kernel.
//
// A kernel computes the outputs of one op from its inputs. It is stateless,
// may run on any thread, several at a time, and never allocates a tensor:
// the runtime has allocated the outputs and checked every shape and dtype
// against the op's definition. Data are contiguous, row-major, 64-byte aligned
// and never overlap, except where an op declares `inPlace` (then that output
// may be that input) and for empty tensors, whose data may be null.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace keratin {

// The order is part of the plan format: src/util/dtypes.ts holds the same list.
enum class DType : int32_t {
  kBool,
  kUInt8,
  kInt8,
  kUInt16,
  kInt16,
  kUInt32,
  kInt32,
  kUInt64,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
};
constexpr int kDTypeCount = 13;

constexpr int kItemSize[kDTypeCount] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
constexpr int ItemSize(DType dtype) {
  return kItemSize[static_cast<int>(dtype)];
}

using DTypeMask = uint32_t;
constexpr DTypeMask Mask(DType dtype) {
  return DTypeMask{1} << static_cast<int>(dtype);
}
constexpr DTypeMask kFloats = Mask(DType::kFloat16) | Mask(DType::kBFloat16) |
                              Mask(DType::kFloat32) | Mask(DType::kFloat64);
constexpr DTypeMask kIntegers =
    Mask(DType::kUInt8) | Mask(DType::kInt8) | Mask(DType::kUInt16) |
    Mask(DType::kInt16) | Mask(DType::kUInt32) | Mask(DType::kInt32) |
    Mask(DType::kUInt64) | Mask(DType::kInt64);
constexpr DTypeMask kNumbers = kFloats | kIntegers;
constexpr DTypeMask kAllDTypes = kNumbers | Mask(DType::kBool);

constexpr int kMaxRank = 12;
// Elements of a tensor: beyond any memory, and bytes still fit an int64.
constexpr int64_t kMaxSize = int64_t{1} << 48;

struct TensorView {
  void* data;
  DType dtype;
  int32_t ndim;
  const int64_t* shape;
  int64_t size;  // product of shape

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  int64_t bytes() const { return size * ItemSize(dtype); }
  // Element i of an int32 or int64 tensor.
  int64_t Index(int64_t i) const {
    return dtype == DType::kInt32 ? static_cast<const int32_t*>(data)[i]
                                  : static_cast<const int64_t*>(data)[i];
  }
};

// Reads an op's attributes in the order of its schema (src/runtime/words.ts
// packs them): int, bool, dtype and enum take one word, float two (a float64),
// int64 two, ints one for the count and one each, floats one for the count and
// two each.
class Attributes {
 public:
  Attributes(const int32_t* words, int count)
      : next_(words), end_(words + count) {}

  int32_t Int() { return *next_++; }
  bool Bool() { return *next_++ != 0; }
  DType Type() { return static_cast<DType>(*next_++); }
  double Float() {
    double value;
    std::memcpy(&value, next_, sizeof value);
    next_ += 2;
    return value;
  }
  int64_t Int64() {
    int64_t value;
    std::memcpy(&value, next_, sizeof value);
    next_ += 2;
    return value;
  }
  // Points into the packed words; valid as long as the call.
  const int32_t* Ints(int* count) {
    *count = *next_++;
    const int32_t* values = next_;
    next_ += *count;
    return values;
  }
  bool done() const { return next_ == end_; }

 private:
  const int32_t* next_;
  const int32_t* end_;
};

// 0 on success. A kernel that fails writes the reason with Fail and returns
// its result; outputs are then unspecified and nobody reads them.
using Status = int;

class KernelCall {
 public:
  const TensorView* inputs;
  int num_inputs;
  const TensorView* outputs;
  int num_outputs;
  const int32_t* words;  // packed attributes
  int num_words;
  char* message;  // kMessageSize bytes

  static constexpr size_t kMessageSize = 256;

  Attributes attributes() const { return Attributes(words, num_words); }
  Status Fail(const char* format, ...) const
      __attribute__((format(printf, 2, 3)));
};

using KernelFunction = Status (*)(const KernelCall&);

struct Kernel {
  const char* name;         // the op's registered name
  KernelFunction function;  // nullptr: none
  DTypeMask dtypes;         // what the first input (else first output) may be
};

// Collects the kernels of one instruction set; a later entry of a name wins.
class Registry {
 public:
  static constexpr int kCapacity = 1024;
  void Add(const char* name, KernelFunction function, DTypeMask dtypes);
  int size() const { return size_; }
  const Kernel& operator[](int id) const { return kernels_[id]; }
  int Find(const char* name) const;  // -1: none

 private:
  Kernel kernels_[kCapacity];
  int size_ = 0;
};

}  // namespace keratin
