// SPDX-License-Identifier: BSD-3-Clause
// Batch normalization with an activation and a residual in its passes.
#include <fathom/ops/batch_normalization.hpp>

#include <support/op_table.hpp>
#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <span>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Variable activate(Activation activation, const Variable& x) {
  if (activation == Activation::none) return x;
  return activation == Activation::relu ? ops::relu(x) : ops::relu6(x);
}

/// What is compared: one op, or three that mean the same.
enum class Form { fused, parts };

struct Problem {
  bool is_fixed;
  Activation activation;
  bool has_residual;
  std::optional<Axes> axis;
};

/// `in` holds x, gamma, beta, mean, variance, residual; what the problem lacks is left alone.
Variable run(Form form, const Problem& p, const Variables& in) {
  const Variable residual = p.has_residual ? in[5] : Variable{};
  const bool is_fused = form == Form::fused;
  const Activation inside = is_fused ? p.activation : Activation::none;
  const Variable added = is_fused ? residual : Variable{};
  Variable y = p.is_fixed
                   ? ops::fixed_batch_normalization(in[0], in[1], in[2], in[3], in[4],
                                                    {.axis = p.axis, .activation = inside, .residual = added})
                   : ops::batch_normalization(in[0], in[1], in[2], nullptr,
                                              {.axis = p.axis, .activation = inside, .residual = added});
  if (is_fused) return y;
  if (p.has_residual) y = y + residual;
  return activate(p.activation, y);
}

/// y and the gradients of all inputs that it depends on, without a graph.
Arrays outcome(Form form, const Problem& p, const Arrays& arrays, DType dtype) {
  Variables in;
  for (const Array& array : arrays) in.emplace_back(array.astype(dtype), true);
  const Variable y = run(form, p, in);
  Arrays result{y.data().astype(DType::float64)};
  const Variable gy(uniform({3, 9}, y.shape(), -1, 1, DType::float32).astype(dtype));
  for (const Variable& gradient : grad(std::span(&y, 1), in, std::span(&gy, 1))) {
    if (gradient.defined()) result.push_back(gradient.data().astype(DType::float64));
  }
  return result;
}

double largest_difference(const Array& a, const Array& b) {
  REQUIRE(a.shape() == b.shape());
  double result = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    result = std::max(result, std::abs(a.data<double>()[i] - b.data<double>()[i]));
  return result;
}

Variable of(std::initializer_list<double> values, const Shape& shape) {
  return Variable(Array::from(values, shape), true);
}

}  // namespace

TEST_CASE("fused batch normalization agrees with its parts in double, on every instruction set",
          "[batch_normalization]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const auto [x, axis, channels] = GENERATE(table<Shape, std::optional<Axes>, Shape>({
      {{3, 5, 7, 9}, std::nullopt, {5}},
      {{2, 2, 31, 33}, std::nullopt, {2}},
      {{9, 3, 2, 2}, std::nullopt, {3}},
      {{300, 67}, std::nullopt, {67}},
      {{5, 2, 3}, Axes{0}, {2, 3}},
      {{3, 40, 5}, Axes{1}, {3, 5}},
  }));
  Arrays arrays{
      normal({2, 0}, x, 0.5, 2, DType::float32),         uniform({2, 1}, channels, 2, 4, DType::float32),
      uniform({2, 2}, channels, 0, 4, DType::float32),   uniform({2, 3}, channels, -1, 1, DType::float32),
      uniform({2, 4}, channels, 0.5, 2, DType::float32), uniform({2, 5}, x, -2, 2, DType::float32)};
  Problem p{.is_fixed = false, .activation = Activation::none, .has_residual = false, .axis = axis};
  for (const bool is_fixed : {false, true}) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      for (const bool has_residual : {false, true}) {
        p.is_fixed = is_fixed;
        p.activation = activation;
        p.has_residual = has_residual;
        const Arrays wanted = outcome(Form::parts, p, arrays, DType::float64);
        for (const DType dtype : {DType::float32, DType::float64}) {
          INFO(to_string(x) << (is_fixed ? " fixed " : " ") << to_string(activation)
                            << (has_residual ? ", residual, " : ", ") << dtype);
          const Arrays got = outcome(Form::fused, p, arrays, dtype);
          REQUIRE(got.size() == wanted.size());
          CHECK(got.size() == 1U + 3U + (is_fixed ? 2U : 0U) + (has_residual ? 1U : 0U));
          for (std::size_t i = 0; i < got.size(); ++i) {
            // Gradients of channels are sums, of up to x.size() terms of the order of 1.
            const bool is_sum = got[i].shape() == channels;
            const std::int64_t terms = x.size() / channels.size();
            const double scale = is_sum ? 16 * static_cast<double>(terms) : 64;
            CHECK(largest_difference(got[i], wanted[i]) <=
                  scale * test::sum_tolerance(dtype, is_sum ? terms : 1));
          }
        }
      }
    }
  }
}

