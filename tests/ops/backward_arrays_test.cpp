// SPDX-License-Identifier: BSD-3-Clause
// Function::backward and Function::backward_arrays are two ways to one result. The engine takes the first
// when it records a graph and the second when it does not.
#include <support/op_table.hpp>
#include <support/tolerance.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;

namespace {

/// The gradient of `op` with respect to input `i`, as an op of all inputs and gy: what runs in the second
/// order.
test::OpCase gradient_of(const test::OpCase& op, std::size_t i) {
  test::OpCase result{
      "gradient of " + op.name + " with respect to input " + std::to_string(i), {}, op.inputs};
  Variables xs;
  for (const Array& input : op.inputs) xs.emplace_back(input);
  result.inputs.push_back(uniform({8, 0}, op.function(xs).shape(), -1, 1, DType::float64));
  result.function = [op, i](const Variables& in) {
    Variables inputs(in.begin(), in.end() - 1);
    if (!inputs[i].requires_grad()) inputs[i] = Variable(inputs[i].data(), true);
    return grad({op.function(inputs)}, {inputs[i]}, {in.back()}, {.create_graph = true})[0];
  };
  return result;
}

std::vector<test::OpCase> ops_and_gradients() {
  std::vector<test::OpCase> result = test::op_table();
  const std::size_t count = result.size();
  for (std::size_t at = 0; at < count; ++at) {
    const test::OpCase op = result[at];
    for (std::size_t i = 0; i < op.inputs.size(); ++i) result.push_back(gradient_of(op, i));
  }
  return result;
}

Variables leaves(const test::OpCase& op, DType dtype, std::size_t only) {
  Variables result;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    result.emplace_back(op.inputs[i].astype(dtype), only == op.inputs.size() || only == i);
  }
  return result;
}

/// Gradients of `uses` applications, one after the other into the same variables; zeros where nothing reaches
/// one.
Arrays gradients(const test::OpCase& op, DType dtype, std::size_t only, int uses, bool create_graph) {
  const Variables xs = leaves(op, dtype, only);
  Variables ys;
  Variables gys;
  for (int use = 0; use < uses; ++use) {
    const Variable y = op.function(xs);
    if (!y.requires_grad()) continue;
    ys.push_back(y);
    gys.emplace_back(uniform({7, static_cast<std::uint64_t>(use)}, y.shape(), -1, 1, dtype));
  }
  backward(ys, gys, {.create_graph = create_graph});
  Arrays result;
  for (const Variable& x : xs) {
    result.push_back(x.grad().defined() ? x.grad().data() : Array::zeros(x.shape(), dtype));
  }
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
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const int uses = GENERATE(1, 2);  // with two the second adds to what the first wrote
  for (const test::OpCase& op : ops_and_gradients()) {
    for (std::size_t only = 0; only <= op.inputs.size(); ++only) {
      const Arrays by_arrays = gradients(op, dtype, only, uses, false);
      const Arrays by_graph = gradients(op, dtype, only, uses, true);
      for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        INFO(op << ", " << dtype << ", uses: " << uses << ", gradient of input " << i
                << ", wanted: " << (only == op.inputs.size() ? "all" : std::to_string(only)));
        CHECK(by_arrays[i].dtype() == dtype);
        CHECK(by_arrays[i].shape() == op.inputs[i].shape());
        const double tolerance = test::sum_tolerance(dtype, 64) * std::max(1.0, largest(by_graph[i]));
        CHECK(allclose(by_arrays[i], by_graph[i], 0, tolerance));
        if (only != i && only != op.inputs.size()) CHECK(largest(by_arrays[i]) == 0);
      }
    }
  }
}
