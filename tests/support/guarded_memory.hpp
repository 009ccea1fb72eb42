// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <fathom/core/array.hpp>

namespace fathom::test {

/// The end of a buffer that touches a page without access.
enum class Side { start, end };

/// `size` bytes next to a page that cannot be read or written: one access too far ends the program, in every
/// build. Aligned to what divides `size`.
class GuardedMemory {
 public:
  GuardedMemory(std::size_t size, Side side);
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory();
  [[nodiscard]] void* data() const { return data_; }

 private:
  std::size_t mapped_;
  std::byte* pages_;
  std::byte* data_;
};

/// An array between 64 bytes of slack: NaN around inputs, which kernels may read, and a mark around outputs,
/// which they must leave alone. What goes further at `side` hits a page without access.
template <class T>
class Guarded {
 public:
  /// An input with these float64 values.
  Guarded(const Array& values, Side side)
      : Guarded(values.size(), std::numeric_limits<T>::quiet_NaN(), side) {
    for (std::int64_t i = 0; i < values.size(); ++i) data()[i] = static_cast<T>(values.data<double>()[i]);
  }
  Guarded(std::int64_t size, T slack, Side side)
      : slack_(slack),
        count_(static_cast<std::size_t>(size) + 2 * kSlack),
        storage_(count_ * sizeof(T), side),
        first_(static_cast<T*>(storage_.data())) {
    std::fill_n(first_, count_, slack);
  }
  T* data() { return first_ + kSlack; }
  [[nodiscard]] bool slack_untouched() const {
    const auto is_slack = [this](T value) { return value == slack_; };
    return std::all_of(first_, first_ + kSlack, is_slack) &&
           std::all_of(first_ + count_ - kSlack, first_ + count_, is_slack);
  }

 private:
  static constexpr std::size_t kSlack = 64 / sizeof(T);
  T slack_;
  std::size_t count_;
  GuardedMemory storage_;
  T* first_;
};

}  // namespace fathom::test
