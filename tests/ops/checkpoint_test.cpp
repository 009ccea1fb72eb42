// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checkpoint.hpp>

#include <catch2/catch.hpp>
#include <stdexcept>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/recomputation.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;

namespace {

Variable values(const Shape& shape, std::uint64_t stream, bool requires_grad = true) {
  return Variable{uniform({8, stream}, shape, -1, 1, DType::float64), requires_grad};
}

/// A few layers that keep what lies between them; W is used twice.
struct Net {
  Variable W = values({6, 6}, 1);
  Variable b = values({6}, 2);
  Variable operator()(const Variable& x) const {
    const Variable h = ops::tanh(ops::linear(x, W, b));
    return ops::sigmoid(ops::linear(h, W)) * x;
  }
};

struct Gradients {
  Array y;
  std::vector<Array> gradients;
};

/// Gradients by backward() of sum(y * y) with respect to x, W and b.
template <class F>
Gradients gradients_of(const Net& net, const Variable& x, F function) {
  for (Variable leaf : {x, net.W, net.b}) leaf.zero_grad();
  const Variable y = function(x);
  backward(ops::sum(y * y));
  Gradients result{y.data(), {}};
  for (const Variable& leaf : {x, net.W, net.b}) result.gradients.push_back(leaf.grad().data().copy());
  return result;
}

void require_identical(const Gradients& a, const Gradients& b) {
  CHECK(identical(a.y, b.y));
  for (std::size_t i = 0; i < a.gradients.size(); ++i) CHECK(identical(a.gradients[i], b.gradients[i]));
}

}  // namespace

TEST_CASE("a checkpoint's values and gradients are the function's own, to the bit", "[checkpoint]") {
  Net net;
  const Variable x = values({5, 6}, 3);
  const Gradients plain = gradients_of(net, x, net);
  require_identical(plain, gradients_of(net, x, [&](const Variable& in) {
                      const Variable y = ops::checkpoint(std::ref(net), in);
                      CHECK(y.creator()->name() == "checkpoint");
                      CHECK(y.creator()->inputs().size() == 3);  // x, W, b
                      return y;
                    }));
  // one inside of the other
  require_identical(plain, gradients_of(net, x, [&](const Variable& in) {
                      return ops::checkpoint(
                          [&](const Variable& outer) {
                            return ops::checkpoint([&](const Variable& inner) { return net(inner); }, outer);
                          },
                          in);
                    }));
  // halves
  const auto first = [&](const Variable& in) { return ops::tanh(ops::linear(in, net.W, net.b)); };
  require_identical(plain, gradients_of(net, x, [&](const Variable& in) {
                      const Variable h = ops::checkpoint(first, in);
                      return ops::checkpoint(
                          [&](const Variables& both) {
                            return Variables{ops::sigmoid(ops::linear(both[0], net.W)) * both[1]};
                          },
                          Variables{h, in})[0];
                    }));
}

TEST_CASE("grad() goes through a checkpoint to chosen variables", "[checkpoint]") {
  Net net;
  const Variable x = values({5, 6}, 3);
  const auto with = [&](const Variable& in) { return ops::sum(ops::checkpoint(std::ref(net), in)); };
  CHECK(identical(grad({with(x)}, {net.W})[0].data(), grad({ops::sum(net(x))}, {net.W})[0].data()));
  CHECK(identical(grad({with(x)}, {x})[0].data(), grad({ops::sum(net(x))}, {x})[0].data()));
  const Variable plain_x = values({5, 6}, 3, false);
  CHECK(
      identical(grad({with(plain_x)}, {net.b})[0].data(), grad({ops::sum(net(plain_x))}, {net.b})[0].data()));
  CHECK_FALSE(net.W.grad().defined());
}

TEST_CASE("a checkpoint keeps its arguments alone", "[checkpoint]") {
  Net net;
  const Variable x = values({64, 6}, 3);
  const std::int64_t item = 64 * 6 * 8;
  const std::int64_t before = memory_statistics().bytes_in_use;
  Variable y = ops::checkpoint(std::ref(net), x);
  CHECK(memory_statistics().bytes_in_use - before == item);
  y = net(x);
  CHECK(memory_statistics().bytes_in_use - before == 3 * item);
}

