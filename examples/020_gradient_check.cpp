// SPDX-License-Identifier: BSD-3-Clause
// A function of one's own, written in xtensor: its gradient is checked, and a wrong one is found.
#include <iostream>

#include <fathom/core/xtensor.hpp>
#include <fathom/fathom.hpp>
#include <xtensor/xmath.hpp>

using namespace fathom;

namespace {

/// softplus(x) = log(1 + exp(x)), elementwise. Its derivative is the logistic function.
class Softplus final : public Function {
 public:
  explicit Softplus(double factor) : factor_(factor) {}
  std::string_view name() const override { return "softplus"; }

  Arrays forward(std::span<const Array> inputs) override {
    retain_input(0);
    const auto x = as_xtensor<double>(inputs[0]);
    return {from_xtensor(xt::maximum(x, 0.0) + xt::log1p(xt::exp(-xt::abs(x))))};
  }

  // Written with ops, the gradient can be differentiated again.
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {gys[0] * ops::sigmoid(input(0)) * factor_};
  }

 private:
  double factor_;  // 1; anything else makes the gradient wrong
};

Variable softplus(const Variable& x, double factor = 1) { return apply<Softplus>({x}, factor); }

}  // namespace

int main() {
  const Array x = normal(Random{7}.key(), {2, 3}, 0, 2, DType::float64);

  const GradientReport first =
      check_backward([](const Variables& in) { return softplus(in[0]); }, {x}, {.every_element = true});
  const GradientReport second =
      check_double_backward([](const Variables& in) { return softplus(in[0]); }, {x});
  std::cout << first << '\n' << second << '\n';

  std::cout << "The same with a gradient that is one percent too large:\n";
  const GradientReport wrong =
      check_backward([](const Variables& in) { return softplus(in[0], 1.01); }, {x}, {.every_element = true});
  std::cout << wrong << '\n';

  return first && second && !wrong ? 0 : 1;
}
