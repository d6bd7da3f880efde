// Reads the words of plans.
#pragma once

#include <cstddef>
#include <cstdint>

namespace keratin {

// Remembers whether it ran past the end, and never reads there.
class WordReader {
 public:
  WordReader(const int32_t* words, size_t count) : next_(words), left_(count) {}
  int32_t Next() {
    if (left_ == 0) {
      ok_ = false;
      return 0;
    }
    left_--;
    return *next_++;
  }
  // A count of things of at least one word each.
  int32_t Count() {
    const int32_t count = Next();
    if (count < 0 || static_cast<size_t>(count) > left_) ok_ = false;
    return ok_ ? count : 0;
  }
  const int32_t* Take(int32_t count) {
    if (count < 0 || static_cast<size_t>(count) > left_) {
      ok_ = false;
      return next_;
    }
    const int32_t* words = next_;
    next_ += count;
    left_ -= static_cast<size_t>(count);
    return words;
  }
  bool ok() const { return ok_; }

 private:
  const int32_t* next_;
  size_t left_;
  bool ok_ = true;
};

}  // namespace keratin