TEST_CASE("a checkpoint of several variables with several results", "[checkpoint]") {
  const Variable a = values({3}, 1), b = values({3}, 2), unused = values({3}, 4);
  const auto function = [](const Variables& in) {
    return Variables{in[0] * in[1], ops::exp(in[0]), in[1], Variable{in[0].data()}};
  };
  const Variables plain = function({a, b, unused});
  const Variables ys = ops::checkpoint(function, {a, b, unused});
  REQUIRE(ys.size() == 4);
  for (std::size_t i = 0; i < ys.size(); ++i) CHECK(identical(ys[i].data(), plain[i].data()));
  const auto total = [](const Variables& of) { return ops::sum(of[0] + of[2] * 3.0); };
  for (const Variable& target : {a, b}) {
    CHECK(identical(grad({total(ys)}, {target}, {}, {.retain_graph = true})[0].data(),
                    grad({total(plain)}, {target}, {}, {.retain_graph = true})[0].data()));
  }
  CHECK_FALSE(grad({total(ys)}, {unused}, {}, {.retain_graph = true})[0].defined());
  // A result without a graph passes nothing on.
  CHECK_FALSE(grad({ops::sum(ys[3])}, {a})[0].defined());
}

TEST_CASE("derivatives of higher order run through a checkpoint", "[checkpoint]") {
  Net net;
  const Variable x = values({2, 6}, 3);
  // Third derivatives along x and W of plain and of checkpointed calls.
  const auto third = [&](const auto& function) {
    Variables results{ops::sum(function(x))};
    for (int order = 1; order <= 3; ++order) {
      const Variables g = grad({results.back()}, {x, net.W}, {}, {.create_graph = order < 3});
      results.push_back(order < 3 ? ops::sum(g[0] * g[0]) + ops::sum(g[1] * g[1])
                                  : ops::sum(g[0]) + ops::sum(g[1]));
    }
    return results;
  };
  const Variables plain = third([&](const Variable& in) { return net(in); });
  const Variables once = third([&](const Variable& in) { return ops::checkpoint(std::ref(net), in); });
  const Variables nested = third([&](const Variable& in) {
    return ops::checkpoint([&](const Variable& h) { return ops::checkpoint(std::ref(net), h); }, in);
  });
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(once[i].item() == Approx(plain[i].item()).epsilon(1e-12));
    CHECK(nested[i].item() == Approx(plain[i].item()).epsilon(1e-12));
  }
}

TEST_CASE("without a graph a checkpoint is its function", "[checkpoint]") {
  Net net;
  const Variable x = values({5, 6}, 3);
  int calls = 0;
  const auto counted = [&](const Variable& in) { return ++calls, net(in); };
  const NoGradScope no_graph;
  const Variable y = ops::checkpoint(counted, x);
  CHECK(identical(y.data(), net(x).data()));
  CHECK_FALSE(y.requires_grad());
  CHECK(calls == 1);
}

TEST_CASE("hooks of parameters see the gradient once, hooks inside too", "[checkpoint]") {
  Net net;
  const Variable x = values({5, 6}, 3);
  int outside = 0, inside = 0;
  net.W.on_grad([&](const Variable& g) { return ++outside, g * 0.5; });
  const auto hooked = [&](const Variable& in) {
    Variable y = net(in);
    y.on_grad([&](const Variable&) { return ++inside, Variable{}; });
    return y;
  };
  const Array halved = grad({ops::sum(ops::checkpoint(hooked, x))}, {net.W})[0].data();
  CHECK(outside == 1);
  CHECK(inside == 1);
  CHECK(identical(halved, grad({ops::sum(net(x))}, {net.W})[0].data()));
}