TEST_CASE("fused batch normalization of four numbers, both kinks among them", "[batch_normalization]") {
  // Mean 2.5, deviation 1.5 with eps 1: normalized -1, -1/3, 1/3, 1; times 3: -3, -1, 1, 3.
  const Variable x = of({1, 2, 3, 4}, {4, 1});
  const Variable gamma = of({3}, {1});
  const Variable beta = of({0}, {1});
  const Variable residual = of({3, 2, 8, 3}, {4, 1});  // sums 0, 1, 9, 6
  const auto [activation, y, gr] = GENERATE(table<Activation, Array, Array>({
      {Activation::none, Array::from({0.0, 1.0, 9.0, 6.0}, {4, 1}),
       Array::from({1.0, 2.0, 4.0, 8.0}, {4, 1})},
      {Activation::relu, Array::from({0.0, 1.0, 9.0, 6.0}, {4, 1}),
       Array::from({0.0, 2.0, 4.0, 8.0}, {4, 1})},
      {Activation::relu6, Array::from({0.0, 1.0, 6.0, 6.0}, {4, 1}),
       Array::from({0.0, 2.0, 0.0, 0.0}, {4, 1})},
  }));
  INFO(to_string(activation));
  const Variable got = ops::batch_normalization(x, gamma, beta, nullptr,
                                                {.eps = 1, .activation = activation, .residual = residual});
  // Exact where the kinks are, so that the gradient there is what is said of it.
  CHECK(allclose(got.data(), y, 1e-15, 0));
  if (activation != Activation::none) CHECK(got.data().data<double>()[0] == 0);
  if (activation == Activation::relu6) CHECK(got.data().data<double>()[3] == 6);
  const Variables gs = grad({got}, {residual, beta}, {of({1, 2, 4, 8}, {4, 1})});
  CHECK(identical(gs[0].data(), gr));
  const double* g = gr.data<double>();
  CHECK(gs[1].item() == g[0] + g[1] + g[2] + g[3]);
}

TEST_CASE("fused batch normalization keeps x, gamma and, for an activation behind a residual, y",
          "[batch_normalization]") {
  const auto [activation, has_residual, names] = GENERATE(table<Activation, bool, std::vector<std::string>>({
      {Activation::none, true, {"input 0", "input 1"}},
      {Activation::relu, false, {"input 0", "input 1"}},
      {Activation::relu, true, {"input 0", "input 1", "output 0"}},
      {Activation::relu6, true, {"input 0", "input 1", "output 0"}},
  }));
  const Variable x(normal({1, 0}, {4, 2}, 0, 1, DType::float32), true);
  const Variable one(Array::ones({2}, DType::float32), true);
  const Variable y = ops::batch_normalization(
      x, one, one, nullptr, {.activation = activation, .residual = has_residual ? x : Variable{}});
  std::vector<std::string> kept;
  for (const auto& [name, array] : y.creator()->kept()) kept.push_back(name);
  CHECK(kept == names);
}

