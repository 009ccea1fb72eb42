// SPDX-License-Identifier: BSD-3-Clause
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fmt/format.h>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/hinge.hpp>
#include <fathom/ops/regression_loss.hpp>
#include <fathom/ops/sigmoid_cross_entropy.hpp>
#include <fathom/ops/softmax.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::test {

namespace {

using In = Variables;
using Cases = std::vector<OpCase>;

Array between(const Shape& shape, std::uint64_t seed, double low, double high) {
  return uniform({seed, 0}, shape, low, high, DType::float64);
}

void add_softmax_cross_entropy(Cases& cases) {
  using Options = ops::SoftmaxCrossEntropyOptions;
  const auto add = [&](const std::string& text, const Shape& x, const Array& t, const Options& options,
                       const Array& class_weight = {}) {
    cases.push_back({"softmax_cross_entropy " + text,
                     [t, options, class_weight](const In& in) {
                       const Array weight =
                           class_weight.defined() ? class_weight.astype(in[0].dtype()) : class_weight;
                       return ops::softmax_cross_entropy(
                           in[0], is_float(t.dtype()) ? t.astype(in[0].dtype()) : t, options, weight);
                     },
                     {between(x, 40, -3, 3)}});
  };
  const Array flat = Array::from<std::int64_t>({2, 0, -1, 1, 2}, {5});
  const Array deep = Array::from<std::int32_t>({0, 2, 1, 1, -1, 0, 2, 2}, {2, 2, 2});
  const Array weight = Array::from<double>({0.5, 2.0, 1.25}, {3});
  for (const ops::Reduce reduce : {ops::Reduce::mean, ops::Reduce::sum, ops::Reduce::no}) {
    const std::string text(to_string(reduce));
    add(text, {5, 3}, flat, {.reduce = reduce});
    add(text + ", not normalized", {5, 3}, flat, {.normalize = false, .reduce = reduce});
    add(text + ", class 2 ignored", {4, 3}, Array::from<std::int64_t>({2, 0, 2, 1}, {4}),
        {.ignore_label = 2, .reduce = reduce});
    add(text + ", weighted", {5, 3}, flat, {.reduce = reduce}, weight);
    add(text + ", (n, c, h, w)", {2, 3, 2, 2}, deep, {.reduce = reduce});
    add(text + ", (n, c, h, w) weighted, not normalized", {2, 3, 2, 2}, deep,
        {.normalize = false, .reduce = reduce}, weight);
    add(text + ", soft targets", {4, 3}, between({4, 3}, 41, 0, 1), {.reduce = reduce});
    add(text + ", soft targets (n, c, d) weighted", {2, 3, 4}, between({2, 3, 4}, 42, 0, 1),
        {.reduce = reduce}, weight);
    add(text + ", divergence from soft targets", {4, 3}, between({4, 3}, 41, 0, 1),
        {.reduce = reduce, .soft_target_loss = ops::SoftTargetLoss::kl_divergence});
    add(text + ", smoothed", {5, 3}, flat, {.reduce = reduce, .label_smoothing = 0.2});
    add(text + ", smoothed (n, c, h, w) weighted, not normalized", {2, 3, 2, 2}, deep,
        {.normalize = false, .reduce = reduce, .label_smoothing = 0.2}, weight);
    add(text + ", smoothed soft targets weighted", {4, 3}, between({4, 3}, 41, 0, 1),
        {.reduce = reduce, .label_smoothing = 0.2}, weight);
  }
}

void add_softmax(Cases& cases) {
  const std::vector<std::pair<Shape, std::int64_t>> table{
      {{4, 3}, 1}, {{4, 3}, 0}, {{2, 3, 4}, 1}, {{2, 3, 4}, -1}, {{2, 5, 3, 3}, 1}, {{6}, 0}, {{3, 1}, 1}};
  for (const auto& [shape, axis] : table) {
    const std::string text = fmt::format(" {} axis {}", to_string(shape), axis);
    cases.push_back({"softmax" + text,
                     [axis = axis](const In& in) { return ops::softmax(in[0], axis); },
                     {between(shape, 47, -3, 3)}});
    cases.push_back({"log_softmax" + text,
                     [axis = axis](const In& in) { return ops::log_softmax(in[0], axis); },
                     {between(shape, 48, -3, 3)}});
  }
}

/// Two arrays whose differences are `distinct`.
Arrays apart(const Shape& shape, std::uint64_t seed) {
  const Array x1 = between(shape, seed, -1, 1);
  return {zip("apart", x1, distinct(shape, seed + 1), [](auto x, auto d) { return x + d; }), x1};
}

void add_regression_losses(Cases& cases) {
  using Loss = Variable (*)(const Variable&, const Variable&);
  const std::vector<std::pair<std::string, Loss>> losses{{"absolute_error", ops::absolute_error},
                                                         {"squared_error", ops::squared_error},
                                                         {"mean_absolute_error", ops::mean_absolute_error},
                                                         {"mean_squared_error", ops::mean_squared_error}};
  for (const auto& [name, loss] : losses) {
    for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{}}) {
      cases.push_back({name + " " + to_string(shape),
                       [loss = loss](const In& in) { return loss(in[0], in[1]); }, apart(shape, 49)});
    }
  }
  const auto huber = [&](const std::string& text, const Shape& shape, const ops::HuberLossOptions& options) {
    cases.push_back({"huber_loss " + text,
                     [options](const In& in) { return ops::huber_loss(in[0], in[1], options); },
                     apart(shape, 54)});
  };
  // Differences up to 0.48, the nearest 0.02 from where the parabola ends.
  huber("along axis 1", {4, 6}, {.delta = 0.2});
  huber("along axis 1 of three", {2, 4, 3}, {.delta = 0.2});
  huber("nothing cut off", {3, 2}, {});
  const auto nll = [&](const std::string& text, const Arrays& inputs, ops::Reduce reduce) {
    cases.push_back({"gaussian_nll " + text,
                     [reduce](const In& in) { return ops::gaussian_nll(in[0], in[1], in[2], reduce); },
                     inputs});
  };
  for (const ops::Reduce reduce : {ops::Reduce::mean, ops::Reduce::sum, ops::Reduce::no}) {
    const std::string text(to_string(reduce));
    huber(text, {4, 6}, {.delta = 0.2, .reduce = reduce});
    nll(text, {between({2, 3}, 56, -1, 1), between({2, 3}, 57, -1, 1), between({2, 3}, 58, -1, 1)}, reduce);
    nll(text + ", broadcast",
        {between({2, 3}, 56, -1, 1), between({3}, 57, -1, 1), between({2, 1}, 58, -1, 1)}, reduce);
  }
}

