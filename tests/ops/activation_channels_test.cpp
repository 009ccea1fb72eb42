// SPDX-License-Identifier: BSD-3-Clause
// Activations that know axes: those with a parameter for each channel, and those that change the shape.
#include <fathom/ops/activation.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <support/tolerance.hpp>
#include <support/values.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using test::kNan;

namespace {

Variable shaped(std::initializer_list<double> values, const Shape& shape) {
  return Variable(Array::from(values, shape), true);
}

bool close(const Variable& a, const Variable& b) {
  const double tolerance = test::element_tolerance(a.dtype());
  return allclose(a.data(), b.data(), tolerance, tolerance, true);
}

}  // namespace

TEST_CASE("prelu has a slope for each channel, and gradient 1 at 0", "[activation]") {
  const bool create_graph = GENERATE(false, true);
  const Variable x = shaped({-1, 2, 0, -0.0, -3, kNan, 4, -2}, {2, 2, 2});
  const Variable W = shaped({0.5, -0.25}, {2});
  const Variable y = ops::prelu(x, W);
  CHECK(close(y, shaped({-0.5, 2, 0, 0, -1.5, kNan, 4, 0.5}, {2, 2, 2})));
  const Variable gy = shaped({1, 1, 1, 1, 2, 2, 2, 2}, {2, 2, 2});
  const Variables g = grad({y}, {x, W}, {gy}, {.create_graph = create_graph});
  CHECK(close(g[0], shaped({0.5, 1, 1, 1, 1, 1, 2, -0.5}, {2, 2, 2})));
  CHECK(close(g[1], shaped({kNan, -4}, {2})));
}

TEST_CASE("prelu's second order reaches the slope", "[activation]") {
  const Variable x = shaped({-1, 2, -3}, {3, 1});
  const Variable W = shaped({0.5}, {1});
  const Variable gx = grad({ops::prelu(x, W)}, {x}, {shaped({1, 1, 2}, {3, 1})}, {.create_graph = true})[0];
  CHECK(close(grad({gx}, {W}, {shaped({10, 20, 30}, {3, 1})})[0], shaped({70}, {1})));
}

TEST_CASE("swish's beta may be one number, one for each channel, or one for each element of a sample",
          "[activation]") {
  const Variable x = shaped({-1, 2, 0.5, -0.25, 3, -4, 1, 1.5}, {2, 2, 2});
  const Variable one = ops::swish(x, shaped({1.5}, {}));
  CHECK(identical(one.data(), ops::swish(x, 1.5).data()));
  CHECK(identical(ops::swish(x, shaped({1.5, 1.5}, {2})).data(), one.data()));
  CHECK(identical(ops::swish(x, shaped({1.5, 1.5, 1.5, 1.5}, {2, 2})).data(), one.data()));
  const Variable each = ops::swish(x, shaped({1.5, 0}, {2}));
  CHECK(each.data().data<double>()[1] == one.data().data<double>()[1]);
  CHECK(each.data().data<double>()[2] == 0.25);
}

TEST_CASE("parameters for channels must fit x", "[activation][errors]") {
  const Variable x{Array::zeros({2, 3, 4}, DType::float32)};
  CHECK_THROWS_MATCHES(
      ops::prelu(x, Variable{Array::zeros({4}, DType::float32)}), ShapeError,
      Message("prelu: W must have the sizes of x's axes from 1 on, or of the first of them (W is [4], x is "
              "[2, 3, 4])\n"
              "  x: float32 [2, 3, 4]  (n, d..., ...)\n"
              "  W: float32 [4]        (d...)\n"
              "  hint: reshape it to the sizes of x without the first, or to () for one number"));
  CHECK_THROWS_AS(ops::swish(x, Variable{Array::zeros({2, 3, 4}, DType::float32)}), ShapeError);
  CHECK_THROWS_AS(ops::swish(x, Variable{Array::zeros({3}, DType::float64)}), DTypeError);
  CHECK_THROWS_MATCHES(ops::softplus(x, 0), ValueError,
                       Message("softplus: beta must not be 0 (it is 0)\n"
                               "  x: float32 [2, 3, 4]\n"
                               "  hint: the result is divided by beta; 1 is usual"));
  CHECK_THROWS_AS(ops::softplus(x, kNan), ValueError);
}

TEST_CASE("crelu joins both halves, each with gradient 0 at 0", "[activation]") {
  const Variable x = shaped({-1, 0, 3, 2, -2, 0}, {2, 3});
  const Variable gy = shaped({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 6});
  const Variable y = ops::crelu(x);
  CHECK(close(y, shaped({0, 0, 3, 1, 0, 0, 2, 0, 0, 0, 2, 0}, {2, 6})));
  CHECK(close(grad({y}, {x}, {gy})[0], shaped({-4, 0, 3, 7, -11, 0}, {2, 3})));
  CHECK(close(ops::crelu(x, -2), shaped({0, 0, 3, 2, 0, 0, 1, 0, 0, 0, 2, 0}, {4, 3})));
  CHECK_THROWS_MATCHES(ops::crelu(x, 2), ValueError,
                       Message("crelu: axis must lie in [-2, 1] (it is 2)\n"
                               "  x: float64 [2, 3]\n"
                               "  hint: axes count from 0, negative ones from the end"));
}

TEST_CASE("maxout takes the largest of neighbours, and all of them at ties", "[activation]") {
  const Variable x = shaped({1, 5, 2, 2, 7, 6, -1, -3}, {2, 4});
  const Variable gy = shaped({10, 20, 30, 40}, {2, 2});
  const Variable y = ops::maxout(x, 2);
  CHECK(close(y, shaped({5, 2, 7, -1}, {2, 2})));
  CHECK(close(grad({y}, {x}, {gy})[0], shaped({0, 10, 20, 20, 30, 0, 40, 0}, {2, 4})));
  CHECK(close(ops::maxout(x, 4, -1), shaped({5, 7}, {2, 1})));
  CHECK(close(ops::maxout(x, 2, 0), shaped({7, 6, 2, 2}, {1, 4})));
  CHECK(identical(ops::maxout(x, 1).data(), x.data()));
  const Shape most{1, 1, 1, 1, 1, 1, 1, 4};
  CHECK(ops::maxout(Variable{Array::zeros(most, DType::float32)}, 2, -1).shape() ==
        Shape{1, 1, 1, 1, 1, 1, 1, 2});
}

TEST_CASE("maxout needs groups of equal size", "[activation][errors]") {
  const Variable x{Array::zeros({2, 4}, DType::float32)};
  CHECK_THROWS_MATCHES(
      ops::maxout(x, 3), ShapeError,
      Message("maxout: pool_size must divide the size of axis 1 (pool_size is 3, the size 4)\n"
              "  x: float32 [2, 4]\n"
              "  hint: each result is the largest of pool_size neighbours along axis"));
  CHECK_THROWS_MATCHES(ops::maxout(x, 0), ValueError,
                       Message("maxout: pool_size must be at least 1 (it is 0)\n"
                               "  x: float32 [2, 4]\n"
                               "  hint: it is the number of neighbours of which the largest is taken"));
  CHECK_THROWS_AS(ops::maxout(x, 2, 2), ValueError);
}
