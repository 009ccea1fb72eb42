// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>

#include "support/functions.hpp"

using namespace fathom;
using namespace fathom::test;
using Catch::Matchers::Contains;

TEST_CASE("a diamond adds up what comes back along both ways", "[engine]") {
  const Variable x = leaf(3);
  const Variable a = multiply(x, x);           // 9
  const Variable y = multiply(a, plus(a, x));  // x^2 (x^2 + x)
  REQUIRE(y.item() == 108);
  backward(y);
  CHECK(x.grad().item() == 4 * 27 + 3 * 9);  // 4 x^3 + 3 x^2
}

TEST_CASE("one variable used many times", "[engine]") {
  const Variable x = leaf(2);
  Variable y = x;
  for (int i = 0; i < 4; ++i) y = multiply(y, x);
  backward(y);
  CHECK(x.grad().item() == 5 * 16);
}

TEST_CASE("one variable given twice to a function with backward_arrays", "[engine]") {
  const Variable x = leaf(3);
  backward(apply<MultiplyWithArrays>({x, x}));
  CHECK(x.grad().item() == 6);
}

TEST_CASE("gradients of a second backward are added, after zero_grad they overwrite", "[engine]") {
  Variable x = leaf(3);
  backward(multiply(x, x));
  backward(multiply(x, x));
  CHECK(x.grad().item() == 12);
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
  backward(multiply(x, x));
  CHECK(x.grad().item() == 6);
}

TEST_CASE("zero_grad keeps the buffer for the next step unless somebody holds it", "[engine]") {
  Variable x(Array::full({100}, 3, DType::float64), true);
  const Variable ones(Array::ones({100}, DType::float64));
  const auto step = [&] {
    const Variable y = apply<MultiplyWithArrays>({x, x});
    backward(std::span(&y, 1), std::span(&ones, 1));
  };
  step();
  const Array held = x.grad().data();
  x.zero_grad();
  step();
  CHECK_FALSE(x.grad().data().shares_buffer_with(held));
  CHECK(held.data<double>()[0] == 6);
}

