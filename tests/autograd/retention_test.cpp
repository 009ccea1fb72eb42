// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>

#include "support/functions.hpp"

using namespace fathom;
using namespace fathom::test;

TEST_CASE("an array that backward reads must not change in between", "[retention]") {
  Variable x(Array::full({3}, 2, DType::float64), true);
  const Variable y = multiply(x, x);
  x.mutable_data().mutable_data<double>()[0] = 5;
  const Variable gy(Array::ones({3}, DType::float64));
  CHECK_THROWS_WITH(backward(std::span(&y, 1), std::span(&gy, 1)),
                    "multiply: input 1 was changed in place after forward, so its gradient would be wrong\n  "
                    "input 1: float64 [3]\n"
                    "  hint: run backward before changing it, or change a copy()");
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("only what functions retain stays alive, until their backward", "[retention]") {
  const std::int64_t item = 8 * 1024;
  const auto in_use = [base = memory_statistics().bytes_in_use] {
    return memory_statistics().bytes_in_use - base;
  };
  const Variable x(Array::ones({1024}, DType::float64), true);
  REQUIRE(in_use() == item);
  Variable y = plus(plus(plus(x, x), x), x);  // keeps nothing: only y itself
  CHECK(in_use() == 2 * item);
  y = multiply(multiply(x, x), x);  // keeps x and the inner product, besides y
  CHECK(in_use() == 3 * item);
  const Variable gy(Array::ones({1024}, DType::float64));
  backward(std::span(&y, 1), std::span(&gy, 1));
  CHECK(in_use() == 4 * item);  // x, y, gy, gradient of x: what was kept is released
}

TEST_CASE("arrays of a function's own are released and guarded like its inputs", "[retention]") {
  class Scale final : public Function {
   public:
    explicit Scale(Array factors) : factors_(std::move(factors)) {}
    std::string_view name() const override { return "scale"; }
    Arrays forward(std::span<const Array> in) override {
      retain("factors", factors_);
      return {zip("scale", in[0], std::exchange(factors_, {}), [](auto a, auto b) { return a * b; })};
    }
    Variables backward(const Wanted&, std::span<const Variable> gys) override {
      return {multiply(gys[0], Variable(retained("factors")))};
    }

   private:
    Array factors_;
  };
  Array factors = Array::full({}, 4, DType::float64);
  const Variable x = leaf(3);
  const Variable y = apply<Scale>({x}, factors);
  CHECK_FALSE(factors.is_unique());
  SECTION("released") {
    backward(y);
    CHECK(x.grad().item() == 4);
    CHECK(factors.is_unique());
  }
  SECTION("changed in place") {
    factors.mutable_data<double>()[0] = 5;
    CHECK_THROWS_WITH(backward(y),
                      "scale: factors was changed in place after forward, so its gradient would be wrong\n  "
                      "factors: float64 "
                      "[]\n  hint: run backward before changing it, or change a copy()");
  }
}

TEST_CASE("a retained output that nobody holds any more can be differentiated through", "[retention]") {
  /// y0 = x^2 and y1 = x^3 / 3; the second's gradient reads the first.
  class Powers final : public Function {
   public:
    std::string_view name() const override { return "powers"; }
    Arrays forward(std::span<const Array> in) override {
      retain_input(0);
      retain_output(0);
      return {map("square", in[0], [](auto x) { return x * x; }),
              map("cube", in[0], [](auto x) { return x * x * x / 3; })};
    }
    Variables backward(const Wanted&, std::span<const Variable> gys) override {
      const Variable two(Array::full({}, 2, DType::float64));
      Variable gx;
      if (gys[0].defined()) gx = multiply(gys[0], multiply(two, input(0)));
      if (gys[1].defined())
        gx = gx.defined() ? plus(gx, multiply(gys[1], output(0))) : multiply(gys[1], output(0));
      return {gx};
    }
  };
  const bool keep = GENERATE(true, false);
  const Variable x = leaf(3);
  Variables ys = std::make_shared<Powers>()->apply_to(std::span(&x, 1));
  const Variable y = ys[1];
  if (!keep) ys.clear();
  const Variable gx = grad({y}, {x}, {}, {.create_graph = true})[0];
  CHECK(gx.item() == 9);
  CHECK(grad({gx}, {x})[0].item() == 6);
}

TEST_CASE("retaining what is not there is refused", "[retention]") {
  class Greedy final : public Function {
   public:
    std::string_view name() const override { return "greedy"; }
    Arrays forward(std::span<const Array> in) override {
      retain_inputs({0, 1});
      return {in[0].copy()};
    }
    Variables backward(const Wanted&, std::span<const Variable> gys) override { return {gys[0]}; }
  };
  CHECK_THROWS_WITH(apply<Greedy>({leaf(1)}),
                    "greedy: forward retains input 1, of which there are 1\n  hint: count from 0; an "
                    "optional input may be absent");
  GradientSink sink;
  CHECK_THROWS_AS(sink.give(Array::ones({}, DType::float64)), GraphError);
}
