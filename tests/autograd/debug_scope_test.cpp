// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/debug_scope.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/module_path.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/value_statistics.hpp>
#include <support/functions.hpp>

using namespace fathom;
using namespace fathom::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Variable logarithm(const Variable& x);
Variable reciprocal(const Variable& x);

/// log x, without a fast way.
class Logarithm final : public Function {
 public:
  std::string_view name() const override { return "logarithm"; }
  Arrays forward(std::span<const Array> in) override {
    retain_input(0);
    return {map("logarithm", in[0], [](auto x) { return std::log(x); })};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {multiply(gys[0], reciprocal(input(0)))};
  }
};

/// sqrt x, with the fast way.
class SquareRoot final : public Function {
 public:
  std::string_view name() const override { return "square_root"; }
  Arrays forward(std::span<const Array> in) override {
    retain_output(0);
    return {map("square_root", in[0], [](auto x) { return std::sqrt(x); })};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Variable y = output(0);
    return {multiply(gys[0], reciprocal(plus(y, y)))};
  }
  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    into[0].give(zip("square_root", gys[0], output_array(0), [](auto gy, auto y) { return gy / (y + y); }));
  }
};

class Reciprocal final : public Function {
 public:
  std::string_view name() const override { return "reciprocal"; }
  Arrays forward(std::span<const Array> in) override {
    return {map("reciprocal", in[0], [](auto x) { return 1 / x; })};
  }
  Variables backward(const Wanted&, std::span<const Variable>) override { return {Variable{}}; }
};

Variable logarithm(const Variable& x) { return apply<Logarithm>({x}); }
Variable reciprocal(const Variable& x) { return apply<Reciprocal>({x}); }

std::string name_of(const void*, const void* object) { return static_cast<const char*>(object); }

Variable vector(std::initializer_list<double> values) {
  return Variable{Array::from(values, {static_cast<std::int64_t>(values.size())}), true};
}