TEST_CASE("batch normalization's result that is computed again gives the same bits",
          "[batch_normalization]") {
  const test::RestoreSettings restore;
  set_num_threads(GENERATE(1, 3));
  const auto activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  const Shape shape = GENERATE(Shape{3, 5, 7, 9}, Shape{200, 67});
  const Array x_array = normal({6, 0}, shape, 1, 2, DType::float32);
  const Array gamma_array = uniform({6, 1}, {shape[1]}, 1, 3, DType::float32);
  const Array beta_array = uniform({6, 2}, {shape[1]}, -1, 3, DType::float32);
  const Array factor = normal({6, 3}, shape, 0, 1, DType::float32);
  const auto gradients = [&](bool recompute, std::int64_t* kept) {
    const Variable x(x_array, true), gamma(gamma_array, true), beta(beta_array, true), w(factor, true);
    const std::int64_t before = memory_statistics().bytes_in_use;
    const Variable y = ops::batch_normalization(x, gamma, beta, nullptr,
                                                {.activation = activation, .recompute = recompute}) *
                       w;  // keeps the normalized x for w's gradient
    *kept = memory_statistics().bytes_in_use - before;
    const Variable gy(Array::ones(shape, DType::float32));
    Arrays result{y.data()};
    for (int repeat = 0; repeat < 2; ++repeat) {  // the second time from a graph that was retained
      for (const Variable& g : grad({y}, {x, gamma, beta, w}, {gy}, {.retain_graph = true}))
        result.push_back(g.data());
    }
    return result;
  };
  std::int64_t kept = 0, kept_less = 0;
  const Arrays wanted = gradients(false, &kept);
  const Arrays got = gradients(true, &kept_less);
  CHECK(kept - kept_less >= shape.size() * 4);
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(identical(got[i], wanted[i]));
}

TEST_CASE("what batch normalization computes again is guarded as what is kept", "[batch_normalization]") {
  Variable x(normal({6, 4}, {4, 3}, 0, 1, DType::float64), true);
  const Variable one(Array::ones({3}, DType::float64), true);
  const Variable w(Array::full({4, 3}, 2, DType::float64), true);
  const auto batch_norm = [&] { return ops::batch_normalization(x, one, one, nullptr, {.recompute = true}); };
  const Variable gy(Array::ones({4, 3}, DType::float64));
  SECTION("x was changed") {
    const Variable y = batch_norm() * w;
    x.mutable_data().mutable_data<double>()[0] = 5;
    CHECK_THROWS_WITH(backward(std::span(&y, 1), std::span(&gy, 1)),
                      Catch::Contains("batch_normalization: input 0 was changed in place after forward"));
    CHECK_FALSE(w.grad().defined());
  }
  SECTION("the result was held and changed") {
    Variable normalized = batch_norm();
    const Variable y = normalized * w;
    normalized.mutable_data().mutable_data<double>()[0] = 5;
    CHECK_THROWS_WITH(backward(std::span(&y, 1), std::span(&gy, 1)),
                      Catch::Contains("mul: input 0 was changed in place after forward"));
    CHECK_FALSE(w.grad().defined());
  }
  SECTION("its graph was released") {
    const Variable normalized = batch_norm();
    const Variable first = normalized * w;
    const Variable second = Variable(normalized) * w;
    backward(std::span(&first, 1), std::span(&gy, 1));
    CHECK_THROWS_WITH(backward(std::span(&second, 1), std::span(&gy, 1)),
                      Catch::Contains("batch_normalization: its graph has been released"));
  }
  SECTION("second derivatives") {
    const auto gradients = [&](bool recompute) {
      const Variable y =
          ops::relu(ops::batch_normalization(x, one, one, nullptr, {.recompute = recompute}) * w);
      const Variable gx = grad({y}, {x}, {gy}, {.create_graph = true})[0];
      return grad({gx * gx}, {x}, {gy})[0].data();
    };
    CHECK(identical(gradients(true), gradients(false)));
  }
}

TEST_CASE("batch normalization's backward leaves a gradient alone that others hold",
          "[batch_normalization]") {
  const bool has_residual = GENERATE(false, true);
  const Variable x(normal({7, 0}, {6, 3, 5}, 0, 1, DType::float32), true);
  const Variable residual(normal({7, 1}, {6, 3, 5}, 0, 1, DType::float32), true);
  const Variable one(Array::ones({3}, DType::float32), true);
  const Variable y = ops::batch_normalization(
      x, one, one, nullptr,
      {.activation = Activation::relu, .residual = has_residual ? residual : Variable{}});
  const Array gy_array = normal({7, 2}, {6, 3, 5}, 0, 1, DType::float32);
  const Variable gy(gy_array.copy());
  const Variables once = grad({y}, {x, one}, {gy}, {.retain_graph = true});
  CHECK(identical(gy.data(), gy_array));
  // The same from a gradient that is the engine's own, which may be overwritten.
  const Variable z = y * Variable(Array::ones(y.shape(), DType::float32));
  const Variables again = grad({z}, {x, one}, {gy});
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(identical(once[i].data(), again[i].data()));
}

