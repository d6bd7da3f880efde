// Calls kernels by name on arrays that the tests fill and read as float64.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../cpu/parallel.h"
#include "../kernel.h"
#include "../runtime/registry.h"
#include "test.h"

namespace keratin::test {

using Shape = std::vector<int64_t>;

inline int64_t SizeOf(const Shape& shape) {
  int64_t size = 1;
  for (int64_t length : shape) size *= length;
  return size;
}

inline float FloatFromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline double HalfToDouble(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  double x = exponent == 0    ? std::ldexp(fraction, -24)
             : exponent == 31 ? (fraction ? std::nan("") : INFINITY)
                              : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -x : x;
}

// To nearest even, by searching the neighbourhood: slow and plain.
inline uint16_t DoubleToHalf(double x) {
  if (std::isnan(x)) return 0x7e00;
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  x = std::fabs(x);
  if (x >= 65520) return sign | 0x7c00;
  int exponent = x == 0 ? -14 : std::ilogb(x);
  if (exponent < -14) exponent = -14;
  // In units of the last place; nearbyint rounds half to even.
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(x, 10 - exponent)));
  return static_cast<uint16_t>(sign | ((exponent + 14) * 1024 + steps));
}

inline uint16_t DoubleToBFloat16(double x) {
  const float f = static_cast<float>(x);
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  if (std::isnan(f)) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// The relative spacing of a float's values.
inline double Epsilon(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
      return std::ldexp(1.0, -11);
    case DType::kBFloat16:
      return std::ldexp(1.0, -8);
    case DType::kFloat32:
      return std::ldexp(1.0, -24);
    default:
      return std::ldexp(1.0, -53);
  }
}

// Memory of exactly its size, so that a sanitizer sees what reaches beyond.
class Array {
 public:
  Array(DType dtype, Shape shape)
      : dtype_(dtype), shape_(std::move(shape)), size_(SizeOf(shape_)) {
    void* data = nullptr;
    const size_t bytes = static_cast<size_t>(size_) * ItemSize(dtype);
    if (posix_memalign(&data, 64, bytes == 0 ? 64 : bytes) != 0) std::abort();
    // What a kernel forgets to write must not look right.
    std::memset(data, 0xa5, bytes);
    data_.reset(data);
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return size_; }
  size_t bytes() const { return static_cast<size_t>(size_) * ItemSize(dtype_); }
  const void* data() const { return data_.get(); }

  double operator[](int64_t i) const {
    switch (dtype_) {
      case DType::kFloat16:
        return HalfToDouble(as<uint16_t>()[i]);
      case DType::kBFloat16:
        return FloatFromBits(uint32_t{as<uint16_t>()[i]} << 16);
      case DType::kFloat32:
        return as<float>()[i];
      case DType::kFloat64:
        return as<double>()[i];
      default:
        return static_cast<double>(Integer(i));
    }
  }

  void Set(int64_t i, double x) {
    switch (dtype_) {
      case DType::kFloat16:
        as<uint16_t>()[i] = DoubleToHalf(x);
        break;
      case DType::kBFloat16:
        as<uint16_t>()[i] = DoubleToBFloat16(x);
        break;
      case DType::kFloat32:
        as<float>()[i] = static_cast<float>(x);
        break;
      case DType::kFloat64:
        as<double>()[i] = x;
        break;
      default:
        SetInteger(i, static_cast<int64_t>(x));
        break;
    }
  }

  // The value of an integer, sign-extended where it has one.
  int64_t Integer(int64_t i) const {
    switch (dtype_) {
      case DType::kInt8:
        return as<int8_t>()[i];
      case DType::kInt16:
        return as<int16_t>()[i];
      case DType::kInt32:
        return as<int32_t>()[i];
      case DType::kUInt16:
        return as<uint16_t>()[i];
      case DType::kUInt32:
        return as<uint32_t>()[i];
      case DType::kUInt64:
      case DType::kInt64:
        return as<int64_t>()[i];
      default:
        return as<uint8_t>()[i];
    }
  }
  // Keeps the low bits.
  void SetInteger(int64_t i, int64_t x) {
    std::memcpy(as<char>() + i * ItemSize(dtype_), &x,
                static_cast<size_t>(ItemSize(dtype_)));
  }

