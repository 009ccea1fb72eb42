// SPDX-License-Identifier: BSD-3-Clause
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fathom/core/random.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/normalization.hpp>

namespace fathom::test {

namespace {

using In = Variables;

Array between(const Shape& shape, std::uint64_t seed, double low, double high) {
  return uniform({seed, 0}, shape, low, high, DType::float64);
}

}  // namespace

void add_normalization(std::vector<OpCase>& cases) {
  struct Axis {
    std::string text;
    Shape x;
    std::optional<Axes> axis;
    Shape channels;
  };
  const std::vector<Axis> table{
      {" (n, c, h, w)", {3, 2, 3, 3}, std::nullopt, {2}},
      {" (n, c)", {5, 4}, std::nullopt, {4}},
      {" (n, c, d)", {3, 2, 4}, std::nullopt, {2}},
      {" (n, c, e, d), a gamma of two axes", {3, 2, 2, 2}, std::nullopt, {2, 2}},
      {" one pixel", {4, 3, 1, 1}, std::nullopt, {3}},
      {" axes 0, 1, 2", {2, 3, 2, 4}, Axes{0, 1, 2}, {4}},
      {" axis 0", {4, 2, 3}, Axes{0}, {2, 3}},
      {" axes -1, 0", {2, 3, 2, 2}, Axes{-1, 0}, {3, 2}},
      {" axis 1, channels apart", {2, 4, 3}, Axes{1}, {2, 3}},
      {" axes 1, 3, channels apart", {2, 3, 2, 2}, Axes{3, 1}, {2, 2}},
      {" all axes", {3, 4}, Axes{0, 1}, {}},
      {" no axis", {2, 3}, Axes{}, {2, 3}},
  };
  for (const auto& [text, x, axis, channels] : table) {
    cases.push_back({"batch_normalization" + text,
                     [axis = axis](const In& in) {
                       return ops::batch_normalization(in[0], in[1], in[2], nullptr,
                                                       {.eps = 0.1, .axis = axis});
                     },
                     {between(x, 20, -2, 2), nonzero(channels, 21), between(channels, 22, -1, 1)}});
    cases.push_back({"fixed_batch_normalization" + text,
                     [axis = axis](const In& in) {
                       return ops::fixed_batch_normalization(in[0], in[1], in[2], in[3], in[4],
                                                             {.eps = 0.1, .axis = axis});
                     },
                     {between(x, 23, -2, 2), nonzero(channels, 24), between(channels, 25, -1, 1),
                      between(channels, 26, -1, 1), between(channels, 27, 0.5, 2)}});
  }
}

void add_row_normalization(std::vector<OpCase>& cases) {
  struct Rows {
    Shape x;
    Shape gamma;
  };
  for (const auto& [x, gamma] : std::vector<Rows>{{{3, 4}, {4}},
                                                  {{2, 3, 4}, {4}},
                                                  {{2, 3, 4}, {3, 4}},
                                                  {{5}, {5}},
                                                  {{2, 3, 1}, {1}},
                                                  {{2, 2, 2, 3}, {2, 2, 3}}}) {
    cases.push_back({"layer_normalization " + to_string(x) + " gamma " + to_string(gamma),
                     [](const In& in) { return ops::layer_normalization(in[0], in[1], in[2], {.eps = 0.1}); },
                     {between(x, 60, -2, 2), nonzero(gamma, 61), between(gamma, 62, -1, 1)}});
  }
  for (const Shape& x : {Shape{3, 6}, Shape{2, 6, 3}, Shape{2, 6, 2, 2}, Shape{1, 6, 2, 1, 2}}) {
    for (const std::int64_t groups : {1, 3, 6}) {
      cases.push_back({"group_normalization " + to_string(x) + " groups " + std::to_string(groups),
                       [groups](const In& in) {
                         return ops::group_normalization(in[0], groups, in[1], in[2], {.eps = 0.1});
                       },
                       {between(x, 63, -2, 2), nonzero({6}, 64), between({6}, 65, -1, 1)}});
    }
  }
  for (const ops::ResponseScale scale : {ops::ResponseScale::sum, ops::ResponseScale::mean}) {
    for (const std::int64_t n : {1, 2, 3, 4, 5, 20}) {
      cases.push_back({"local_response_normalization n " + std::to_string(n) +
                           (scale == ops::ResponseScale::sum ? "" : ", the mean"),
                       [n, scale](const In& in) {
                         return ops::local_response_normalization(in[0],
                                                                  {.n = n, .alpha = 0.5, .scale = scale});
                       },
                       {between({2, 7, 2, 2}, 66, -2, 2)}});
    }
  }
  cases.push_back({"local_response_normalization (n, c)",
                   [](const In& in) {
                     return ops::local_response_normalization(in[0],
                                                              {.n = 3, .k = 0.5, .alpha = 0.3, .beta = 2});
                   },
                   {nonzero({3, 4}, 67)}});
  struct Vectors {
    std::string text;
    Shape x;
    std::optional<Axes> axis;
  };
  for (const auto& [text, x, axis] : std::vector<Vectors>{{" axis 1", {3, 4}, Axes{1}},
                                                          {" axis -3", {2, 3, 4}, Axes{-3}},
                                                          {" axes 2, 1", {2, 3, 4}, Axes{2, 1}},
                                                          {" all axes", {3, 4}, std::nullopt},
                                                          {" no axis", {3, 4}, Axes{}}}) {
    cases.push_back(
        {"normalize" + text,
         [axis = axis](const In& in) { return ops::normalize(in[0], {.axis = axis, .eps = 0.1}); },
         {nonzero(x, 68)}});
  }
}

}  // namespace fathom::test
