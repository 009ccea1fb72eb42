// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

#include <cmath>

#include "support/functions.hpp"

using namespace fathom;
using namespace fathom::test;
using Catch::Matchers::Contains;

namespace {

/// x^2 or |x| whose gradients can be made wrong: in one element, in one of the two ways, or in the second
/// order alone.
class Faulty final : public Function {
 public:
  enum class Fault { none, sign, one_element, arrays_only, recorded_only, second_order };
  explicit Faulty(Fault fault) : fault_(fault) {}
  std::string_view name() const override { return "faulty_square"; }
  Arrays forward(std::span<const Array> in) override {
    retain_input(0);
    return {map("faulty_square", in[0], [](auto x) { return x * x; })};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    Array factor = Array::full(input(0).shape(), 2, DType::float64);
    if (fault_ == Fault::sign || fault_ == Fault::recorded_only)
      factor = Array::full(factor.shape(), -2, DType::float64);
    if (fault_ == Fault::one_element) factor.mutable_data<double>()[4] = 2.01;
    // The right value, cut off from x.
    const Variable x = fault_ == Fault::second_order ? input(0).detach() : input(0);
    return {multiply(gys[0], multiply(Variable(factor), x))};
  }
  bool has_backward_arrays() const override {
    return fault_ == Fault::arrays_only || fault_ == Fault::recorded_only;
  }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const double factor = fault_ == Fault::arrays_only ? -2 : 2;
    into[0].give(zip("faulty", gys[0], input_array(0),
                     [=]<class T>(T gy, T x) { return static_cast<T>(factor) * gy * x; }));
  }

 private:
  Fault fault_;
};

CheckedFunction square(Faulty::Fault fault) {
  return [fault](const Variables& in) { return apply<Faulty>({in[0]}, fault); };
}

class Absolute final : public Function {
 public:
  std::string_view name() const override { return "absolute"; }
  Arrays forward(std::span<const Array> in) override {
    retain_input(0);
    return {map("absolute", in[0], [](auto x) { return std::abs(x); })};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Array sign = map("sign", input(0).data(),
                           []<class T>(T x) { return static_cast<T>(x > 0) - static_cast<T>(x < 0); });
    return {multiply(gys[0], Variable(sign))};
  }
};

const Array kX = normal({1, 0}, {2, 3}, 0, 1, DType::float64);

}  // namespace

TEST_CASE("right gradients pass both orders", "[gradient_check]") {
  const GradientReport first = check_backward(square(Faulty::Fault::none), {kX}, {.every_element = true});
  INFO(first);
  CHECK(first);
  CHECK_THAT(first.text, Contains("faulty_square: gradients agree") && Contains("each of 6 elements agrees"));
  const GradientReport second =
      check_double_backward(square(Faulty::Fault::none), {kX}, {.every_element = true});
  INFO(second);
  CHECK(second);
}

TEST_CASE("wrong gradients are found whichever way is wrong", "[gradient_check]") {
  const auto fault = GENERATE(Faulty::Fault::sign, Faulty::Fault::one_element, Faulty::Fault::arrays_only,
                              Faulty::Fault::recorded_only);
  const GradientReport report = check_backward(square(fault), {kX});
  CHECK_FALSE(report);
  CHECK_THAT(report.text, Contains("faulty_square: gradients differ") && Contains("seed 1"));
}

TEST_CASE("a second order that is cut off is found by the second-order check alone", "[gradient_check]") {
  CHECK(check_backward(square(Faulty::Fault::second_order), {kX}));
  CHECK_FALSE(check_double_backward(square(Faulty::Fault::second_order), {kX}));
}

TEST_CASE("the full mode names input and element", "[gradient_check]") {
  const GradientReport report =
      check_backward(square(Faulty::Fault::one_element), {kX}, {.every_element = true});
  CHECK_FALSE(report);
  CHECK_THAT(report.text, Contains("faulty_square: gradients differ: backward, 1 of 6 elements\n"
                                   "  input 0 element [1, 1]: numeric "));
}

TEST_CASE("a kink is reported as a kink", "[gradient_check]") {
  const CheckedFunction absolute = [](const Variables& in) { return apply<Absolute>({in[0]}); };
  Array x = Array::from({1.0, -0.5, 0.0001}, {3});
  const GradientReport report = check_backward(absolute, {x});
  CHECK_FALSE(report);
  CHECK_THAT(
      report.text,
      Contains(
          "absolute: not differentiable here: output 0 element 2 has a kink within 0.001 of this point"));
  x.mutable_data<double>()[2] = 0.01;
  CHECK(check_backward(absolute, {x}));
}

TEST_CASE("inputs that are held fixed must get no gradient", "[gradient_check]") {
  const CheckedFunction product = [](const Variables& in) { return multiply(in[0], in[1]); };
  CHECK(check_backward(product, {kX, kX.copy()}, {.no_grads = {false, true}}));
  CHECK(check_double_backward(product, {kX, kX.copy()}, {.no_grads = {true, false}}));
}

TEST_CASE("several outputs, one of them without gradient", "[gradient_check]") {
  const CheckedFunctions function = [](const Variables& in) {
    return Variables{multiply(in[0], in[1]), in[0].detach(), plus(in[0], in[0])};
  };
  // The middle output's values depend on x although its gradient is cut: that is what the check must see.
  CHECK_FALSE(check_backward(function, {kX, kX.copy()}, {}));
  const CheckedFunctions two = [](const Variables& in) {
    return Variables{multiply(in[0], in[1]), plus(in[0], in[0])};
  };
  CHECK(check_backward(two, {kX, kX.copy()}, {}));
  CHECK(check_double_backward(two, {kX, kX.copy()}, {}));
}

TEST_CASE("a wrong number of output gradients is refused by both checks", "[gradient_check]") {
  const CheckedFunctions two = [](const Variables& in) {
    return Variables{multiply(in[0], in[0]), plus(in[0], in[0])};
  };
  const std::string text =
      "gradient check: each output needs its gradient (2 outputs, 1 gradients)\n  hint: leave gys empty to "
      "have them drawn";
  CHECK_THROWS_WITH(check_backward(two, {kX}, {kX}), text);
  CHECK_THROWS_WITH(check_double_backward(two, {kX}, {kX}), text);
}

TEST_CASE("Variables of any float type are checked at their values in double", "[gradient_check]") {
  const Variable a(kX.astype(DType::float32), true);
  const Variable b(kX);
  const auto product = [](const auto& in) { return multiply(in[0], multiply(in[1], in[1])); };
  CHECK(check_backward(product, {a, b}));
  CHECK(check_double_backward(product, {a, b}, {.seed = 2}));
  CHECK_FALSE(check_backward(square(Faulty::Fault::sign), {a}));
}

TEST_CASE("inputs must be double", "[gradient_check]") {
  CHECK_THROWS_WITH(check_backward(square(Faulty::Fault::none), {kX.astype(DType::float32)}),
                    "gradient check: input 0 must be float64 (it is float32 [2, 3])\n  hint: check in "
                    "double; convert with astype");
}