  // The same bits as element j of an array of this dtype.
  void CopyElement(int64_t i, const Array& from, int64_t j) {
    const int64_t size = ItemSize(dtype_);
    std::memcpy(as<char>() + i * size, from.as<char>() + j * size,
                static_cast<size_t>(size));
  }

  // Uniform in [-1, 1) for floats, all bits random for integers, 0 or 1 for
  // booleans.
  Array& Fill(uint64_t seed) {
    uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    for (int64_t i = 0; i < size_; i++) {
      state = state * 6364136223846793005 + 1442695040888963407;
      const int64_t bits = static_cast<int64_t>(state ^ (state >> 29));
      if (Mask(dtype_) & kFloats) {
        Set(i, std::ldexp(static_cast<double>(bits >> 11), -52));
      } else {
        SetInteger(i, dtype_ == DType::kBool ? bits & 1 : bits);
      }
    }
    return *this;
  }

  TensorView view() const {
    return TensorView{data_.get(), dtype_, static_cast<int32_t>(shape_.size()),
                      shape_.data(), size_};
  }
  bool SameBits(const Array& other) const {
    return bytes() == other.bytes() &&
           std::memcmp(data(), other.data(), bytes()) == 0;
  }

 private:
  template <class T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }
  struct Free {
    void operator()(void* data) const { std::free(data); }
  };
  DType dtype_;
  Shape shape_;
  int64_t size_;
  std::unique_ptr<void, Free> data_;
};

// Attributes as the packer of src/runtime writes them.
class Words {
 public:
  Words& Int(int32_t x) {
    words_.push_back(x);
    return *this;
  }
  Words& Float(double x) {
    int32_t halves[2];
    std::memcpy(halves, &x, sizeof x);
    return Int(halves[0]).Int(halves[1]);
  }
  Words& Type(DType x) { return Int(static_cast<int32_t>(x)); }
  Words& Ints(const std::vector<int32_t>& values) {
    words_.push_back(static_cast<int32_t>(values.size()));
    words_.insert(words_.end(), values.begin(), values.end());
    return *this;
  }
  Words& Ints(const Shape& values) {
    return Ints(std::vector<int32_t>(values.begin(), values.end()));
  }
  const std::vector<int32_t>& words() const { return words_; }

 private:
  std::vector<int32_t> words_;
};

// The names of the kernels that tests have called.
inline std::set<std::string>& CalledKernels() {
  static std::set<std::string> names;
  return names;
}

// `message` has room for KernelCall::kMessageSize bytes.
inline Status Call(Isa isa, const char* name,
                   const std::vector<const Array*>& inputs,
                   const std::vector<Array*>& outputs, const Words& words,
                   char* message) {
  const Registry& registry = CpuKernelsFor(isa);
  const int id = registry.Find(name);
  CHECK(id >= 0);
  if (id < 0) return 1;
  std::vector<TensorView> in, out;
  for (const Array* array : inputs) in.push_back(array->view());
  for (Array* array : outputs) out.push_back(array->view());
  KernelCall call{};
  call.inputs = in.data();
  call.num_inputs = static_cast<int>(in.size());
  call.outputs = out.data();
  call.num_outputs = static_cast<int>(out.size());
  // Of exactly its size, as the arrays.
  const std::vector<int32_t> packed = words.words();
  call.words = packed.data();
  call.num_words = static_cast<int>(packed.size());
  message[0] = '\0';
  CalledKernels().insert(name);
  call.message = message;
  CHECK(registry[id].dtypes & Mask((in.empty() ? out : in)[0].dtype));
  return registry[id].function(call);
}

inline Status Run(Isa isa, const char* name,
                  const std::vector<const Array*>& inputs,
                  const std::vector<Array*>& outputs, const Words& words) {
  char message[KernelCall::kMessageSize];
  const Status status = Call(isa, name, inputs, outputs, words, message);
  if (status != 0) std::fprintf(stderr, "%s: %s\n", name, message);
  CHECK(status == 0);
  return status;
}

// body(isa) for every instruction set of this machine.
template <class Body>
void ForEachIsa(const Body& body) {
  for (Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (IsaSupported(isa)) body(isa);
  }
}

// body(threads) for 1, 2 and 3 threads.
template <class Body>
void ForEachThreadCount(const Body& body) {
  for (int threads : {1, 2, 3}) {
    SetThreadCount(threads);
    body(threads);
  }
  SetThreadCount(0);
}

struct Spec {
  DType dtype;
  Shape shape;
};

