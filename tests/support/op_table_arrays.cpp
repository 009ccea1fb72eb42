// SPDX-License-Identifier: BSD-3-Clause
// Ops that move, join, cut out or choose elements.
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/cast.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
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

void add_joins(Cases& cases) {
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
  }
}

}  // namespace

void add_arrays(std::vector<OpCase>& cases) {
  add_moves(cases);
  add_joins(cases);
  add_choices(cases);
}

}  // namespace fathom::test
