// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/softmax_cross_entropy.hpp>

#include <support/tolerance.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>

using namespace fathom;
using Options = ops::SoftmaxCrossEntropyOptions;

namespace {

struct Loss {
  Array y, gx;
};

Loss loss(const Array& x, const Array& t, const Options& options = {}, const Array& class_weight = {},
          const Array& gy = {}) {
  const Variable xv(x, true);
  const Variable y = ops::softmax_cross_entropy(xv, t, options, class_weight);
  const Array start = gy.defined() ? gy : Array::ones(y.shape(), x.dtype());
  return {y.data(), grad({y}, {xv}, {Variable(start)})[0].data()};
}

/// The definition in plain loops and double: losses and gradients of sum(loss * gy) before any mean.
struct Reference {
  std::vector<double> y, gx;
};

Reference reference(const Array& x_array, const std::vector<double>& q, const Array& gy_array) {
  const std::int64_t classes = x_array.shape(1);
  std::int64_t inner = 1;
  for (std::size_t a = 2; a < x_array.rank(); ++a) inner *= x_array.shape()[a];
  const Array doubles = x_array.astype(DType::float64);
  const Array gys = gy_array.astype(DType::float64);
  Reference r;
  r.gx.resize(static_cast<std::size_t>(x_array.size()));
  for (std::int64_t n = 0; n < x_array.shape(0); ++n) {
    for (std::int64_t d = 0; d < inner; ++d) {
      const auto at = [&](std::int64_t k) { return static_cast<std::size_t>((n * classes + k) * inner + d); };
      const double* x = doubles.data<double>();
      double largest = x[at(0)];
      for (std::int64_t k = 0; k < classes; ++k) largest = std::max(largest, x[at(k)]);
      double sum = 0;
      double total = 0;
      for (std::int64_t k = 0; k < classes; ++k) {
        sum += std::exp(x[at(k)] - largest);
        total += q[at(k)];
      }
      const double gy = gys.data<double>()[r.y.size()];
      double y = 0;
      for (std::int64_t k = 0; k < classes; ++k) {
        y -= q[at(k)] * (x[at(k)] - largest - std::log(sum));
        r.gx[at(k)] = gy * (total * std::exp(x[at(k)] - largest) / sum - q[at(k)]);
      }
      r.y.push_back(y);
    }
  }
  return r;
}

/// Labels as a distribution times class weights, in the layout of x.
std::vector<double> spread(const Shape& x, const std::vector<std::int64_t>& labels,
                           const std::vector<double>& weights) {
  std::vector<double> q(static_cast<std::size_t>(x.size()), 0.0);
  const std::int64_t inner = static_cast<std::int64_t>(labels.size()) / x[0];
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto position = static_cast<std::int64_t>(i);
    if (labels[i] < 0) continue;
    q[static_cast<std::size_t>((position / inner * x[1] + labels[i]) * inner + position % inner)] =
        weights[static_cast<std::size_t>(labels[i])];
  }
  return q;
}

Array vector(std::initializer_list<double> numbers) {
  return Array::from(numbers, {static_cast<std::int64_t>(numbers.size())});
}
Array labels(std::initializer_list<std::int64_t> numbers) {
  return Array::from(numbers, {static_cast<std::int64_t>(numbers.size())});
}

}  // namespace

TEST_CASE("softmax_cross_entropy of hand values", "[softmax_cross_entropy]") {
  // softmax of (0, log 3) is (1/4, 3/4).
  const Array x = Array::from({0.0, std::log(3.0), 0.0, std::log(3.0)}, {2, 2});
  const Loss mean = loss(x, labels({0, 1}));
  CHECK(mean.y.shape() == Shape{});
  CHECK(mean.y.item() == Approx((std::log(4.0) + std::log(4.0 / 3.0)) / 2).epsilon(1e-15));
  CHECK(allclose(mean.gx, Array::from({-0.375, 0.375, 0.125, -0.125}, {2, 2}), 1e-15, 1e-15));

  const Loss each = loss(x, labels({0, 1}), {.reduce = ops::Reduce::no}, {}, vector({2, 4}));
  CHECK(allclose(each.y, vector({std::log(4.0), std::log(4.0 / 3.0)}), 1e-15, 1e-15));
  CHECK(allclose(each.gx, Array::from({-1.5, 1.5, 1.0, -1.0}, {2, 2}), 1e-15, 1e-15));
}

