// SPDX-License-Identifier: BSD-3-Clause
// Pooling and its inverses, images of another size, padding `same`.
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fmt/format.h>

#include <fathom/core/random.hpp>
#include <fathom/ops/average_pooling_nd.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/resize_images.hpp>
#include <fathom/ops/unpooling_2d.hpp>

namespace fathom::test {

namespace {

using In = Variables;
using Cases = std::vector<OpCase>;

void add_pooling(Cases& cases) {
  struct Geometry {
    Shape x;
    Pair2 kernel;
    std::optional<Pair2> stride;
    Pad pad;
  };
  const std::vector<Geometry> table{
      {{2, 3, 7, 6}, 2, std::nullopt, 0},
      {{2, 1, 7, 6}, 3, 2, 1},
      {{1, 2, 5, 6}, 3, 1, 1},
      {{2, 2, 6, 7}, {2, 3}, {{1, 2}}, {0, 1}},
      {{2, 2, 8, 7}, 2, 3, 0},
      {{1, 2, 5, 5}, {4, 2}, {{2, 3}}, {2, 0}},
      {{2, 2, 3, 4}, {3, 4}, 1, 0},
      {{2, 3, 1, 1}, 1, 1, 0},
      {{2, 2, 6, 5}, {3, 2}, {{2, 1}}, Pad::same},
  };
  for (const Geometry& g : table) {
    const std::string text = " x " + to_string(g.x) + " kernel " + to_string(g.kernel) + " stride " +
                             to_string(g.stride.value_or(g.kernel)) + " pad " + to_string(g.pad);
    for (const bool cover_all : {false, true}) {
      cases.push_back({"max_pooling_2d" + text + (cover_all ? " cover_all" : ""),
                       [g, cover_all](const In& in) {
                         return ops::max_pooling_2d(in[0], {g.kernel, g.stride, g.pad, cover_all});
                       },
                       {distinct(g.x, 30)}});
    }
    for (const bool count_include_pad : {true, false}) {
      cases.push_back(
          {"average_pooling_2d" + text + (count_include_pad ? "" : " inner"),
           [g, count_include_pad](const In& in) {
             return ops::average_pooling_2d(in[0], {g.kernel, g.stride, g.pad, count_include_pad});
           },
           {distinct(g.x, 31)}});
    }
  }
  for (const Shape& x : {Shape{2, 3, 5, 4}, Shape{3, 2, 1, 1}}) {
    for (const Pair2 size : {Pair2{1, 1}, Pair2{2, 3}, Pair2{4, 7}}) {
      cases.push_back({"adaptive_average_pooling_2d " + to_string(x) + " to " + to_string(size),
                       [size](const In& in) { return ops::adaptive_average_pooling_2d(in[0], size); },
                       {distinct(x, 33)}});
    }
    cases.push_back({"global_average_pooling_2d " + to_string(x),
                     [](const In& in) { return ops::global_average_pooling_2d(in[0]); },
                     {distinct(x, 32)}});
  }
}

void add_average_pooling_nd(Cases& cases) {
  const std::vector<std::pair<Shape, ops::AveragePoolingNDOptions>> table{
      {{2, 3, 7}, {}},
      {{2, 1, 5, 6}, {.kernel = {3}, .stride = {2}, .pad = {1}}},
      {{1, 2, 4, 5}, {.kernel = {3, 2}, .stride = {1, 2}, .pad = {2, 1}}},
      {{2, 1, 3, 4, 5}, {.kernel = {2, 3, 2}, .stride = {1, 1, 2}, .pad = {1, 0, 1}}},
  };
  for (auto [shape, options] : table) {
    for (const bool count_include_pad : {true, false}) {
      options.count_include_pad = count_include_pad;
      cases.push_back({"average_pooling_nd " + to_string(shape) + (count_include_pad ? "" : " inner"),
                       [options = options](const In& in) { return ops::average_pooling_nd(in[0], options); },
                       {distinct(shape, 34)}});
    }
  }
}

void add_unpooling(Cases& cases) {
  const std::vector<ops::Unpooling2DOptions> table{
      {},
      {.kernel = 3, .stride = 2, .cover_all = false},
      {.kernel = 2, .pad = 1, .output_size = {{4, 6}}},
      {.kernel = {2, 3}, .stride = {{1, 2}}, .pad = {0, 1}},
      {.kernel = 2, .stride = 3, .output_size = {{9, 11}}, .cover_all = false},
  };
  const Shape x{2, 2, 3, 4};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ops::Unpooling2DOptions& options = table[i];
    cases.push_back({fmt::format("unpooling_2d {}", i),
                     [options](const In& in) { return ops::unpooling_2d(in[0], options); },
                     {distinct(x, 35)}});
    Array indexes = permutation({36, i}, x.size());
    for (std::int64_t k = 0; k < indexes.size(); ++k)
      indexes.mutable_data<std::int64_t>()[k] %= options.kernel.y * options.kernel.x;
    cases.push_back({fmt::format("upsampling_2d {}", i),
                     [options, indexes = indexes.reshape(x)](const In& in) {
                       return ops::upsampling_2d(in[0], indexes, options);
                     },
                     {distinct(x, 37)}});
  }
}

void add_resizing(Cases& cases) {
  using ops::Interpolation;
  const std::vector<ops::ResizeImagesOptions> table{
      {}, {.align_corners = false}, {.mode = Interpolation::nearest}};
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (const Pair2 size : {Pair2{5, 7}, Pair2{2, 3}, Pair2{1, 4}, Pair2{6, 1}}) {
      cases.push_back(
          {fmt::format("resize_images {} to {}", i, to_string(size)),
           [size, options = table[i]](const In& in) { return ops::resize_images(in[0], size, options); },
           {distinct({2, 2, 3, 4}, 38)}});
    }
  }
}

void add_same_padding(Cases& cases) {
  for (const Pair2 stride : {Pair2{1}, Pair2{2, 3}}) {
    const std::string text = " same, stride " + to_string(stride);
    cases.push_back({"convolution_2d" + text,
                     [stride](const In& in) {
                       return ops::convolution_2d(in[0], in[1], in[2], {.stride = stride, .pad = Pad::same});
                     },
                     {distinct({2, 2, 5, 6}, 39), distinct({3, 2, 3, 2}, 40), distinct({3}, 41)}});
    cases.push_back({"depthwise_convolution_2d" + text,
                     [stride](const In& in) {
                       return ops::depthwise_convolution_2d(
                           in[0], in[1], in[2], {.stride = stride, .pad = Pad::same, .dilation = {2, 1}});
                     },
                     {distinct({2, 2, 5, 6}, 42), distinct({2, 2, 2, 3}, 43), distinct({4}, 44)}});
  }
}

}  // namespace

void add_images(std::vector<OpCase>& cases) {
  add_pooling(cases);
  add_average_pooling_nd(cases);
  add_unpooling(cases);
  add_resizing(cases);
  add_same_padding(cases);
}

}  // namespace fathom::test
