// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include <fathom/core/error.hpp>
#include <fathom/nn/optim/gradients.hpp>

using namespace fathom;

namespace {

Variable parameter(double value, double gradient, DType dtype) {
  Variable p(Array::full({1}, value, dtype), true);
  p.set_grad(Variable(Array::full({1}, gradient, dtype)));
  return p;
}

}  // namespace

TEST_CASE("clipping scales all gradients together, and only down", "[gradients]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Variables p = {parameter(1, 3, dtype), Variable{}, parameter(1, -4, dtype),
                       Variable(Array::ones({2}, dtype), true)};
  CHECK(nn::gradient_norm(p) == 5);
  CHECK(nn::clip_gradient_norm(p, 6) == 5);
  CHECK(p[0].grad().item() == 3);
  CHECK(nn::clip_gradient_norm(p, 2.5) == 5);
  CHECK(p[0].grad().item() == 1.5);
  CHECK(p[2].grad().item() == -2);
  CHECK_FALSE(p[3].grad().defined());
  CHECK_THROWS_WITH(nn::clip_gradient_norm(p, 0),
                    "clip_gradient_norm: threshold must be positive (threshold is 0)\n"
                    "  hint: it is the largest norm allowed; leave the call out to clip nothing");
  CHECK_THROWS_AS(nn::clip_gradient_norm(p, std::nan("")), ValueError);
}

TEST_CASE("clipping by value bounds each element by itself", "[gradients]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Variables p = {parameter(1, 3, dtype),    Variable{},
                       parameter(1, -4, dtype),   parameter(1, 0.5, dtype),
                       parameter(1, -0.5, dtype), parameter(1, std::nan(""), dtype)};
  nn::clip_gradient_value(p, -0.5, 2);
  CHECK(p[0].grad().item() == 2);
  CHECK(p[2].grad().item() == -0.5);
  CHECK(p[3].grad().item() == 0.5);
  CHECK(p[4].grad().item() == -0.5);
  CHECK(std::isnan(p[5].grad().item()));
  CHECK_THROWS_WITH(nn::clip_gradient_value(p, 1, 1),
                    "clip_gradient_value: low must be less than high (low is 1, high is 1)\n"
                    "  hint: they are the least and the greatest value left, say -1 and 1");
  CHECK_THROWS_AS(nn::clip_gradient_value(p, std::nan(""), 1), ValueError);
}

TEST_CASE("decay and lasso add to the gradients", "[gradients]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Variables p = {parameter(2, 1, dtype), parameter(-4, 1, dtype), parameter(0, 1, dtype)};
  nn::add_weight_decay(p, 0.5);
  CHECK(p[0].grad().item() == 2);
  CHECK(p[1].grad().item() == -1);
  nn::add_lasso(p, 0.25);
  CHECK(p[0].grad().item() == 2.25);
  CHECK(p[1].grad().item() == -1.25);
  CHECK(p[2].grad().item() == 1);
}

TEST_CASE("gradients that share an array are changed once each", "[gradients]") {
  const Variables p = {Variable(Array::ones({1}, DType::float64), true),
                       Variable(Array::ones({1}, DType::float64), true)};
  const Variable shared(Array::full({1}, 3, DType::float64));
  for (Variable q : p) q.set_grad(shared);
  nn::add_weight_decay(p, 1);
  CHECK(p[0].grad().item() == 4);
  CHECK(p[1].grad().item() == 4);
  CHECK(shared.item() == 3);
}

TEST_CASE("rates below 0 and rates that are no number are refused", "[gradients]") {
  const Variables p = {parameter(2, 1, DType::float64)};
  const std::string rule =
      ": rate must not be negative (rate is -0.5)\n"
      "  hint: the rate pulls parameters towards 0; 0 changes nothing";
  CHECK_THROWS_AS(nn::add_weight_decay(p, -0.5), ValueError);
  CHECK_THROWS_WITH(nn::add_weight_decay(p, -0.5), "add_weight_decay" + rule);
  CHECK_THROWS_AS(nn::add_weight_decay(p, std::nan("")), ValueError);
  CHECK_THROWS_AS(nn::add_lasso(p, -0.5), ValueError);
  CHECK_THROWS_WITH(nn::add_lasso(p, -0.5), "add_lasso" + rule);
  CHECK_THROWS_AS(nn::add_lasso(p, std::nan("")), ValueError);
  CHECK(p[0].grad().item() == 1);
}