TEST_CASE("what the mean of softmax_cross_entropy divides by", "[softmax_cross_entropy]") {
  const Array x = Array::zeros({4, 2}, DType::float64);  // every loss is log 2
  const double log2 = std::log(2.0);
  const Array t = labels({0, -1, 1, -1});
  CHECK(loss(x, t).y.item() == Approx(log2).epsilon(1e-15));
  CHECK(loss(x, t, {.normalize = false}).y.item() == Approx(log2 / 2).epsilon(1e-15));
  CHECK(loss(x, t, {}, vector({3, 5})).y.item() == Approx(4 * log2).epsilon(1e-15));
  CHECK(loss(x, t, {.normalize = false}, vector({3, 5})).y.item() == Approx(2 * log2).epsilon(1e-15));
  CHECK(loss(x, labels({0, 1, 1, 0}), {.ignore_label = 1, .normalize = false}).y.item() ==
        Approx(log2 / 2).epsilon(1e-15));
  CHECK(loss(x, Array::full({4, 2}, 0.5, DType::float64)).y.item() == Approx(log2).epsilon(1e-15));
  // Three axes: the batch size is 2, labels are 2 * 2.
  const Array deep = Array::zeros({2, 2, 2}, DType::float64);
  const Array deep_t = Array::from<std::int64_t>({0, 1, -1, 1}, {2, 2});
  CHECK(loss(deep, deep_t).y.item() == Approx(log2).epsilon(1e-15));
  CHECK(loss(deep, deep_t, {.normalize = false}).y.item() == Approx(1.5 * log2).epsilon(1e-15));
}

TEST_CASE("the sum of softmax_cross_entropy divides by nothing", "[softmax_cross_entropy]") {
  const Array x = Array::zeros({4, 2}, DType::float64);  // every loss is log 2
  const bool normalize = GENERATE(true, false);
  const Options options{.normalize = normalize, .reduce = ops::Reduce::sum};
  const Loss sum = loss(x, labels({0, -1, 1, 1}), options, vector({3, 5}));
  CHECK(sum.y.shape() == Shape{});
  CHECK(sum.y.item() == Approx(13 * std::log(2.0)).epsilon(1e-15));
  CHECK(allclose(sum.gx, Array::from({-1.5, 1.5, 0.0, 0.0, 2.5, -2.5, 2.5, -2.5}, {4, 2}), 1e-15, 1e-15));
}

TEST_CASE("the gradient of a nearly certain class keeps its digits", "[softmax_cross_entropy]") {
  // The other class has the probability exp(-40): rounded to float, the certain one has 1.
  const Loss certain = loss(Array::from<float>({40, 0}, {1, 2}), labels({0}));
  CHECK(certain.gx.data<float>()[1] == Approx(std::exp(-40.0)).epsilon(1e-6));
  const Loss likely = loss(Array::from<float>({14, 0}, {1, 2}), labels({0}));
  CHECK(likely.gx.data<float>()[0] == Approx(-1 / (1 + std::exp(14.0))).epsilon(1e-6));
}

TEST_CASE("softmax_cross_entropy agrees with the definition over odd sizes", "[softmax_cross_entropy]") {
  const Shape shape = GENERATE(Shape{1, 1}, Shape{1, 5}, Shape{7, 3}, Shape{300, 10}, Shape{2, 3, 4},
                               Shape{3, 2, 1, 5}, Shape{2, 19, 9, 11});
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto label_dtype = GENERATE(DType::int32, DType::int64);
  const bool weighted = GENERATE(false, true);
  INFO(to_string(shape) << " " << dtype << " " << label_dtype << (weighted ? " weighted" : ""));
  const Array x = normal({1, 0}, shape, 0, 4, dtype);
  Shape label_shape{shape[0]};
  for (std::size_t a = 2; a < shape.rank(); ++a) label_shape.push_back(shape[a]);
  std::vector<std::int64_t> t;
  for (std::int64_t i = 0; i < label_shape.size(); ++i) t.push_back(i * 7 % (shape[1] + 1) - 1);
  std::vector<double> weights(static_cast<std::size_t>(shape[1]), 1.0);
  for (std::size_t k = 0; weighted && k < weights.size(); ++k)
    weights[k] = 0.5 + 0.25 * static_cast<double>(k);
  const Array class_weight = weighted ? Array::from(weights, {shape[1]}).astype(dtype) : Array{};

  const Array gy = uniform({1, 1}, label_shape, -1, 1, dtype);
  const Reference wanted = reference(x, spread(shape, t, weights), gy);
  const Loss got =
      loss(x, Array::from(t, label_shape).astype(label_dtype), {.reduce = ops::Reduce::no}, class_weight, gy);
  // Scores up to 16 are rounded to dtype before they come here; only the result is rounded again.
  const double tolerance = dtype == DType::float64 ? 1e-13 : test::element_tolerance(dtype);
  CHECK(allclose(got.y.astype(DType::float64), Array::from(wanted.y, label_shape), tolerance, tolerance));
  CHECK(allclose(got.gx.astype(DType::float64), Array::from(wanted.gx, shape), tolerance, tolerance));
}