TEST_CASE("states are noted in the first run and repeated in the second", "[checkpoint]") {
  std::uint64_t state = 7, moved = 0;
  std::vector<std::uint64_t> seen;
  const auto stateful = [&](const Variable& in) {
    seen.push_back(repeated(state++));
    if (!is_recomputing()) ++moved;
    return in * static_cast<double>(seen.back());
  };
  const Variable x = values({3}, 1);
  const bool nested = GENERATE(false, true);
  const Variable y =
      nested ? ops::checkpoint([&](const Variable& in) { return ops::checkpoint(stateful, stateful(in)); }, x)
             : ops::checkpoint(stateful, x);
  CHECK_FALSE(is_recomputing());
  const Array gx = grad({ops::sum(y)}, {x})[0].data();
  CHECK(identical(gx, Array::full({3}, nested ? 56 : 7, DType::float64)));
  CHECK(moved == (nested ? 2 : 1));
  CHECK(seen == (nested ? std::vector<std::uint64_t>{7, 8, 7, 8, 8} : std::vector<std::uint64_t>{7, 7}));
  CHECK_FALSE(is_recomputing());
}

TEST_CASE("an exception in the second run leaves all gradients as they were", "[checkpoint][errors]") {
  Net net;
  const Variable x = values({5, 6}, 3);
  bool fails = false;
  const auto failing = [&](const Variable& in) {
    const Variable y = net(in);
    if (fails) throw std::runtime_error("no");
    return y;
  };
  backward(ops::sum(net(x)));
  const Array before = net.W.grad().data().copy();
  const Variable y = ops::sum(ops::checkpoint(failing, net(x)));
  fails = true;
  CHECK_THROWS_WITH(backward(y), "no");
  CHECK(identical(net.W.grad().data(), before));
  CHECK_FALSE(is_recomputing());
  CHECK(is_recording());
}

TEST_CASE("a function that does something else the second time is refused", "[checkpoint][errors]") {
  Net net;
  const Variable x = values({5, 6}, 3), other = values({6, 6}, 9);
  bool again = false;
  const auto backward_again = [&](const auto& function) {
    again = false;
    const Variable y = ops::sum(ops::checkpoint(function, x));
    again = true;
    backward(y);
  };
  CHECK_THROWS_WITH(
      backward_again([&](const Variable& in) { return ops::linear(in, again ? other : net.W); }),
      "checkpoint: the function used other parameters the second time (it used 1, then 1)\n"
      "  hint: it must do the same both times, with the same parameters");
  CHECK_THROWS_WITH(backward_again([&](const Variable& in) { return again ? ops::sum(in) : in * 2.0; }),
                    "checkpoint: the function gave something else the second time\n"
                    "  hint: it must do the same both times, with the same parameters");
  CHECK_THROWS_WITH(
      backward_again([&](const Variable& in) { return in * static_cast<double>(again ? repeated(1) : 1); }),
      Catch::StartsWith(
          "repeated: a function that runs again asks for more states than when it ran first\n"));
  const Variable y = ops::sum(ops::checkpoint(std::ref(net), x));
  net.W.mutable_data().mutable_data<double>()[0] = 3;
  CHECK_THROWS_WITH(backward(y), Catch::StartsWith("checkpoint: input 1 was changed in place after forward"));
}

TEST_CASE("what a checkpoint cannot know is refused at once", "[checkpoint][errors]") {
  Net net;
  const Variable x = values({5, 6}, 3);
  const Variable h = ops::exp(x);
  CHECK_THROWS_WITH(ops::checkpoint([&](const Variable& in) { return in * h; }, x),
                    "checkpoint: the function uses a result of exp that was made outside and is no argument\n"
                    "  hint: give it among the xs, or detach() it");
  CHECK_NOTHROW(ops::checkpoint([&](const Variable& in) { return in * h.detach(); }, x));
  CHECK_THROWS_WITH(ops::checkpoint(ops::CheckpointedFunction{}, x),
                    "checkpoint: function must not be empty\n  hint: give a lambda, or std::ref(module)");
  CHECK_THROWS_WITH(ops::checkpoint(ops::CheckpointedFunctions{}, Variables{x}),
                    Catch::StartsWith("checkpoint: function must not be empty"));
  CHECK_THROWS_WITH(ops::checkpoint([](const Variables& in) { return in; }, Variables{x, Variable{}}),
                    "checkpoint: xs[1] must not be undefined\n  hint: leave it out of xs");
  CHECK_THROWS_WITH(ops::checkpoint([](const Variable&) { return Variable{}; }, x),
                    Catch::StartsWith("checkpoint: result 0 of the function is undefined\n"));
}
