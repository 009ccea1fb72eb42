// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/top_k.hpp>

#include <catch2/catch.hpp>

#include <support/restore.hpp>
#include <support/values.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using test::kInf;
using test::kNan;

TEST_CASE("top_k orders by size, then by place", "[top_k]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  struct Case {
    std::vector<double> x;
    bool largest;
    std::vector<std::int64_t> indices;
  };
  const auto c = GENERATE(values<Case>({
      {{1, 4, 2, 3}, true, {1, 3, 2}},
      {{1, 4, 2, 3}, false, {0, 2, 3}},
      {{2, 2, 1, 2}, true, {0, 1, 3}},
      {{2, 2, 1, 2}, false, {2, 0, 1}},
      {{0, kNan, kInf, -kInf}, true, {1, 2, 0}},
      {{kNan, 0, kInf, -kInf}, false, {3, 1, 2}},
      {{kNan, 1, kNan, 2}, true, {0, 2, 3}},
  }));
  const Variable x = test::variable(c.x, dtype, true);
  const auto [values, indices] = ops::top_k(x, 3, {.largest = c.largest});
  CHECK(identical(indices, Array::from(c.indices, {3})));
  std::vector<double> expected, gradient(4);
  for (std::size_t i = 0; i < 3; ++i) {
    expected.push_back(c.x[static_cast<std::size_t>(c.indices[i])]);
    gradient[static_cast<std::size_t>(c.indices[i])] = static_cast<double>(i) + 1;
  }
  CHECK(allclose(values.data(), Array::from(expected, {3}).astype(dtype), 0, 0, true));
  const Variable gy = test::variable({1, 2, 3}, dtype);
  CHECK(identical(grad({values}, {x}, {gy})[0].data(), Array::from(gradient, {4}).astype(dtype)));
}

TEST_CASE("top_k along any axis", "[top_k]") {
  const Variable x{Array::from({3.0, 1.0, 2.0, 5.0, 4.0, 0.0}, {3, 2})};
  const auto [values, indices] = ops::top_k(x, 2, {.axis = 0});
  CHECK(identical(values.data(), Array::from({4.0, 5.0, 3.0, 1.0}, {2, 2})));
  CHECK(identical(indices, Array::from<std::int64_t>({2, 1, 0, 0}, {2, 2})));
  CHECK(ops::top_k(x, 0).values.shape() == Shape{3, 0});
  CHECK(ops::top_k(Variable{Array::zeros({0, 3}, DType::float32)}, 2).indices.shape() == Shape{0, 2});
}

TEST_CASE("top_k is the same for any number of threads", "[top_k][threads]") {
  const test::RestoreSettings restore;
  const Variable x{uniform({2, 0}, {500, 3, 70}, 0, 1, DType::float32)};
  set_num_threads(1);
  const ops::TopK one = ops::top_k(x, 5, {.axis = 2});
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    const ops::TopK many = ops::top_k(x, 5, {.axis = 2});
    CHECK(identical(many.values.data(), one.values.data()));
    CHECK(identical(many.indices, one.indices));
  }
}

TEST_CASE("top_k refuses more than there is", "[top_k][errors]") {
  const Variable x{Array::zeros({2, 3}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::top_k(x, 4), ValueError,
                       Message("top_k: k must lie in [0, 3], the size of axis 1 (it is 4)\n"
                               "  x: float32 [2, 3]\n  hint: it counts elements along one axis"));
  CHECK_THROWS_AS(ops::top_k(x, -1), ValueError);
  CHECK_THROWS_AS(ops::top_k(x, 1, {.axis = 2}), ValueError);
  CHECK_THROWS_AS(ops::top_k(Variable{}, 1), GraphError);
}
