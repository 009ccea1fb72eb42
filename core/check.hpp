// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/export.hpp>

namespace fathom {

/// Checks the arguments of one operation and words its errors:
///
///     depthwise_convolution_2d: W must have as many channels as x (x has 32, W has 16)
///       x: float32 [64, 32, 28, 28]  (n, cI, h, w)
///       W: float32 [1, 16, 3, 3]     (cM, cI, kH, kW)
///       hint: ...
///
/// Nothing is formatted until a rule is broken. The strings and arrays given to it must outlive it.
class FATHOM_EXPORT ArgumentCheck {
 public:
  explicit ArgumentCheck(std::string_view op) : op_(op) {}

  /// Remembers an argument for the texts; `axes` names its axes, "(n, c, h, w)". To have all arguments in
  /// every text, remember all before the first rule.
  ArgumentCheck& argument(std::string_view name, const Array& array, std::string_view axes = {});

  /// The rules below are about the last argument, or the one named here. Each throws GraphError first when
  /// one of the arguments is undefined.
  ArgumentCheck& select(std::string_view name);
  /// No other rule than that.
  ArgumentCheck& defined();

  /// The last argument must have this many axes (ShapeError).
  ArgumentCheck& rank(std::size_t rank);
  /// The last argument must be float32 or float64 (DTypeError).
  ArgumentCheck& floating();
  /// The last argument must be int32 or int64 (DTypeError).
  ArgumentCheck& index();
  /// The last argument must have the first one's dtype (DTypeError).
  ArgumentCheck& same_dtype();
  /// The last argument must have this shape (ShapeError); `meaning` says where it comes from, "that of x".
  ArgumentCheck& shape(const Shape& shape, std::string_view meaning);
  /// Any two of the arguments must broadcast (ShapeError).
  ArgumentCheck& broadcast();

  /// The number must be at least `least` (ValueError); `name` is the option's.
  ArgumentCheck& at_least(std::string_view name, std::int64_t value, std::int64_t least,
                          std::string_view hint = {});
  ArgumentCheck& at_least(std::string_view name, Pair2 value, std::int64_t least, std::string_view hint = {});

  /// `axis`, negative counted from the end, as a number in [0, count). Throws ValueError.
  [[nodiscard]] std::size_t axis(std::int64_t axis, std::size_t count) const;
  /// Each of `axes` so, in the order given. Throws ValueError also for one that is named twice.
  [[nodiscard]] std::vector<std::size_t> axes(std::span<const std::int64_t> axes, std::size_t count) const;

  /// Throws E with the full text. `rule` is what must hold, with the values that break it.
  template <class E>
  [[noreturn]] void fail(std::string_view rule, std::string_view hint = {}) const {
    throw E(text(rule, hint));
  }
  [[nodiscard]] std::string text(std::string_view rule, std::string_view hint = {}) const;

  /// This check with what to do when the rule is broken, for FATHOM_CHECK.
  class Hinted;
  [[nodiscard]] Hinted hint(std::string_view hint) const;

 private:
  struct Argument {
    std::string_view name;
    const Array* array = nullptr;
    std::string_view axes;
  };
  [[nodiscard]] const Argument& last() const { return arguments_[selected_]; }

  std::string_view op_;
  std::array<Argument, 8> arguments_{};
  std::size_t count_ = 0;
  std::size_t defined_ = 0;  // how many of them are known to be
  std::size_t selected_ = 0;
};

class ArgumentCheck::Hinted {
 public:
  Hinted(const ArgumentCheck& check, std::string_view hint) : check_(check), hint_(hint) {}
  template <class E>
  [[noreturn]] void fail(std::string_view rule) const {
    check_.fail<E>(rule, hint_);
  }

 private:
  const ArgumentCheck& check_;
  std::string_view hint_;
};

inline ArgumentCheck::Hinted ArgumentCheck::hint(std::string_view hint) const { return {*this, hint}; }

/// FATHOM_CHECK(check.hint("what to do"), condition, ErrorType, format, ...): throws with the check's text
/// unless the condition holds. The message is formatted (fmt) only then; the file that uses it includes
/// <fmt/format.h>.
#define FATHOM_CHECK(check, condition, error, ...)                     \
  do {                                                                 \
    if (!(condition)) (check).fail<error>(::fmt::format(__VA_ARGS__)); \
  } while (false)

}  // namespace fathom