TEST_CASE("softmax_cross_entropy takes soft targets", "[softmax_cross_entropy]") {
  const Shape shape = GENERATE(Shape{4, 3}, Shape{2, 3, 4, 5});
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Array x = normal({2, 0}, shape, 0, 2, dtype);
  const Array t = uniform({2, 1}, shape, 0, 1, dtype);  // need not add up to 1
  Shape positions{shape[0]};
  for (std::size_t a = 2; a < shape.rank(); ++a) positions.push_back(shape[a]);
  const Array gy = uniform({2, 2}, positions, -1, 1, dtype);
  const Array doubles = t.astype(DType::float64);
  const Reference wanted =
      reference(x, {doubles.data<double>(), doubles.data<double>() + doubles.size()}, gy);
  const double tolerance = dtype == DType::float64 ? 1e-13 : test::element_tolerance(dtype);
  const Loss got = loss(x, t, {.reduce = ops::Reduce::no}, {}, gy);
  CHECK(allclose(got.y.astype(DType::float64), Array::from(wanted.y, positions), tolerance, tolerance));
  CHECK(allclose(got.gx.astype(DType::float64), Array::from(wanted.gx, shape), tolerance, tolerance));

  double sum = 0;
  for (const double y : wanted.y) sum += y;
  CHECK(loss(x, t).y.item() == Approx(sum / static_cast<double>(positions.size())).epsilon(tolerance));
}

TEST_CASE("label smoothing spreads a share of each target over all classes", "[softmax_cross_entropy]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Array x = normal({5, 0}, {4, 3, 2}, 0, 2, dtype);
  const Array t = Array::from<std::int64_t>({2, 0, -1, 1, 1, -1, 0, 2}, {4, 2});
  const std::vector<double> weights{0.5, 2, 1.25};
  const Array weight = Array::from(weights, {3}).astype(dtype);
  const Array gy = uniform({5, 1}, {4, 2}, -1, 1, dtype);
  // By the definition: 0.7 of the label and 0.1 of every class, each times its class weight.
  std::vector<double> q(24, 0.0);
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t label = t.data<std::int64_t>()[n * 2 + d];
      for (std::size_t k = 0; label >= 0 && k < 3; ++k)
        q[(n * 3 + k) * 2 + d] = weights[k] * ((static_cast<std::int64_t>(k) == label ? 0.7 : 0.0) + 0.1);
    }
  }
  const Reference wanted = reference(x, q, gy);
  const Options options{.reduce = ops::Reduce::no, .label_smoothing = 0.3};
  const Loss got = loss(x, t, options, weight, gy);
  const double tolerance = dtype == DType::float64 ? 1e-13 : test::element_tolerance(dtype);
  CHECK(allclose(got.y.astype(DType::float64), Array::from(wanted.y, {4, 2}), tolerance, tolerance));
  CHECK(allclose(got.gx.astype(DType::float64), Array::from(wanted.gx, {4, 3, 2}), tolerance, tolerance));
  CHECK(got.y.astype(DType::float64).data<double>()[2] == 0);

  // The mean divides as without smoothing: by six labels, or by the batch size.
  double sum = 0;
  for (const double y : wanted.y) sum += y;
  const auto mean = [&](bool normalize) {
    return loss(x, t, {.normalize = normalize, .label_smoothing = 0.3}, weight).y.item();
  };
  CHECK(mean(true) == Approx(sum / 6).epsilon(tolerance));
  CHECK(mean(false) == Approx(sum / 4).epsilon(tolerance));
}

