// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/activation.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <support/tolerance.hpp>
#include <support/values.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using test::kInf;
using test::kNan;
using test::variable;

TEST_CASE("activations, values and gradients by hand", "[activation]") {
  struct Case {
    const char* name;
    Variable (*op)(const Variable&);
    std::vector<double> x, y, gx;
  };
  const double t = std::tanh(0.5);
  const double e = std::exp(1.0);
  const auto c = GENERATE_COPY(values<Case>({
      {"relu",
       ops::relu,
       {-2, 0, -0.0, 3, kInf, -kInf, kNan},
       {0, 0, 0, 3, kInf, 0, kNan},
       {0, 0, 0, 1, 1, 0, 0}},
      {"relu6",
       ops::relu6,
       {-2, 0, 3, 6, 7, kInf, -kInf, kNan},
       {0, 0, 3, 6, 6, 6, 0, kNan},
       {0, 0, 1, 0, 0, 0, 0, 0}},
      {"clipped_relu",
       [](const Variable& x) { return ops::clipped_relu(x, 0.1); },
       {-2, 0, 0.0625, 0.1, 7, kInf, -kInf, kNan},
       {0, 0, 0.0625, 0.1, 0.1, 0.1, 0, kNan},
       {0, 0, 1, 0, 0, 0, 0, 0}},
      {"leaky_relu",
       [](const Variable& x) { return ops::leaky_relu(x); },
       {-2, 0, 3, kInf, -kInf, kNan},
       {-0.4, 0, 3, kInf, -kInf, kNan},
       {0.2, 0.2, 1, 1, 0.2, 1}},
      {"leaky_relu",
       [](const Variable& x) { return ops::leaky_relu(x, -0.5); },
       {-2, 0, 3},
       {1, 0, 3},
       {-0.5, -0.5, 1}},
      {"hard_sigmoid",
       [](const Variable& x) { return ops::hard_sigmoid(x); },
       {-3, -2.5, 0, 1, 2.5, 3, kInf, -kInf, kNan},
       {0, 0, 0.5, 0.7, 1, 1, 1, 0, kNan},
       {0, 0, 0.2, 0.2, 0, 0, 0, 0, 0}},
      {"hard_sigmoid",
       [](const Variable& x) { return ops::hard_sigmoid(x, 1.0 / 6); },
       {-4, 0, 1.5, 2.9, 4},
       {0, 0.5, 0.75, 5.9 / 6, 1},
       {0, 1.0 / 6, 1.0 / 6, 1.0 / 6, 0}},
      {"sigmoid",
       ops::sigmoid,
       {0, 1, -1, 1000, -1000, kInf, -kInf, kNan},
       {0.5, 0.5 + t / 2, 0.5 - t / 2, 1, 0, 1, 0, kNan},
       {0.25, (1 - t * t) / 4, (1 - t * t) / 4, 0, 0, 0, 0, kNan}},
      {"tanh",
       ops::tanh,
       {0, 0.5, -0.5, 1000, -1000, kInf, -kInf, kNan},
       {0, t, -t, 1, -1, 1, -1, kNan},
       {1, 1 - t * t, 1 - t * t, 0, 0, 0, 0, kNan}},
      {"elu",
       [](const Variable& x) { return ops::elu(x); },
       {-1, 0, 3, 1000, -1000, kInf, -kInf, kNan},
       {1 / e - 1, 0, 3, 1000, -1, kInf, -1, kNan},
       {1 / e, 1, 1, 1, 0, 1, 0, kNan}},
      {"elu",
       [](const Variable& x) { return ops::elu(x, 0.5); },
       {-1, 0, -0.0, 3},
       {0.5 / e - 0.5, 0, 0, 3},
       {0.5 / e, 0.5, 0.5, 1}},
      {"selu",
       [](const Variable& x) { return ops::selu(x); },
       {-1, 0, 2, 1000, kInf, -kInf, kNan},
       {1.7580993408473766 * (1 / e - 1), 0, 2.101401974710961, 1050.7009873554805, kInf, -1.7580993408473766,
        kNan},
       {1.7580993408473766 / e, 1.7580993408473766, 1.0507009873554805, 1.0507009873554805,
        1.0507009873554805, 0, kNan}},
      {"selu",
       [](const Variable& x) { return ops::selu(x, 0.5, 2); },
       {-1, 0, 3},
       {1 / e - 1, 0, 6},
       {1 / e, 1, 2}},
      {"softplus",
       [](const Variable& x) { return ops::softplus(x); },
       {0, 1, -1, 1000, -1000, kInf, -kInf, kNan},
       {std::log(2.0), std::log1p(e), std::log1p(1 / e), 1000, 0, kInf, 0, kNan},
       {0.5, 0.5 + t / 2, 0.5 - t / 2, 1, 0, 1, 0, kNan}},
      {"softplus",
       [](const Variable& x) { return ops::softplus(x, 2); },
       {0, 0.5, 30},
       {std::log(2.0) / 2, std::log1p(e) / 2, 30},
       {0.5, 0.5 + t / 2, 1}},
      {"swish",
       [](const Variable& x) { return ops::swish(x); },
       {0, 1, -1, 1000, -1000, kNan},
       {0, 0.5 + t / 2, t / 2 - 0.5, 1000, 0, kNan},
       {0.5, 0.9276705118714867, 0.07232948812851325, 1, 0, kNan}},
      {"swish",
       [](const Variable& x) { return ops::swish(x, 2); },
       {0, 0.5, -0.5},
       {0, 0.25 + t / 4, t / 4 - 0.25},
       {0.5, 0.9276705118714867, 0.07232948812851325}},
      {"hard_swish",
       ops::hard_swish,
       {-4, -3, -1.5, 0, 1.5, 3, 4, 1000, kNan},
       {0, 0, -0.375, 0, 1.125, 3, 4, 1000, kNan},
       {0, 0, 0, 0.5, 1, 1, 1, 1, kNan}},
      {"gelu",
       [](const Variable& x) { return ops::gelu(x); },
       {0, 1, -1, 1000, -1000, kNan},
       {0, 0.8413447460685429, -0.15865525393145705, 1000, 0, kNan},
       {0.5, 1.0833154705876864, -0.08331547058768629, 1, 0, kNan}},
      {"gelu_tanh",
       [](const Variable& x) { return ops::gelu(x, ops::GeluForm::tanh); },
       {0, 1, -1, 1000, -1000, 1e30, kNan},
       {0, 0.8411919906082768, -0.15880800939172324, 1000, 0, 1e30, kNan},
       {0.5, 1.0829640838457826, -0.08296408384578255, 1, 0, 1, kNan}},
      {"mish",
       ops::mish,
       {0, 1, -1, 1000, -1000, kNan},
       {0, 0.8650983882673103, -0.30340146137410895, 1000, 0, kNan},
       {0.6, 1.0490362200997922, 0.059216755877395, 1, 0, kNan}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool create_graph = GENERATE(false, true);
  INFO(c.name << " " << dtype);
  const Variable x = variable(c.x, dtype, true);
  const Variable y = c.op(x);
  CHECK(y.dtype() == dtype);
  CHECK(y.creator()->name() == c.name);
  const double tolerance = test::element_tolerance(dtype);
  CHECK(allclose(y.data(), variable(c.y, dtype).data(), tolerance, 0, true));
  const Variable gy{Array::ones(x.shape(), dtype)};
  const Variable gx = grad({y}, {x}, {gy}, {.create_graph = create_graph})[0];
  CHECK(allclose(gx.data(), variable(c.gx, dtype).data(), tolerance, tolerance, true));
}

TEST_CASE("sigmoid, softplus, mish and gelu keep their relative accuracy far out", "[activation]") {
  const auto at = [](Variable (*op)(const Variable&), double x, DType dtype) {
    return op(variable({x}, dtype)).item();
  };
  const auto softplus = [](const Variable& x) { return ops::softplus(x); };
  const auto gelu = [](const Variable& x) { return ops::gelu(x); };
  CHECK(at(ops::sigmoid, -80, DType::float32) == Approx(std::exp(-80.0)).epsilon(1e-6));
  CHECK(at(ops::sigmoid, -700, DType::float64) == Approx(std::exp(-700.0)).epsilon(1e-12));
  CHECK(at(softplus, -80, DType::float32) == Approx(std::exp(-80.0)).epsilon(1e-6));
  CHECK(at(softplus, -700, DType::float64) == Approx(std::exp(-700.0)).epsilon(1e-12));
  CHECK(at(ops::mish, -80, DType::float32) == Approx(-80 * std::exp(-80.0)).epsilon(1e-6));
  CHECK(at(ops::mish, -600, DType::float64) == Approx(-600 * std::exp(-600.0)).epsilon(1e-12));
  // The exponent -x^2 / 2 is rounded.
  CHECK(at(gelu, -8, DType::float32) == Approx(-4 * std::erfc(8 / std::sqrt(2.0))).epsilon(1e-5));
  CHECK(at(gelu, -30, DType::float64) == Approx(-15 * std::erfc(30 / std::sqrt(2.0))).epsilon(1e-12));
}

TEST_CASE("hard_swish is x itself from 3 on", "[activation]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const double largest = dtype == DType::float32 ? static_cast<double>(std::numeric_limits<float>::max())
                                                 : std::numeric_limits<double>::max();
  const Array x = variable({3, 3.3, 7.7, 1e9 / 3, largest, kInf}, dtype).data();
  CHECK(identical(ops::hard_swish(Variable(x)).data(), x));
}

TEST_CASE("relu gives no negative zero and keeps only its output", "[activation]") {
  const Variable y = ops::relu(variable({-0.0, -1}, DType::float32));
  CHECK_FALSE(std::signbit(y.data().data<float>()[0]));
  CHECK_FALSE(std::signbit(y.data().data<float>()[1]));

  const Variable x = variable({-1, 2}, DType::float64, true);
  const Variable kept = ops::relu(x);
  CHECK(x.data().is_unique());
  CHECK_FALSE(kept.data().is_unique());
}

TEST_CASE("relu's second order passes through the mask", "[activation]") {
  const Variable x = variable({-1, 0, 2}, DType::float64, true);
  const Variable gy = variable({5, 6, 7}, DType::float64, true);
  const Variable gx = grad({ops::relu(x)}, {x}, {gy}, {.create_graph = true})[0];
  const Variables second = grad({gx}, {gy}, {variable({10, 20, 30}, DType::float64)});
  CHECK(identical(second[0].data(), variable({0, 0, 30}, DType::float64).data()));
}

TEST_CASE("options of activations are attributes, with Chainer's defaults", "[activation]") {
  const Variable x = variable({1}, DType::float32, true);
  CHECK(ops::clipped_relu(x).creator()->attributes() == Attributes{{"z", "20"}});
  CHECK(ops::leaky_relu(x).creator()->attributes() == Attributes{{"slope", "0.2"}});
  CHECK(ops::hard_sigmoid(x).creator()->attributes() == Attributes{{"slope", "0.2"}});
  CHECK(ops::relu6(x).creator()->attributes() == Attributes{{"z", "6"}});
  CHECK(ops::elu(x).creator()->attributes() == Attributes{{"alpha", "1"}});
  CHECK(ops::selu(x).creator()->attributes() ==
        Attributes{{"alpha", "1.6732632423543772"}, {"scale", "1.0507009873554805"}});
  CHECK(ops::softplus(x).creator()->attributes() == Attributes{{"beta", "1"}});
  CHECK(ops::relu(x).creator()->attributes().empty());
}

TEST_CASE("clipped_relu wants room between 0 and z", "[activation][errors]") {
  const Variable x = variable({1, 2}, DType::float32);
  for (const double z : {0.0, -1.0, kNan}) CHECK_THROWS_AS(ops::clipped_relu(x, z), ValueError);
  CHECK_THROWS_MATCHES(ops::clipped_relu(x, -1), ValueError,
                       Message("clipped_relu: z must be above 0 (it is -1)\n"
                               "  x: float32 [2]\n"
                               "  hint: z is the largest value of the result"));
}

TEST_CASE("activations take arrays of any shape, also empty ones", "[activation]") {
  const auto shape = GENERATE(values<Shape>({{}, {0}, {2, 0, 3}, {1, 1}, {2, 3, 4, 5}, {40000}}));
  const auto op = GENERATE(ops::relu, ops::sigmoid, ops::tanh);
  const Variable x{Array::full(shape, 0.5, DType::float32), true};
  const Variable y = op(x);
  CHECK(y.shape() == shape);
  const Variable gx = grad({y}, {x}, {Variable{Array::ones(shape, DType::float32)}})[0];
  CHECK(gx.shape() == shape);
  const Array scalar = op(Variable{Array::scalar(0.5, DType::float32)}).data();
  for (std::int64_t i = 0; i < y.size(); ++i) {
    if (y.data().data<float>()[i] != scalar.data<float>()[0]) FAIL("element " << i << " differs");
  }
}

TEST_CASE("activations name an undefined argument", "[activation][errors]") {
  const auto [op, name] = GENERATE(table<Variable (*)(const Variable&), std::string>(
      {{ops::relu, "relu"}, {ops::sigmoid, "sigmoid"}, {ops::tanh, "tanh"}}));
  CHECK_THROWS_MATCHES(
      op(Variable{}), GraphError,
      Message(name + ": x must not be undefined\n  x: undefined\n"
                     "  hint: Variable{} is legal for optional arguments only; give a deferred "
                     "parameter its data with initialize"));
}
