// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <fathom/core/export.hpp>

namespace fathom {

/// What every error of the library derives from. The text names the operation or file, the rule broken with
/// its values, each argument with dtype and shape, and what to do.
class FATHOM_EXPORT Error : public std::exception {
 public:
  explicit Error(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  /// Appends a line "  in: context" once; later calls leave the innermost context.
  void add_context(std::string_view context);

 private:
  std::string text_;
  bool has_context_ = false;
};

/// Shapes or ranks do not fit.
class FATHOM_EXPORT ShapeError : public Error {
 public:
  using Error::Error;
};
/// An element type is not allowed, or types are mixed.
class FATHOM_EXPORT DTypeError : public Error {
 public:
  using Error::Error;
};
/// A number or option is outside its range.
class FATHOM_EXPORT ValueError : public Error {
 public:
  using Error::Error;
};
/// The graph cannot do this: released, changed in place, uninitialised parameter.
class FATHOM_EXPORT GraphError : public Error {
 public:
  using Error::Error;
};
/// A computation gave NaN or an infinity: what DebugScope throws.
class FATHOM_EXPORT NumericError : public Error {
 public:
  using Error::Error;
};
/// A file is missing, unreadable, unwritable or corrupt.
class FATHOM_EXPORT IoError : public Error {
 public:
  using Error::Error;
};

}  // namespace fathom