TEST_CASE("smoothed labels are smoothed soft targets", "[softmax_cross_entropy]") {
  const Array x = normal({6, 0}, {2, 3}, 0, 1, DType::float64);
  const Array weight = vector({0.5, 2, 4});
  const Options smoothed{.label_smoothing = 0.3};
  const Loss label = loss(x, labels({2, 1}), smoothed, weight);
  const Array one_hot = Array::from({0.0, 0.0, 1.0, 0.0, 1.0, 0.0}, {2, 3});
  const Array spread_out = Array::from({0.1, 0.1, 0.8, 0.1, 0.8, 0.1}, {2, 3});
  for (const Loss& soft : {loss(x, one_hot, smoothed, weight), loss(x, spread_out, {}, weight)}) {
    CHECK(allclose(soft.y, label.y, 1e-14, 0));
    CHECK(allclose(soft.gx, label.gx, 1e-14, 1e-16));
  }
  // Of two classes and a share of 1 the label makes no difference.
  const Array pair = Array::from({0.5, -1.0}, {1, 2});
  CHECK(loss(pair, labels({0}), {.label_smoothing = 1}).y.item() ==
        loss(pair, labels({1}), {.label_smoothing = 1}).y.item());
}

TEST_CASE("the divergence from soft targets is the cross entropy less a constant",
          "[softmax_cross_entropy]") {
  const Array x = normal({7, 0}, {2, 3}, 0, 1, DType::float64);
  const Array t = Array::from({0.25, 0.75, 0.0, 0.5, 0.25, 0.25}, {2, 3});
  const Options divergence{.soft_target_loss = ops::SoftTargetLoss::kl_divergence};
  const double entropy =
      -(3 * 0.25 * std::log(0.25 + 1e-7) + 0.75 * std::log(0.75 + 1e-7) + 0.5 * std::log(0.5 + 1e-7));
  const Loss cross = loss(x, t);
  CHECK(loss(x, t, divergence).y.item() == Approx(cross.y.item() - entropy / 2).epsilon(1e-14));
  CHECK(identical(loss(x, t, divergence).gx, cross.gx));
  // Of a softmax from itself it is 0, but for what keeps it from log 0.
  const Array same = Array::from({std::log(0.25), std::log(0.75)}, {1, 2});
  CHECK(loss(same, Array::from({0.25, 0.75}, {1, 2}), divergence).y.item() == Approx(0).margin(3e-7));
  // Labels have no such constant.
  CHECK(loss(x, labels({0, 1}), divergence).y.item() == loss(x, labels({0, 1})).y.item());
}

TEST_CASE("soft targets of one class are a label", "[softmax_cross_entropy]") {
  const Array x = normal({3, 0}, {2, 3}, 0, 1, DType::float64);
  const Array weight = vector({0.5, 2, 4});
  const Loss label = loss(x, labels({2, 1}), {}, weight);
  const Loss soft = loss(x, Array::from({0.0, 0.0, 1.0, 0.0, 1.0, 0.0}, {2, 3}), {}, weight);
  CHECK(identical(soft.y, label.y));
  CHECK(identical(soft.gx, label.gx));
}

TEST_CASE("softmax_cross_entropy does not overflow", "[softmax_cross_entropy]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Loss got = loss(Array::from({1e30, 0.0, -1e30, -1e30}, {2, 2}).astype(dtype), labels({0, 1}),
                        {.reduce = ops::Reduce::no});
  CHECK(allclose(got.y.astype(DType::float64), vector({0, std::log(2.0)}), 1e-7, 0));
  CHECK(allclose(got.gx.astype(DType::float64), Array::from({0.0, 0.0, 0.5, -0.5}, {2, 2}), 0, 1e-7));
}

