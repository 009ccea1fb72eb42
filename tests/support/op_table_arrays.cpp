// SPDX-License-Identifier: BSD-3-Clause
// Ops that move, join, cut out or choose elements.
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/cast.hpp>
#include <fathom/ops/cumsum.hpp>
#include <fathom/ops/depth2space.hpp>
#include <fathom/ops/embed_id.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/im2col.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/tensordot.hpp>
#include <fathom/ops/tiling.hpp>
#include <fathom/ops/top_k.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::test {
namespace {

using In = Variables;
using Cases = std::vector<OpCase>;

void add_moves(Cases& cases) {
  const auto of_one = [&](const std::string& name, const Shape& shape,
                          std::function<Variable(const Variable&)> op) {
    cases.push_back({name, [op = std::move(op)](const In& in) { return op(in[0]); }, {distinct(shape, 80)}});
  };
  of_one("expand_dims", {2, 3}, [](const Variable& x) { return ops::expand_dims(x, 1); });
  of_one("squeeze", {2, 1, 3, 1}, [](const Variable& x) { return ops::squeeze(x); });
  of_one("squeeze axis", {1, 3, 1}, [](const Variable& x) { return ops::squeeze(x, Axes{-1}); });
  of_one("pad", {2, 3}, [](const Variable& x) { return ops::pad(x, 1, {.value = 0.3}); });
  of_one("pad one side", {2, 3}, [](const Variable& x) { return ops::pad(x, {{2, 0}, {0, 1}}); });
  // In double a cast would round away the differences that the check takes: only float32 is cast.
  of_one("cast there and back", {2, 3}, [](const Variable& x) {
    const Variable wide = ops::cast(x, DType::float64);
    return ops::cast(wide * 2.0, x.dtype());
  });

  const Array rows = Array::from<std::int64_t>({1, 0, 1, -1}, {2, 2});
  const Array columns = Array::from<std::int32_t>({2, 2}, {2});
  const std::vector<Indices> indices{
      {1},
      {Slice{0, 2}, newaxis, Slice{.step = -2}},
      {ellipsis, Slice{3, 0, -2}, 0},
      {rows},
      {Slice{}, columns},
      {rows, Slice{}, columns},
      {1, Slice{}, columns},
      {Slice{}, rows, columns},
  };
  for (const Indices& index : indices) {
    of_one("get_item " + to_string(index), {3, 3, 4},
           [index](const Variable& x) { return ops::get_item(x, index); });
  }
}

void add_orders(Cases& cases) {
  const auto of_one = [&](const std::string& name, const Shape& shape,
                          std::function<Variable(const Variable&)> op) {
    cases.push_back({name, [op = std::move(op)](const In& in) { return op(in[0]); }, {distinct(shape, 94)}});
  };
  of_one("flatten", {2, 3}, ops::flatten);
  of_one("moveaxis", {2, 3, 4}, [](const Variable& x) { return ops::moveaxis(x, 0, -1); });
  of_one("moveaxis of two", {2, 3, 4}, [](const Variable& x) {
    return ops::moveaxis(x, Axes{0, -1}, Axes{1, 0});
  });
  of_one("rollaxis", {2, 3, 4}, [](const Variable& x) { return ops::rollaxis(x, 2); });
  of_one("rollaxis to the end", {2, 3, 4}, [](const Variable& x) { return ops::rollaxis(x, 0, 3); });
  of_one("swapaxes", {2, 3, 4}, [](const Variable& x) { return ops::swapaxes(x, 0, -1); });
  of_one("flip", {2, 3}, [](const Variable& x) { return ops::flip(x, -1); });
  of_one("repeat", {2, 3}, [](const Variable& x) { return ops::repeat(x, 2, 1); });
  of_one("repeat each", {3, 2}, [](const Variable& x) { return ops::repeat(x, {3, 0, 1}, 0); });
  of_one("repeat flattened", {2, 2}, [](const Variable& x) { return ops::repeat(x, 2); });
  of_one("tile", {2, 3}, [](const Variable& x) { return ops::tile(x, 2); });
  of_one("tile with a new axis", {2, 3}, [](const Variable& x) { return ops::tile(x, {2, 1, 2}); });
  for (const bool reverse : {false, true}) {
    for (const std::optional<std::int64_t> axis : {std::optional<std::int64_t>{}, {0}, {-1}}) {
      of_one("cumsum " + std::to_string(axis.value_or(9)) + (reverse ? " reverse" : ""), {2, 3, 2},
             [=](const Variable& x) { return ops::cumsum(x, {.axis = axis, .reverse = reverse}); });
    }
  }
  for (const auto order : {ops::DepthOrder::pixels_first, ops::DepthOrder::channels_first}) {
    of_one("depth2space", {1, 8, 1, 3}, [=](const Variable& x) { return ops::depth2space(x, 2, {order}); });
    of_one("space2depth", {1, 2, 2, 4}, [=](const Variable& x) { return ops::space2depth(x, 2, {order}); });
  }
  const std::vector<ops::Im2ColOptions> options{
      {},
      {.kernel = {2, 3}, .stride = {1, 2}, .pad = {1, 0}},
      {.kernel = 2, .stride = 3, .pad = 1, .dilation = {2, 1}, .cover_all = true}};
  for (const ops::Im2ColOptions& option : options) {
    of_one("im2col", {2, 2, 4, 5}, [=](const Variable& x) { return ops::im2col(x, option); });
    const Shape columns = ops::im2col(Variable{distinct({2, 2, 4, 5}, 95)}, option).shape();
    of_one("col2im", columns, [=](const Variable& x) { return ops::col2im(x, {4, 5}, option); });
  }
}

void add_selections(Cases& cases) {
  const Array labels = Array::from<std::int32_t>({2, 0, 0}, {3});
  cases.push_back(
      {"select_item", [=](const In& in) { return ops::select_item(in[0], labels); }, {distinct({3, 4}, 96)}});
  const Array rows = Array::from<std::int64_t>({1, 1, -1}, {3});
  const auto addition = [&](const Indices& indices, const Shape& b) {
    cases.push_back({"scatter_add " + to_string(indices),
                     [=](const In& in) { return ops::scatter_add(in[0], indices, in[1]); },
                     {distinct({4, 3}, 97), distinct(b, 98)}});
  };
  addition({Slice{1, 3}}, {2, 3});
  addition({rows}, {3, 3});
  addition({Slice{}, rows}, {4, 1});
  const Array ids = Array::from<std::int64_t>({2, 0, -1, 2, 2, 1}, {2, 3});
  cases.push_back({"embed_id with an ignored label",
                   [=](const In& in) { return ops::embed_id(ids, in[0], {.ignore_label = -1}); },
                   {distinct({4, 2}, 99)}});
  cases.push_back(
      {"embed_id", [=](const In& in) { return ops::embed_id(labels, in[0]); }, {distinct({4, 2}, 99)}});
  for (const bool largest : {true, false}) {
    for (const std::int64_t axis : {0, -1}) {
      cases.push_back(
          {"top_k axis " + std::to_string(axis) + (largest ? "" : " smallest"),
           [=](const In& in) { return ops::top_k(in[0], 2, {.axis = axis, .largest = largest}).values; },
           {distinct({3, 2, 4}, 100)}});
    }
  }
}

void add_products_over_axes(Cases& cases) {
  const auto product = [&](const Axes& a_axes, const Axes& b_axes, const Shape& a, const Shape& b) {
    cases.push_back({"tensordot " + to_string(a) + " " + to_string(b),
                     [=](const In& in) { return ops::tensordot(in[0], in[1], a_axes, b_axes); },
                     {distinct(a, 101), distinct(b, 102)}});
  };
  product({1, 2}, {1, 0}, {2, 3, 4}, {4, 3, 2});
  product({0}, {-1}, {3, 2}, {2, 2, 3});
  product({}, {}, {3}, {2, 2});
  cases.push_back({"tensordot of the last axes with the first",
                   [](const In& in) { return ops::tensordot(in[0], in[1]); },
                   {distinct({2, 3, 2}, 103), distinct({3, 2, 2}, 104)}});
}

void add_joins(Cases& cases) {
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 3}}) {
    cases.push_back({"hstack " + to_string(shape),
                     [](const In& in) { return ops::hstack(in); },
                     {distinct(shape, 105), distinct(shape, 106)}});
    cases.push_back({"vstack " + to_string(shape),
                     [](const In& in) { return ops::vstack(in); },
                     {distinct(shape, 107), distinct(shape, 108)}});
  }
  cases.push_back({"separate",
                   [](const In& in) {
                     const Variables ys = ops::separate(in[0], -1);
                     return ys[0] * ys[2];
                   },
                   {distinct({2, 3}, 109)}});
  for (const std::int64_t axis : {0, 1, -1}) {
    const std::string text = " axis " + std::to_string(axis);
    cases.push_back({"concat" + text,
                     [axis](const In& in) { return ops::concat(in, axis); },
                     {distinct({2, 3}, 81), distinct({2, 3}, 82), distinct({2, 3}, 83)}});
    cases.push_back({"stack" + text,
                     [axis](const In& in) { return ops::stack(in, axis); },
                     {distinct({2, 3}, 84), distinct({2, 3}, 85)}});
    cases.push_back({"split_axis, all parts" + text,
                     [axis](const In& in) {
                       const Variables parts = ops::split_axis(in[0], {1, 3}, axis);
                       return ops::sum(parts[0]) + ops::sum(parts[1] * parts[1]) + ops::sum(parts[2]) * 2.0;
                     },
                     {distinct({4, 4}, 86)}});
    cases.push_back({"split_axis, one part" + text,
                     [axis](const In& in) { return ops::split_axis(in[0], 2, axis)[1]; },
                     {distinct({4, 2}, 87)}});
  }
  cases.push_back({"concat of unequal sizes",
                   [](const In& in) {
                     return ops::concat({in[0], in[1], in[0]});
                   },
                   {distinct({2, 1}, 88), distinct({2, 3}, 89)}});
}

