// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/hooks.hpp>
#include <fathom/core/error.hpp>

#include "support/functions.hpp"

using namespace fathom;
using namespace fathom::test;
using Catch::Matchers::Contains;

TEST_CASE("a variable is a handle", "[variable]") {
  const Variable x = leaf(3);
  const Variable same = x;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
  CHECK(same.is(x));
  CHECK_FALSE(leaf(3).is(x));
  CHECK(x.requires_grad());
  CHECK_FALSE(x.detach().requires_grad());
  CHECK(x.detach().data().shares_buffer_with(x.data()));
  CHECK(to_string(multiply(x, x)) == "9  float64 []  from multiply");
  CHECK(to_string(x) == "3  float64 []  leaf");
  CHECK(to_string(Variable{}) == "undefined");
}

TEST_CASE("variables hold computing types only", "[variable]") {
  CHECK_THROWS_WITH(Variable(Array::zeros({2}, DType::int64)),
                    "Variable: data must be float32 or float64 (it is int64)\n  data: int64 [2]\n  hint: "
                    "convert it with astype");
  CHECK_THROWS_AS(Variable(Array{}), GraphError);
  CHECK_THROWS_WITH(Variable{}.shape(),
                    "Variable: an undefined variable has no data\n  hint: Variable{} is legal only as an "
                    "optional argument");
}

TEST_CASE("a leaf can be frozen, replaced and given a gradient; a result cannot", "[variable]") {
  Variable x = leaf(3);
  x.set_requires_grad(false);
  CHECK_FALSE(multiply(x, x).requires_grad());
  x.set_requires_grad(true);
  x.set_data(Array::full({2}, 4, DType::float32));
  CHECK(describe(x.data()) == "float32 [2]");
  x.set_grad(Variable(Array::ones({2}, DType::float32)));
  CHECK(x.grad().shape() == Shape{2});
  CHECK_THROWS_AS(x.set_grad(Variable(Array::ones({3}, DType::float32))), ShapeError);
  CHECK_THROWS_AS(x.set_grad(Variable(Array::ones({2}, DType::float64))), DTypeError);
  Variable y = multiply(x, x);
  CHECK_THROWS_WITH(y.set_data(x.data()), Contains("the result of multiply cannot be replaced"));
  CHECK_THROWS_WITH(y.set_requires_grad(false), Contains("the result of multiply cannot be frozen"));
}

TEST_CASE("a gradient made before a leaf's data was replaced does not reach it", "[variable]") {
  Variable x(Array::ones({1}, DType::float64), true);
  const Variable y = multiply(x, x);
  x.set_data(Array::ones({3}, DType::float64));
  backward(y);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("hooks see complete gradients and may replace them", "[variable]") {
  Variable x = leaf(3);
  std::vector<double> seen;
  Variable m = multiply(x, x);
  m.on_grad([&](const Variable& g) {
    seen.push_back(g.item());
    return Variable{};
  });
  x.on_grad([&](const Variable& g) {
    seen.push_back(g.item());
    return Variable(Array::scalar(100, DType::float64));
  });
  backward(plus(m, multiply(m, x)));  // dy/dm = 1 + x, complete only when both have come
  CHECK(seen == std::vector<double>{4, 6 * 4 + 9});
  CHECK(x.grad().item() == 100);
  CHECK_THROWS_AS(x.detach().on_grad([](const Variable&) { return Variable{}; }), GraphError);
}

TEST_CASE("a hook may add hooks, which run the next time", "[variable]") {
  Variable x = leaf(3);
  int second = 0;
  x.on_grad([&](const Variable&) {
    for (int i = 0; i < 20; ++i) {
      x.on_grad([&](const Variable&) {
        ++second;
        return Variable{};
      });
    }
    return Variable{};
  });
  backward(multiply(x, x));
  CHECK(second == 0);
  backward(multiply(x, x));
  CHECK(second == 20);
}

TEST_CASE("a hook that returns another shape is refused, and nothing changes", "[variable]") {
  Variable x = leaf(3);
  x.on_grad([](const Variable&) { return Variable(Array::ones({2}, DType::float64)); });
  CHECK_THROWS_WITH(backward(multiply(x, x)),
                    "on_grad: a hook must return a gradient of float64 [] (it returned float64 [2])\n"
                    "  hint: return Variable{} to leave the gradient as it is");
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("copies of a parameter are independent, moves keep the handle", "[parameter]") {
  Parameter p(Array::full({2}, 1, DType::float64));
  const Variable handle = p;
  Parameter copy = p;
  copy.mutable_data().mutable_data<double>()[0] = 9;
  CHECK(p.data().data<double>()[0] == 1);
  CHECK_FALSE(copy.is(p));
  CHECK_FALSE(copy.grad().defined());
  const Parameter moved = std::move(p);
  CHECK(moved.is(handle));
  copy = moved;
  CHECK(copy.data().data<double>()[0] == 1);
  CHECK_FALSE(copy.is(moved));
  CHECK_FALSE(Parameter{}.exists());
}

TEST_CASE("a deferred parameter has a handle before it has data", "[parameter]") {
  Parameter p = Parameter::deferred();
  const Variable handle = p;
  CHECK(p.exists());
  CHECK_FALSE(p.defined());
  CHECK_THROWS_WITH(
      p.data(), "Parameter: it has no data yet\n  hint: give a deferred parameter its data with initialize");
  p.initialize(Array::full({}, 3, DType::float64));
  backward(multiply(p, p));
  CHECK(handle.grad().item() == 6);
  CHECK_THROWS_AS(p.initialize(Array::full({}, 3, DType::float64)), GraphError);
}

TEST_CASE("function hooks see forward and backward of what runs in their scope", "[hooks]") {
  struct Recorder final : FunctionHook {
    std::vector<std::string> events;
    std::vector<double> gradients;
    void before_forward(const Function& f, std::span<const Array> in) override {
      events.push_back("before " + std::string(f.name()) + " " + std::to_string(in.size()));
    }
    void after_forward(const Function& f, std::span<const Array>, std::span<const Array> out) override {
      events.push_back("after " + std::string(f.name()) + " " + std::to_string(out.size()));
    }
    void before_backward(const Function& f, std::span<const Variable>) override {
      events.push_back("back " + std::string(f.name()));
    }
    void after_backward(const Function&, std::span<const Variable>, std::span<const Variable> gxs) override {
      for (const Variable& gx : gxs) gradients.push_back(gx.item());
    }
  } recorder;
  const Variable x = leaf(3);
  {
    const HookScope scope(recorder);
    backward(apply<MultiplyWithArrays>({x, x}));
  }
  static_cast<void>(multiply(x, x));
  CHECK(recorder.events == std::vector<std::string>{"before multiply_with_arrays 2",
                                                    "after multiply_with_arrays 1",
                                                    "back multiply_with_arrays"});
  CHECK(recorder.gradients == std::vector<double>{3, 3});  // each by itself, although both went to x
  CHECK(x.grad().item() == 6);
}