void backward_from_ones(const Variable& y, const BackwardOptions& options = {}) {
  backward(std::vector<Variable>{y}, std::vector<Variable>{Variable{Array::ones(y.shape(), y.dtype())}},
           options);
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const NumericError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("DebugScope names the function that made an infinity", "[debug]") {
  const DebugScope debug;
  const Variable x{Array::from({1.0, 2.0, 3.0, 0.0, 0.0, 1.0}, {2, 3}), true};
  const ModulePathScope outer("features", name_of);
  const ModulePathScope inner("1", name_of);
  CHECK(error_of([&] { static_cast<void>(multiply(logarithm(x), x)); }) ==
        "logarithm: made -inf in output 0, first at [1, 0]\n"
        "  input 0: float64 [2, 3], all finite, from 0 to 3\n"
        "  output 0: float64 [2, 3], 2 inf, 4 finite, from 0 to 1.09861\n"
        "  hint: all that it was computed from is finite, so it began here\n"
        "  in: features.1");
}

TEST_CASE("DebugScope says when the values came in", "[debug]") {
  const DebugScope debug;
  CHECK(error_of([&] {
          static_cast<void>(plus(vector({1, 2}), vector({1, kNan})));
        }) ==
        "plus: passed on nan in output 0, first at [1]\n"
        "  input 0: float64 [2], all finite, from 1 to 2\n"
        "  input 1: float64 [2], 1 nan, 1 finite, from 1 to 1\n"
        "  output 0: float64 [2], 1 nan, 1 finite, from 2 to 2\n"
        "  hint: input 1 had it before; look at where that comes from");
}

TEST_CASE("DebugScope looks at backward, without and with a graph", "[debug]") {
  const Variable x = vector({4, 0});
  const auto root = [&] {
    const ModulePathScope scope("norm", name_of);
    return apply<SquareRoot>({multiply(x, x)});
  };
  SECTION("backward_arrays") {
    const DebugScope debug;
    const Variable y = root();
    CHECK(error_of([&] { backward_from_ones(y); }) ==
          "backward of square_root: made inf in gradient of input 0, first at [1]\n"
          "  gradient of output 0: float64 [2], all finite, from 1 to 1\n"
          "  output 0: float64 [2], all finite, from 0 to 4\n"
          "  gradient of input 0: float64 [2], 1 inf, 1 finite, from 0.125 to 0.125\n"
          "  hint: all that it was computed from is finite, so it began here\n"
          "  in: norm");
  }
  SECTION("create_graph: the function inside of the backward") {
    const DebugScope debug;
    const Variable y = root();
    CHECK(error_of([&] { backward_from_ones(y, {.create_graph = true}); }) ==
          "reciprocal in the backward of square_root: made inf in output 0, first at [1]\n"
          "  input 0: float64 [2], all finite, from 0 to 8\n"
          "  output 0: float64 [2], 1 inf, 1 finite, from 0.125 to 0.125\n"
          "  hint: all that it was computed from is finite, so it began here\n"
          "  in: norm");
  }
  SECTION("a graph made before the scope has no paths") {
    const Variable y = root();
    const DebugScope debug;
    const std::string text = error_of([&] { backward_from_ones(y); });
    CHECK(text.starts_with("backward of square_root: made inf"));
    CHECK(text.find("in: ") == std::string::npos);
  }
  CHECK(function_in_backward() == nullptr);
}

TEST_CASE("a gradient that starts as NaN is passed on", "[debug]") {
  const DebugScope debug;
  const Variable x = vector({4, 1});
  const Variable y = multiply(x, x);
  CHECK(error_of([&] {
          backward(std::vector<Variable>{y}, std::vector<Variable>{vector({1, kNan})});
        }).find("hint: input 0 had it before") != std::string::npos);
}

TEST_CASE("after DebugScope has thrown, no gradient of a leaf has changed", "[debug]") {
  const Variable x = vector({4, 0});
  backward_from_ones(multiply(x, x));
  const Array before = x.grad().data().copy();
  const bool create_graph = GENERATE(false, true);
  {
    const DebugScope debug;
    const Variable y = plus(apply<SquareRoot>({x}), multiply(x, x));
    CHECK_THROWS_AS(backward_from_ones(y, {.create_graph = create_graph}), NumericError);
  }
  CHECK(identical(x.grad().data(), before));
  backward_from_ones(multiply(x, x));
  CHECK(x.grad().data().data<double>()[0] == 16);
}

TEST_CASE("DebugScope sees a leaf's sum of gradients overflow, and no leaf has changed", "[debug]") {
  constexpr double kLarge = 1e308;
  const Variable x = vector({0.25, 0.5}), other = vector({3, 4});
  const auto scaled = [](const Variable& v) {
    return multiply(v, Variable{Array::full({2}, kLarge, DType::float64)});
  };
  const auto overflow = [&](const Variable& y) { backward_from_ones(plus(y, multiply(other, other))); };
  const std::string text =
      "backward: inf in the sum of gradients of a leaf, first at [0]\n"
      "  leaf: float64 [2], all finite, from 0.25 to 0.5\n"
      "  sum of gradients: float64 [2], 2 inf, 0 finite\n"
      "  hint: no function gave it, so the sum has overflowed, or the leaf's gradient had it before this "
      "backward";
  const DebugScope debug;
  SECTION("several uses") {
    CHECK(error_of([&] { overflow(plus(scaled(x), scaled(x))); }) == text);
    CHECK_FALSE(x.grad().defined());
  }
  SECTION("several calls of backward") {
    backward_from_ones(scaled(x));
    CHECK(error_of([&] { overflow(scaled(x)); }) == text);
    CHECK(x.grad().data().data<double>()[0] == kLarge);
  }
  CHECK_FALSE(other.grad().defined());
}

TEST_CASE("without the scope, and for what is not asked for, nothing is thrown", "[debug]") {
  const Variable x = vector({0, 1});
  CHECK(std::isinf(logarithm(x).data().data<double>()[0]));
  {
    const DebugScope debug{{.infinity = false}};
    CHECK(error_of([&] { static_cast<void>(logarithm(x)); }) == "no error");
    CHECK(error_of([&] { static_cast<void>(logarithm(vector({-1}))); }).starts_with("logarithm: made"));
  }
  {
    const DebugScope debug{{.nan = false}};
    CHECK(error_of([&] { static_cast<void>(logarithm(vector({-1}))); }) == "no error");
    CHECK(error_of([&] { static_cast<void>(logarithm(x)); }).starts_with("logarithm: made -inf"));
  }
  CHECK(error_of([&] { static_cast<void>(logarithm(x)); }) == "no error");
}

TEST_CASE("gradients are the same with the scope as without", "[debug]") {
  const Variable x = vector({4, 2, 0.3});
  const auto gradient = [&] {
    return grad({plus(multiply(apply<SquareRoot>({x}), x), apply<MultiplyWithArrays>({x, x}))}, {x},
                {vector({1, 2, 3})})[0]
        .data();
  };
  const Array plain = gradient();
  const DebugScope debug;
  CHECK(identical(gradient(), plain));
}

TEST_CASE("statistics of values", "[debug]") {
  const ValueStatistics some =
      value_statistics(Array::from({1.0, -kInfinity, kNan, -3.0, kInfinity, kNan}, {6}));
  CHECK(some.finite == 2);
  CHECK(some.infinite == 2);
  CHECK(some.nan == 2);
  CHECK(some.first_infinite == 1);
  CHECK(some.first_nan == 2);
  CHECK(to_string(some) == "2 nan, 2 inf, 2 finite, from -3 to 1");
  CHECK(to_string(value_statistics(Array::from({kNan}, {1}))) == "1 nan, 0 finite");
  CHECK(to_string(value_statistics(Array::zeros({0}, DType::float32))) == "all finite");
  CHECK(to_string(value_statistics(Array::arange(4, DType::int64))) == "all finite, from 0 to 3");
}