TEST_CASE("the residual of batch normalization may be its x", "[batch_normalization]") {
  const Array array = normal({4, 0}, {5, 3, 2}, 0, 1, DType::float64);
  const Variable one(Array::ones({3}, DType::float64));
  const auto gx_of = [&](Form form) {
    const Variable x(array, true);
    const bool is_fused = form == Form::fused;
    const ops::BatchNormalizationOptions options =
        is_fused ? ops::BatchNormalizationOptions{.activation = Activation::relu, .residual = x}
                 : ops::BatchNormalizationOptions{};
    Variable y = ops::batch_normalization(x, one, one, nullptr, options);
    if (!is_fused) y = ops::relu(y + x);
    return grad({y * y}, {x}, {Variable(Array::ones(y.shape(), DType::float64))})[0].data();
  };
  CHECK(allclose(gx_of(Form::fused), gx_of(Form::parts), 1e-13, 1e-13));
}

TEST_CASE("what follows batch normalization leaves the running statistics as they would be",
          "[batch_normalization]") {
  const Variable x(normal({5, 0}, {6, 3, 4}, 1, 2, DType::float32));
  const Variable one(Array::ones({3}, DType::float32));
  const auto after = [&](const ops::BatchNormalizationOptions& options) {
    ops::RunningStatistics running{Array::zeros({3}, DType::float32), Array::ones({3}, DType::float32)};
    static_cast<void>(ops::batch_normalization(x, one, one, &running, options));
    return running;
  };
  const ops::RunningStatistics plain = after({});
  const ops::RunningStatistics fused = after({.activation = Activation::relu6, .residual = x});
  CHECK(identical(plain.mean, fused.mean));
  CHECK(identical(plain.variance, fused.variance));
}

TEST_CASE("NaN goes through fused batch normalization as through its parts", "[batch_normalization]") {
  const auto activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  const Variable one(Array::ones({1}, DType::float64));
  const Variable zero(Array::zeros({1}, DType::float64));
  const Problem p{.is_fixed = true, .activation = activation, .has_residual = true, .axis = std::nullopt};
  const Variables in{of({kNaN, 1, 2}, {3, 1}), one, zero, zero, one, of({0, kNaN, 1}, {3, 1})};
  const Variable gy = of({1, 1, kNaN}, {3, 1});
  const Variable fused = run(Form::fused, p, in);
  const Variable parts = run(Form::parts, p, in);
  CHECK(allclose(fused.data(), parts.data(), 1e-12, 0, true));
  CHECK(std::isnan(fused.data().data<double>()[0]));
  CHECK(std::isnan(fused.data().data<double>()[1]));
  const Variables got = grad({fused}, {in[0], in[5]}, {gy});
  const Variables wanted = grad({parts}, {in[0], in[5]}, {gy});
  for (std::size_t i = 0; i < 2; ++i) CHECK(allclose(got[i].data(), wanted[i].data(), 1e-12, 0, true));
}

TEST_CASE("batch normalization refuses a residual that is not like x", "[batch_normalization][errors]") {
  const Variable x(Array::ones({2, 3}, DType::float32));
  const Variable three(Array::ones({3}, DType::float32));
  ops::RunningStatistics running{Array::full({3}, 7, DType::float32), {}};
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::batch_normalization(
          x, three, three, &running, {.residual = Variable(Array::ones({1, 3}, DType::float32))})),
      ShapeError,
      Message("batch_normalization: residual must have the shape [2, 3], that of x (it has [1, 3])\n"
              "  x:            float32 [2, 3]  (n, c)\n"
              "  gamma:        float32 [3]     (c)\n"
              "  beta:         float32 [3]     (c)\n"
              "  running.mean: float32 [3]     (c)\n"
              "  residual:     float32 [1, 3]  (n, c)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK(identical(running.mean, Array::full({3}, 7, DType::float32)));
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::fixed_batch_normalization(
          x, three, three, three, three, {.residual = Variable(Array::ones({2, 3}, DType::float64))})),
      DTypeError,
      Message(
          "fixed_batch_normalization: residual must have the dtype of x (x is float32, residual is float64)\n"
          "  x:        float32 [2, 3]  (n, c)\n"
          "  gamma:    float32 [3]     (c)\n"
          "  beta:     float32 [3]     (c)\n"
          "  mean:     float32 [3]     (c)\n"
          "  variance: float32 [3]     (c)\n"
          "  residual: float64 [2, 3]  (n, c)\n"
          "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
}