void add_choices(Cases& cases) {
  const Array condition = Array::from<bool>({true, false, false, true, true, false}, {2, 3});
  const Array row = Array::from<bool>({false, true, true}, {3});
  const auto choice = [&](const Array& by, const Shape& a, const Shape& b) {
    cases.push_back({"where " + to_string(by.shape()) + " " + to_string(a) + " " + to_string(b),
                     [by](const In& in) { return ops::where(by, in[0], in[1]); },
                     {distinct(a, 90), distinct(b, 91)}});
  };
  choice(condition, {2, 3}, {2, 3});
  choice(condition, {3}, {2, 1});
  choice(row, {2, 3}, {});
  choice(row, {2, 1}, {2, 1});

  const std::vector<std::pair<std::string, ops::ReductionOptions>> options{
      {"", {}},
      {" axis 1 keepdims", {.axis = Axes{1}, .keepdims = true}},
      {" axes -1, 0", {.axis = Axes{-1, 0}}},
      {" no axis", {.axis = Axes{}}},
  };
  for (const auto& [text, option] : options) {
    cases.push_back({"max" + text,
                     [option = option](const In& in) { return ops::max(in[0], option); },
                     {distinct({2, 3, 4}, 92)}});
    cases.push_back({"min" + text,
                     [option = option](const In& in) { return ops::min(in[0], option); },
                     {distinct({2, 3, 4}, 93)}});
    cases.push_back({"prod" + text,
                     [option = option](const In& in) { return ops::prod(in[0], option); },
                     {nonzero({2, 3, 4}, 110)}});
    cases.push_back({"logsumexp" + text,
                     [option = option](const In& in) { return ops::logsumexp(in[0], option); },
                     {distinct({2, 3, 4}, 111)}});
    cases.push_back({"average" + text,
                     [option = option](const In& in) { return ops::average(in[0], {}, option); },
                     {distinct({2, 3, 4}, 112)}});
  }
}

void add_weighted(Cases& cases) {
  // No zero, one, and more than one in a row.
  cases.push_back({"prod with zeros",
                   [](const In& in) { return ops::prod(in[0], {.axis = Axes{1}}); },
                   {Array::from({0.5, -1.2, 0.7, 0.0, 1.1, -0.4, 0.0, 0.9, 0.0}, {3, 3})}});
  cases.push_back(
      {"average with weights along an axis",
       [](const In& in) { return ops::average(in[0], in[1], {.axis = Axes{1}, .keepdims = true}); },
       {distinct({2, 3, 2}, 113), uniform({114, 0}, {3}, 0.5, 1.5, DType::float64)}});
  cases.push_back({"average with weights",
                   [](const In& in) { return ops::average(in[0], in[1]); },
                   {distinct({2, 3}, 115), uniform({116, 0}, {2, 3}, 0.5, 1.5, DType::float64)}});
}

}  // namespace

void add_arrays(std::vector<OpCase>& cases) {
  add_moves(cases);
  add_orders(cases);
  add_selections(cases);
  add_products_over_axes(cases);
  add_joins(cases);
  add_choices(cases);
  add_weighted(cases);
}

}  // namespace fathom::test
