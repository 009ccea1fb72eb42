// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/cast.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("cast converts, and its gradient converts back", "[cast]") {
  const auto [from, to] =
      GENERATE(table<DType, DType>({{DType::float32, DType::float64}, {DType::float64, DType::float32}}));
  const bool create_graph = GENERATE(false, true);
  const Variable x{Array::from({0.1, -2.0, 3e30}, {3}).astype(from), true};
  const Variable y = ops::cast(x, to);
  CHECK(identical(y.data(), x.data().astype(to)));
  CHECK(y.creator()->attributes() == Attributes{{"dtype", std::string(to_string(to))}});
  const Variable gx = grad({ops::sum(y * y)}, {x}, {}, {.create_graph = create_graph})[0];
  CHECK(identical(gx.data(), (y + y).data().astype(from)));
}

TEST_CASE("the gradient of cast is differentiable again", "[cast]") {
  const Variable x{Array::from<float>({1, -2, 3}, {3}), true};
  const Variable y = ops::cast(x, DType::float64);
  const Variable gx = grad({ops::sum(y * y * y)}, {x}, {}, {.create_graph = true})[0];
  CHECK(identical(grad({ops::sum(gx)}, {x})[0].data(), Array::from<float>({6, -12, 18}, {3})));
}

TEST_CASE("cast to the dtype that is there gives x itself", "[cast]") {
  const Variable x{Array::zeros({2}, DType::float32), true};
  CHECK(ops::cast(x, DType::float32).is(x));
}

TEST_CASE("cast refuses what Variables do not hold", "[cast][errors]") {
  const Variable x{Array::zeros({2}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::cast(x, DType::int64), DTypeError,
                       Message("cast: x must become float32 or float64, not int64\n  x: float32 [2]\n"
                               "  hint: for another dtype leave the graph: x.data().astype(...)"));
  CHECK_THROWS_AS(ops::cast(x, DType::boolean), DTypeError);
  CHECK_THROWS_AS(ops::cast(Variable{}, DType::float32), GraphError);
}