void add_hinge(Cases& cases) {
  // Scores from -1.9 to 1.9, the nearest 0.1 from the margin.
  const Array x = map("scores", distinct({5, 4}, 59), [](auto v) { return 5 * v; });
  const Array t = Array::from<std::int64_t>({2, 0, 3, 1, 2}, {5});
  for (const auto norm : {ops::HingeNorm::L1, ops::HingeNorm::L2}) {
    for (const ops::Reduce reduce : {ops::Reduce::mean, ops::Reduce::sum, ops::Reduce::no}) {
      cases.push_back(
          {fmt::format("hinge {} {}", norm == ops::HingeNorm::L1 ? "L1" : "L2", to_string(reduce)),
           [=](const In& in) { return ops::hinge(in[0], t, {.norm = norm, .reduce = reduce}); },
           {x}});
    }
  }
}

void add_sigmoid_cross_entropy(Cases& cases) {
  const Array labels = Array::from<std::int64_t>({0, 1, -1, 1, 0, 1}, {2, 3});
  for (const ops::Reduce reduce : {ops::Reduce::mean, ops::Reduce::sum, ops::Reduce::no}) {
    for (const bool normalize : {true, false}) {
      for (const Array& t : {labels, between({2, 3}, 51, 0, 1)}) {
        cases.push_back(
            {fmt::format("sigmoid_cross_entropy {}{}{}", to_string(reduce),
                         normalize ? "" : ", not normalized", is_float(t.dtype()) ? ", soft targets" : ""),
             [=](const In& in) {
               return ops::sigmoid_cross_entropy(in[0], is_float(t.dtype()) ? t.astype(in[0].dtype()) : t,
                                                 {.normalize = normalize, .reduce = reduce});
             },
             {distinct({2, 3}, 52)}});
      }
    }
  }
}

void add_dropout(Cases& cases) {
  for (const double ratio : {0.0, 0.5, 0.9}) {
    cases.push_back({fmt::format("dropout {}", ratio),
                     [ratio](const In& in) {
                       return ops::dropout(in[0], {.ratio = ratio}, {43, 0}, 1);
                     },
                     {between({3, 7}, 44, -1, 1)}});
  }
  cases.push_back({"stochastic_depth",
                   [](const In& in) {
                     return ops::stochastic_depth(in[0], {.ratio = 0.4}, {43, 0}, 1);
                   },
                   {distinct({6, 2, 3}, 44)}});
  cases.push_back({"dropout with a mask",
                   [mask = between({3, 7}, 45, 0, 2)](const In& in) {
                     return ops::dropout(in[0], mask.astype(in[0].dtype()));
                   },
                   {between({3, 7}, 46, -1, 1)}});
}

}  // namespace

void add_losses(Cases& cases) {
  add_softmax(cases);
  add_softmax_cross_entropy(cases);
  add_regression_losses(cases);
  add_hinge(cases);
  add_sigmoid_cross_entropy(cases);
  add_dropout(cases);
}

}  // namespace fathom::test
