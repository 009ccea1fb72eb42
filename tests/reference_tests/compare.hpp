// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::reference {

/// Collects where one entry differs from what was recorded.
class Comparison {
 public:
  /// Passes if |a - r| <= atol + rtol * |r|; NaN agrees with NaN, an infinity with the same one.
  Comparison(double rtol, double atol) : rtol_(rtol), atol_(atol) {}

  /// Shapes must be equal, and the types too where the recorded one is a float; integers compare by value.
  void array(std::string_view what, const Array& actual, const Array& recorded);
  /// A gradient: nothing recorded means zero, and so does an undefined one. Its type is `input`'s in any
  /// case.
  void gradient(std::string_view what, const Variable& actual, const Array& recorded, const Array& input);
  void number(std::string_view what, double actual, double recorded);
  void fail(std::string text) { failures_.push_back(std::move(text)); }

  [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }

 private:
  void values(std::string_view what, const Array& actual, const Array& recorded);

  double rtol_;
  double atol_;
  std::vector<std::string> failures_;
};

}  // namespace fathom::reference
