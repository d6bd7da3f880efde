// Numbers whose order is that of the values that they stand for. Everything
// here has internal linkage, so that any instruction set may include it.
#pragma once

#include <cstdint>

#include "../kernel.h"

namespace keratin {
namespace {

// Encode and Decode are inverse but for NaN, which comes last and as one NaN.
// One class for all dtypes of a width.
template <class U>
class Coder {
 public:
  explicit Coder(DType dtype) {
    switch (dtype) {
      case DType::kInt8:
      case DType::kInt16:
      case DType::kInt32:
      case DType::kInt64:
        flip_ = kSign;
        break;
      case DType::kFloat16:
        infinity_ = static_cast<U>(0x7c00);
        break;
      case DType::kBFloat16:
        infinity_ = static_cast<U>(0x7f80);
        break;
      case DType::kFloat32:
        infinity_ = static_cast<U>(0x7f800000);
        break;
      case DType::kFloat64:
        infinity_ = static_cast<U>(uint64_t{0x7ff} << 52);
        break;
      default:
        break;
    }
  }
  U Encode(U x) const {
    if (infinity_ == 0) return static_cast<U>(x ^ flip_);
    if (static_cast<U>(x & ~kSign) > infinity_) return static_cast<U>(~U{0});
    return static_cast<U>(x & kSign ? ~x : x | kSign);
  }
  // The same, with -0 equal to 0: for the order of places, where ties count.
  U Rank(U x) const { return Encode(infinity_ != 0 && x == kSign ? U{0} : x); }
  // All ones of a float decodes to a NaN.
  U Decode(U key) const {
    if (infinity_ == 0) return static_cast<U>(key ^ flip_);
    return static_cast<U>(key & kSign ? key & ~kSign : ~key);
  }

 private:
  static constexpr U kSign = static_cast<U>(U{1} << (8 * sizeof(U) - 1));
  U flip_ = 0;
  U infinity_ = 0;  // its bits; 0: no float
};

// Calls fn(coder, zero) with the coder of a dtype.
template <class Fn>
Status WithCoder(DType dtype, const Fn& fn) {
  switch (ItemSize(dtype)) {
    case 1:
      return fn(Coder<uint8_t>(dtype), uint8_t{});
    case 2:
      return fn(Coder<uint16_t>(dtype), uint16_t{});
    case 4:
      return fn(Coder<uint32_t>(dtype), uint32_t{});
    default:
      return fn(Coder<uint64_t>(dtype), uint64_t{});
  }
}

}  // namespace
}  // namespace keratin