TEST_CASE("a class without weight may have the score minus infinity", "[softmax_cross_entropy]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Loss got = loss(Array::from({0.0, -infinity, 0.0}, {1, 3}), labels({2}));
  CHECK(got.y.item() == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(allclose(got.gx, Array::from({0.5, 0.0, -0.5}, {1, 3}), 1e-15, 0));
}

TEST_CASE("ignored labels take no part, whatever their scores", "[softmax_cross_entropy]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Loss got = loss(Array::from({0.0, 0.0, nan, 1.0}, {2, 2}), labels({0, -1}));
  CHECK(got.y.item() == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(allclose(got.gx, Array::from({-0.5, 0.5, 0.0, 0.0}, {2, 2}), 1e-15, 0));
  const Loss all = loss(Array::from({1.0, 2.0, 3.0, 4.0}, {2, 2}), labels({-1, -1}));
  CHECK(all.y.item() == 0);
  CHECK(allclose(all.gx, Array::zeros({2, 2}, DType::float64), 0, 0));
}

TEST_CASE("where nothing counts, gradients of every order are 0", "[softmax_cross_entropy]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const auto reduce = GENERATE(ops::Reduce::no, ops::Reduce::sum);
  // An ignored label, and one whose class has no weight.
  const Array t = labels({0, -1, 1, -1});
  const Array weight = vector({2, 0});
  const Array row = Array::from({0.5, -1.0}, {1, 2});
  const auto gradients = [&](const Array& scores, const Array& label, bool create_graph) {
    const Variable x(scores, true);
    const Variable y = ops::softmax_cross_entropy(x, label, {.reduce = reduce}, weight);
    const Variable direction(Array::from({1.0, -3.0, 1.0, -3.0, 1.0, -3.0, 1.0, -3.0}, {4, 2}));
    const Variable along = label.size() == 4 ? direction : Variable(Array::from({1.0, -3.0}, {1, 2}));
    Arrays all;
    Variable g =
        grad({y}, {x}, {Variable(Array::ones(y.shape(), DType::float64))}, {.create_graph = create_graph})[0];
    all.push_back(g.data());
    for (int order = 2; create_graph && order <= 3; ++order) {
      g = grad({g}, {x}, {along}, {.create_graph = true})[0];
      all.push_back(g.data());
    }
    return all;
  };
  const Arrays alone = gradients(row, labels({0}), true);
  const Array x = Array::from({0.5, -1.0, nan, 1.0, nan, 0.0, infinity, 2.0}, {4, 2});
  const Arrays recorded = gradients(x, t, true);
  for (std::size_t order = 0; order < alone.size(); ++order) {
    INFO("order " << order + 1);
    const double* g = alone[order].data<double>();
    CHECK(g[0] != 0);
    CHECK(allclose(recorded[order], Array::from({g[0], g[1], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, {4, 2}), 1e-14,
                   1e-15));
  }
  CHECK(allclose(gradients(x, t, false)[0], recorded[0], 1e-14, 1e-15));
}

TEST_CASE("softmax_cross_entropy lets go of t and class_weight after backward", "[softmax_cross_entropy]") {
  const Variable x(Array::zeros({2, 3}, DType::float64), true);
  const Array soft = Array::ones({2, 3}, DType::float64);
  const Array weight = vector({1, 2, 3});
  const Variable y = ops::softmax_cross_entropy(x, soft, {}, weight);
  CHECK_FALSE((soft.is_unique() || weight.is_unique()));
  backward(y);
  CHECK(soft.is_unique());
  CHECK(weight.is_unique());
}

TEST_CASE("softmax_cross_entropy of an empty batch is 0", "[softmax_cross_entropy]") {
  const bool normalize = GENERATE(true, false);
  const Array x = Array::zeros({0, 3}, DType::float32);
  const Loss mean = loss(x, Array::zeros({0}, DType::int64), {.normalize = normalize});
  CHECK(mean.y.item() == 0);
  CHECK(mean.gx.shape() == Shape{0, 3});
  CHECK(loss(x, Array::zeros({0}, DType::int64), {.reduce = ops::Reduce::no}).y.shape() == Shape{0});
}

TEST_CASE("softmax_cross_entropy has the same bits for any number of threads",
          "[softmax_cross_entropy][threads]") {
  const Shape shape = GENERATE(Shape{5000, 10}, Shape{3, 21, 40, 40});
  const Array x = normal({4, 0}, shape, 0, 3, DType::float32);
  Shape label_shape{shape[0]};
  for (std::size_t a = 2; a < shape.rank(); ++a) label_shape.push_back(shape[a]);
  std::vector<std::int64_t> t;
  for (std::int64_t i = 0; i < label_shape.size(); ++i) t.push_back(i * 7 % (shape[1] + 1) - 1);
  const Array label = Array::from(t, label_shape);
  const int before = num_threads();
  set_num_threads(1);
  const Loss one = loss(x, label);
  for (const int threads : {2, 3, 5}) {
    INFO(threads << " threads");
    set_num_threads(threads);
    const Loss many = loss(x, label);
    CHECK(identical(many.y, one.y));
    CHECK(identical(many.gx, one.gx));
  }
  set_num_threads(before);
}
