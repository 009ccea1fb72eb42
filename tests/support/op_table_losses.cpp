// SPDX-License-Identifier: BSD-3-Clause
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fmt/format.h>

#include <fathom/core/random.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/mean_squared_error.hpp>
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

void add_other_losses(Cases& cases) {
  for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{}}) {
    cases.push_back({"mean_squared_error " + to_string(shape),
                     [](const In& in) { return ops::mean_squared_error(in[0], in[1]); },
                     {between(shape, 49, -1, 1), between(shape, 50, -1, 1)}});
  }
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
  add_other_losses(cases);
  add_dropout(cases);
}

}  // namespace fathom::test