TEST_CASE("a hundred thousand nodes forward, backward and destroyed", "[engine]") {
  const MemoryStatistics before = memory_statistics();
  {
    const Variable x = leaf(1);
    Variable y = x;
    for (int i = 0; i < 100'000; ++i) y = plus(y, x);
    backward(y);
    CHECK(x.grad().item() == 100'001);
  }
  {
    const Variable x = leaf(1);
    Variable y = x;
    for (int i = 0; i < 100'000; ++i) y = multiply(y, x);  // destroyed without having run backward
    CHECK(y.item() == 1);
  }
  CHECK(memory_statistics().bytes_in_use == before.bytes_in_use);
}

TEST_CASE("a graph of gradients of a deep chain is destroyed without recursion", "[engine]") {
  const Variable x = leaf(1);
  Variable y = x;
  for (int i = 0; i < 30'000; ++i) y = multiply(y, x);
  const Variable gx = grad({y}, {x}, {}, {.create_graph = true})[0];
  CHECK(gx.item() == 30'001);
  CHECK(gx.requires_grad());
}

TEST_CASE("derivatives of derivatives", "[engine]") {
  const Variable x = leaf(2);
  const Variable y = multiply(multiply(x, x), multiply(x, x));  // x^4
  const Variable first = grad({y}, {x}, {}, {.create_graph = true})[0];
  CHECK(first.item() == 32);
  const Variable second = grad({first}, {x}, {}, {.create_graph = true})[0];
  CHECK(second.item() == 48);
  const Variable third = grad({second}, {x}, {}, {.create_graph = true})[0];
  CHECK(third.item() == 48);
  CHECK(grad({third}, {x})[0].item() == 24);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("backward with create_graph leaves a gradient that can be differentiated", "[engine]") {
  const MemoryStatistics before = memory_statistics();
  {
    Variable x = leaf(3);
    backward(multiply(x, multiply(x, x)), {.create_graph = true});
    const Variable gx = x.grad();
    CHECK(gx.item() == 27);
    x.zero_grad();
    backward(gx);
    CHECK(x.grad().item() == 18);
  }
  CHECK(memory_statistics().bytes_in_use == before.bytes_in_use);  // no cycle keeps the graph alive
}

TEST_CASE("gradients with a graph are added to gradients with and without one", "[engine]") {
  Variable x = leaf(2);
  backward(multiply(x, x));
  backward(multiply(x, x), {.create_graph = true});
  CHECK(x.grad().item() == 8);
  CHECK(x.grad().requires_grad());
  backward(multiply(x, x));
  CHECK(x.grad().item() == 12);
  CHECK_FALSE(x.grad().requires_grad());
}

TEST_CASE("a second backward needs retain_graph and says so", "[engine]") {
  const Variable x = leaf(3);
  const Variable y = multiply(x, x);
  SECTION("released") {
    backward(y);
    CHECK_THROWS_WITH(backward(y),
                      "multiply: its graph has been released by an earlier backward()\n  hint: pass "
                      "{.retain_graph = true} to "
                      "the earlier call, or run forward again");
    CHECK_THROWS_AS(backward(y), GraphError);
    CHECK(x.grad().item() == 6);
  }
  SECTION("retained") {
    backward(y, {.retain_graph = true});
    backward(y);
    CHECK(x.grad().item() == 12);
  }
}

TEST_CASE("grad computes what is asked for and leaves grad() alone", "[engine]") {
  const Variable a = leaf(2);
  const Variable b = leaf(5);
  const Variable unused = leaf(1);
  const Variable m = multiply(a, b);
  const Variable y = multiply(m, a);  // a^2 b
  const Variables gradients = grad({y}, {m, a, unused}, {}, {.retain_graph = true});
  CHECK(gradients[0].item() == 2);
  CHECK(gradients[1].item() == 20);
  CHECK_FALSE(gradients[2].defined());
  CHECK_FALSE(a.grad().defined());
  CHECK_FALSE(b.grad().defined());
  CHECK(grad({y}, {y}, {}, {.retain_graph = true})[0].item() == 1);
  CHECK(grad({y, m}, {b}, {Variable(Array::scalar(10, DType::float64)), Variable{}})[0].item() == 42);
}

TEST_CASE("grad runs only the functions that lead to what is asked for", "[engine]") {
  const Variable a = leaf(2);
  const Variable b = leaf(5);
  const Variable y = plus(a, apply<Failing>({b}, false, true));
  CHECK(grad({y}, {a}, {}, {.retain_graph = true})[0].item() == 1);
  CHECK_THROWS_WITH(grad({y}, {b}), "backward failed");
}

TEST_CASE("several outputs, of which some get no gradient or are gone", "[engine]") {
  const Variable x = leaf(3);
  Variables ys = std::make_shared<Twice>()->apply_to(std::span(&x, 1));
  SECTION("both") {
    backward(multiply(ys[0], ys[1]));
    CHECK(x.grad().item() == 6);
  }
  SECTION("one is gone") {
    const Variable y = multiply(ys[0], ys[0]);
    ys.clear();
    backward(y);
    CHECK(x.grad().item() == 6);
  }
}

TEST_CASE("what backward refuses", "[engine]") {
  const Variable constant(Array::scalar(1, DType::float64));
  CHECK_THROWS_WITH(backward(constant),
                    "backward: y has no graph to go back through\n  y: float64 []\n  hint: it depends on no "
                    "variable that requires a "
                    "gradient, or it was made within NoGradScope");
  const Variable x(Array::ones({2}, DType::float64), true);
  CHECK_THROWS_WITH(backward(multiply(x, x)),
                    "backward: y must have one element (it has 2)\n  y: float64 [2]\n  hint: reduce it with "
                    "ops::sum or ops::mean, "
                    "or pass its gradient");
  CHECK_THROWS_WITH(backward(Variable{}), Contains("y must not be undefined"));
  CHECK_THROWS_WITH(grad({multiply(x, x)}, {x}, {Variable(Array::ones({3}, DType::float64))}),
                    Contains("gy must have the shape [2], that of y (it has [3])"));
  CHECK_THROWS_AS(grad({multiply(x, x)}, {constant}, {x}), GraphError);
}

TEST_CASE("an undefined input is refused by name and number", "[engine]") {
  CHECK_THROWS_WITH(
      multiply(leaf(1), Variable{}),
      "multiply: input 1 must not be undefined\n  hint: Variable{} is legal for optional arguments only");
}

TEST_CASE("nothing is recorded within NoGradScope, also when it is left by an exception", "[engine]") {
  const Variable x = leaf(3);
  {
    const NoGradScope scope;
    CHECK_FALSE(is_recording());
    const Variable y = multiply(x, x);
    CHECK_FALSE(y.requires_grad());
    CHECK(y.creator() == nullptr);
  }
  CHECK(is_recording());
  try {
    const NoGradScope scope;
    throw 1;
  } catch (int) {
  }
  CHECK(is_recording());
}

TEST_CASE("a gradient of the wrong shape is refused on both ways", "[engine]") {
  class Wrong final : public Function {
   public:
    explicit Wrong(bool arrays) : arrays_(arrays) {}
    std::string_view name() const override { return "wrong"; }
    Arrays forward(std::span<const Array> in) override { return {in[0].copy()}; }
    Variables backward(const Wanted&, std::span<const Variable>) override {
      return {Variable(Array::ones({2}, DType::float64))};
    }
    bool has_backward_arrays() const override { return arrays_; }
    void backward_arrays(const Wanted&, std::span<const Array>, std::span<GradientSink> into) override {
      into[0].give(Array::ones({2}, DType::float64));
    }

   private:
    bool arrays_;
  };
  const Variable x = leaf(3);
  CHECK_THROWS_WITH(backward(apply<Wrong>({x}, GENERATE(true, false))),
                    "wrong: the gradient of input 0 must be float64 [] (backward returned float64 [2])\n  "
                    "hint: sum it over what was "
                    "broadcast, with sum_to");
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("results of grad() share no buffer with each other or with what was given", "[engine]") {
  const Variable a(Array::ones({3}, DType::float64), true);
  const Variable b(Array::ones({3}, DType::float64), true);
  const Variable gy(Array::ones({3}, DType::float64));
  const Variables g = grad({plus(a, b)}, {a, b}, {gy});
  CHECK_FALSE(g[0].data().shares_buffer_with(g[1].data()));
  CHECK_FALSE(g[0].data().shares_buffer_with(gy.data()));
  CHECK_FALSE(g[1].data().shares_buffer_with(gy.data()));
}

TEST_CASE("an exception in a function leaves graph, gradients and pool usable", "[engine]") {
  Variable x = leaf(3);
  backward(multiply(x, x));
  const double gradient = x.grad().item();
  const std::int64_t in_use = memory_statistics().bytes_in_use;
  SECTION("in forward") {
    CHECK_THROWS_WITH(multiply(apply<Failing>({x}, true, false), x), "forward failed");
    CHECK(memory_statistics().bytes_in_use == in_use);
  }
  SECTION("in backward, after another way has reached the same leaf") {
    const Variable y = plus(apply<Failing>({x}, false, true), multiply(x, x));
    CHECK_THROWS_WITH(backward(y, {.retain_graph = true}), "backward failed");
    CHECK(grad({y}, {y})[0].item() == 1);
  }
  SECTION("in backward, with an empty gradient") {
    x.zero_grad();
    CHECK_THROWS_WITH(backward(plus(apply<Failing>({x}, false, true), multiply(x, x))), "backward failed");
    CHECK_FALSE(x.grad().defined());
    backward(multiply(x, x));
  }
  CHECK(x.grad().item() == gradient);
  CHECK(is_recording());
  backward(multiply(x, x));
  CHECK(x.grad().item() == 2 * gradient);
}

TEST_CASE("a function object is applied once", "[engine]") {
  const auto f = std::make_shared<Multiply>();
  const Variables in = {leaf(1), leaf(2)};
  static_cast<void>(f->apply_to(in));
  CHECK_THROWS_WITH(f->apply_to(in),
                    "multiply: a function object can be applied only once\n"
                    "  hint: apply<F>() makes a new one for each call");
}
