// SPDX-License-Identifier: BSD-3-Clause
// Function::backward and Function::backward_arrays are two ways to one result. The engine takes the first
// when it records a graph and the second when it does not.
#include <support/op_table.hpp>
#include <support/tolerance.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;

namespace {

Variables leaves(const test::OpCase& op, DType dtype, std::size_t only) {
  Variables result;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    result.emplace_back(op.inputs[i].astype(dtype), only == op.inputs.size() || only == i);
  }
  return result;
}

/// Gradients of `uses` applications, one after the other into the same variables.
Variables gradients(const test::OpCase& op, DType dtype, std::size_t only, int uses, bool create_graph) {
  const Variables xs = leaves(op, dtype, only);
  Variables ys;
  Variables gys;
  for (int use = 0; use < uses; ++use) {
    ys.push_back(op.function(xs));
    gys.emplace_back(uniform({7, static_cast<std::uint64_t>(use)}, ys.back().shape(), -1, 1, dtype));
  }
  backward(ys, gys, {.create_graph = create_graph});
  Variables result;
  for (const Variable& x : xs) result.push_back(x.grad());
  return result;
}

double largest(const Array& array) {
  const Array values = array.astype(DType::float64);
  double result = 0;
  for (std::int64_t i = 0; i < values.size(); ++i)
    result = std::max(result, std::abs(values.data<double>()[i]));
  return result;
}

}  // namespace

TEST_CASE("backward and backward_arrays agree", "[backward_arrays]") {
  const auto op = GENERATE(from_range(test::op_table()));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const int uses = GENERATE(1, 2);  // with two the second adds to what the first wrote
  INFO(op << ", " << dtype << ", uses: " << uses);
  for (std::size_t only = 0; only <= op.inputs.size(); ++only) {
    INFO("input that requires a gradient: " << only << " of " << op.inputs.size()
                                            << " (one past the last: all)");
    const Variables by_arrays = gradients(op, dtype, only, uses, false);
    const Variables by_graph = gradients(op, dtype, only, uses, true);
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      INFO("gradient of input " << i);
      const bool wanted = only == op.inputs.size() || only == i;
      REQUIRE(by_arrays[i].defined() == wanted);
      REQUIRE(by_graph[i].defined() == wanted);
      if (!wanted) continue;
      const Array& expected = by_graph[i].data();
      const double tolerance = test::sum_tolerance(dtype, 64) * std::max(1.0, largest(expected));
      CHECK(by_arrays[i].dtype() == dtype);
      CHECK(by_arrays[i].shape() == op.inputs[i].shape());
      CHECK(allclose(by_arrays[i].data(), expected, 0, tolerance));
    }
  }
}
