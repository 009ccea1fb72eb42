// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom {

/// What is checked: outputs (one or several) from inputs, not random, the same for equal inputs.
using CheckedFunction = std::function<Variable(const Variables& inputs)>;
using CheckedFunctions = std::function<Variables(const Variables& inputs)>;

struct GradientCheckOptions {
  double step = 1e-3;       ///< h of the five points x - h, x - h/2, x, x + h/2, x + h
  double tolerance = 1e-6;  ///< passes if |numeric - backward| <= tolerance * max(1, |backward|)
  double kink_tolerance =
      1e-3;                ///< a parabola through the five points may miss them by this share of their range
  std::uint64_t seed = 1;  ///< of the direction and of the output gradients that were not given
  bool every_element = false;       ///< besides the random direction, each element of each input by itself
  std::vector<bool> no_grads = {};  ///< inputs that are held fixed and must get no gradient
};

/// What a check found; true in a condition when it passed.
struct GradientReport {
  bool passed = false;
  std::string text;  ///< for people: what was compared, both numbers, which element of which input, the seed
  explicit operator bool() const { return passed; }
};
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, const GradientReport& report);

/// Compares backward() with the numeric derivative along one random direction of all inputs together (method:
/// Chainer's gradient_check). `inputs` are float64 (DTypeError). Output gradients are drawn from the seed
/// when `gys` is empty. A point where the function is not differentiable is reported as such.
[[nodiscard]] FATHOM_EXPORT GradientReport check_backward(const CheckedFunction& function,
                                                          const Arrays& inputs,
                                                          const GradientCheckOptions& options = {});
[[nodiscard]] FATHOM_EXPORT GradientReport check_backward(const CheckedFunctions& function,
                                                          const Arrays& inputs, const Arrays& gys,
                                                          const GradientCheckOptions& options = {});

/// The same at the values of Variables of any float type, in float64: `check_backward(f, {x, W, b})`.
[[nodiscard]] FATHOM_EXPORT GradientReport check_backward(const CheckedFunction& function,
                                                          std::initializer_list<Variable> inputs,
                                                          const GradientCheckOptions& options = {});

/// The same for the gradients themselves: their derivatives with respect to the inputs and the output
/// gradients. The first order is trusted, so run check_backward too.
[[nodiscard]] FATHOM_EXPORT GradientReport check_double_backward(const CheckedFunction& function,
                                                                 const Arrays& inputs,
                                                                 const GradientCheckOptions& options = {});
[[nodiscard]] FATHOM_EXPORT GradientReport check_double_backward(const CheckedFunctions& function,
                                                                 const Arrays& inputs, const Arrays& gys,
                                                                 const GradientCheckOptions& options = {});

[[nodiscard]] FATHOM_EXPORT GradientReport check_double_backward(const CheckedFunction& function,
                                                                 std::initializer_list<Variable> inputs,
                                                                 const GradientCheckOptions& options = {});

}  // namespace fathom