// Runs with 1, 2 and 3 threads, on every instruction set; body(isa, outputs of
// one thread), after a check that all threads gave the same bits.
template <class Body>
void ForEachIsaAndThreads(const char* name,
                          const std::vector<const Array*>& inputs,
                          const std::vector<Spec>& specs, const Words& words,
                          const Body& body) {
  ForEachIsa([&](Isa isa) {
    std::vector<Array> first;
    ForEachThreadCount([&](int threads) {
      std::vector<Array> out;
      std::vector<Array*> pointers;
      for (const Spec& spec : specs) out.emplace_back(spec.dtype, spec.shape);
      for (Array& array : out) pointers.push_back(&array);
      Run(isa, name, inputs, pointers, words);
      for (size_t i = 0; threads > 1 && i < out.size(); i++) {
        CHECK(first[i].SameBits(out[i]));
      }
      if (threads == 1) first = std::move(out);
    });
    body(isa, first);
  });
}

// The same for one output: body(isa, output).
template <class Body>
void ForEachIsaAndThreads(const char* name,
                          const std::vector<const Array*>& inputs, DType dtype,
                          const Shape& shape, const Words& words,
                          const Body& body) {
  ForEachIsaAndThreads(
      name, inputs, {{dtype, shape}}, words,
      [&](Isa isa, const std::vector<Array>& out) { body(isa, out[0]); });
}

inline const char* NameOf(DType dtype) {
  constexpr const char* kNames[kDTypeCount] = {
      "bool",   "uint8", "int8",    "uint16",   "int16",   "uint32", "int32",
      "uint64", "int64", "float16", "bfloat16", "float32", "float64"};
  return kNames[static_cast<int>(dtype)];
}

inline std::string TextOf(const Shape& shape) {
  std::string text = "[";
  for (int64_t length : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(length);
  }
  return text + "]";
}

inline constexpr DType kFloatTypes[] = {DType::kFloat32, DType::kFloat64,
                                 DType::kFloat16, DType::kBFloat16};
inline constexpr DType kWideTypes[] = {DType::kFloat32, DType::kFloat64};
inline constexpr DType kIntegerTypes[] = {DType::kUInt8,  DType::kInt8,  DType::kUInt16,
                                   DType::kInt16,  DType::kUInt32, DType::kInt32,
                                   DType::kUInt64, DType::kInt64};
inline constexpr DType kEveryType[] = {
    DType::kBool,   DType::kUInt8,  DType::kInt8,    DType::kUInt16,
    DType::kInt16,  DType::kUInt32, DType::kInt32,   DType::kUInt64,
    DType::kInt64,  DType::kFloat16, DType::kBFloat16, DType::kFloat32,
    DType::kFloat64};

// Shows the first element that differs.
inline void CheckSame(const std::string& what, Isa isa, const Array& out,
                      const Array& expected) {
  CHECK(out.size() == expected.size());
  if (out.SameBits(expected)) return;
  Array one(out.dtype(), {1}), other(out.dtype(), {1});
  for (int64_t i = 0; i < out.size(); i++) {
    one.CopyElement(0, out, i);
    other.CopyElement(0, expected, i);
    if (one.SameBits(other)) continue;
    Fail(__FILE__, __LINE__, "%s %s, %s: [%lld] of %s is %.17g, not %.17g",
         NameOf(out.dtype()), what.c_str(), IsaName(isa),
         static_cast<long long>(i), TextOf(out.shape()).c_str(), out[i],
         expected[i]);
    return;
  }
}

// |out[i] - expected[i]| <= bound(i), infinities and NaN alike; shows the
// first that differs.
template <class Bound>
void CheckNear(const std::string& what, Isa isa, const Array& out,
               const std::vector<double>& expected, const Bound& bound) {
  CHECK(out.size() == static_cast<int64_t>(expected.size()));
  for (int64_t i = 0; i < out.size(); i++) {
    const double e = expected[static_cast<size_t>(i)];
    const double x = out[i];
    if (std::isnan(e) ? std::isnan(x)
                      : x == e || std::fabs(x - e) <= bound(i)) {
      continue;
    }
    Fail(__FILE__, __LINE__, "%s %s, %s: [%lld] of %s is %.17g, not %.17g",
         NameOf(out.dtype()), what.c_str(), IsaName(isa),
         static_cast<long long>(i), TextOf(out.shape()).c_str(), x, e);
    return;
  }
}

}  // namespace keratin::test
