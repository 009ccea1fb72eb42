// SPDX-License-Identifier: BSD-3-Clause
// Operands of convolution_2d that lay themselves out: what tiles read in place is what weights see, for every
// block, and memory beside it is neither read nor written.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include <fathom/core/cpu.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/convolution_2d/channels_last.hpp>
#include <fathom/ops/convolution_2d/shifted_planes.hpp>
#include <fathom/ops/convolution_2d/small_planes.hpp>
#include <support/convolution.hpp>
#include <support/guarded_memory.hpp>
#include <support/restore.hpp>

using namespace fathom;
using fathom::detail::GemmColumns;
using fathom::detail::GemmRight;
using fathom::detail::kGemmDepth;
using ops::detail::ChannelsLast;
using ops::detail::ConvolutionGeometry;
using ops::detail::ShiftedBlocks;
using ops::detail::ShiftedPlanes;
using ops::detail::ShiftedProduct;
using test::ConvolutionCase;

namespace {

ConvolutionGeometry geometry(const ConvolutionCase& c) {
  return {.groups = c.groups,
          .image_channels = c.image_channels,
          .map_channels = c.map_channels,
          .image = c.image,
          .map = c.map(),
          .kernel = c.kernel,
          .stride = c.stride,
          .pad = c.pad,
          .dilation = c.dilation};
}

ShiftedProduct product(const ConvolutionCase& c) { return ShiftedProduct::map_of(geometry(c), c.n); }

template <class T>
ShiftedBlocks blocks_of(const ConvolutionCase& c) {
  return {product(c), sizeof(T), fathom::detail::gemm_kernels<T>(active_isa()).lanes};
}

/// What weight (ky, kx) of channel `channel` sees at pixel (y, x) of the map.
double seen(const ConvolutionCase& c, const Array& images, std::int64_t image, std::int64_t channel,
            Pair2 weight, Pair2 pixel) {
  const std::int64_t y = pixel.y * c.stride.y - c.pad.y + weight.y * c.dilation.y;
  const std::int64_t x = pixel.x * c.stride.x - c.pad.x + weight.x * c.dilation.x;
  if (y < 0 || y >= c.image.y || x < 0 || x >= c.image.x) return 0;
  return images.data<double>()[((image * c.image_channels + channel) * c.image.y + y) * c.image.x + x];
}

/// Lays out every block and part of the depths of `right` and counts the elements that are not
/// expected(group, depth, column), where that is not NaN, and those of the last vectors that were not
/// written.
template <class T, class Expected>
std::int64_t count_wrong(const GemmRight<T>& right, std::int64_t groups, std::int64_t depths,
                         std::int64_t part, std::int64_t columns, Expected expected) {
  const auto& kernels = fathom::detail::gemm_kernels<T>(active_isa());
  std::vector<std::int64_t> covered(static_cast<std::size_t>(columns));
  std::vector<std::int64_t> buffer(kGemmDepth);
  std::int64_t wrong = 0;
  for (std::int64_t index = 0; index < right.column_blocks(); ++index) {
    const GemmColumns block = right.block(index);
    if (block.count < 1 || block.count > right.block_columns()) ++wrong;
    for (std::int64_t c = block.first; c < block.first + block.count; ++c)
      ++covered[static_cast<std::size_t>(c)];
    for (std::int64_t group = 0; group < groups; ++group) {
      for (std::int64_t p = 0; p < depths; p += part) {
        const std::int64_t depth = std::min(part, depths - p);
        test::Guarded<T> space(right.space_size(), std::numeric_limits<T>::quiet_NaN(), test::Side::end);
        const std::int64_t* const offsets =
            right.lay_out(kernels, group, p, depth, block.first, block.count, space.data(), buffer.data());
        for (std::int64_t q = 0; q < depth; ++q) {
          const auto at = [&](std::int64_t c) {
            return right.in_place(group, block.first, c, space.data()) + offsets[q];
          };
          for (std::int64_t c = block.first; c < block.first + block.count; ++c) {
            if (!(*at(c) == static_cast<T>(expected(group, p + q, c)))) ++wrong;
          }
          const T* const last = at(block.first + block.count - 1);
          for (std::int64_t lane = 1; lane < kernels.lanes; ++lane) {
            if (last + lane >= space.data() + right.space_size() || std::isnan(last[lane])) ++wrong;
          }
        }
      }
    }
  }
  wrong += columns - std::count(covered.begin(), covered.end(), 1);
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("convolution_2d: shifted planes are what the weights see", "[convolution_2d]", float,
                   double) {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const ConvolutionCase c =
      GENERATE(ConvolutionCase{2, 30, 16, 1, {20, 32}, 3, 1, 1, 1},  // rows of an image, depths in two parts
               ConvolutionCase{3, 12, 4, 1, {7, 7}, 3, 1, 1, 1},
               ConvolutionCase{9, 4, 3, 1, {3, 2}, {5, 3}, 1, {2, 1}, 1},
               ConvolutionCase{3, 6, 8, 2, {9, 12}, 5, 1, 0, 1},      // fewer pixels than in the planes
               ConvolutionCase{3, 6, 4, 1, {5, 6}, 3, 1, {3, 2}, 1},  // more of them
               ConvolutionCase{2, 5, 7, 1, {4, 3}, 3, 1, 4, 4},       // weights that see zeros only
               ConvolutionCase{2, 5, 7, 1, {8, 9}, {3, 2}, 1, {2, 1}, {2, 3}},
               ConvolutionCase{1, 3, 4, 1, {17, 18}, 17, 1, 8, 1});  // parts end within a channel
  CAPTURE(c, to_string(isa));
  set_isa(isa);
  const Array images = uniform({11, 1}, c.image_shape(), -1, 1, DType::float64);
  test::Guarded<TestType> data(images, GENERATE(test::Side::start, test::Side::end));
  const ShiftedBlocks blocks = blocks_of<TestType>(c);
  REQUIRE(blocks.pay());
  const ShiftedPlanes<TestType> right(data.data(), blocks);
  const Pair2 map = c.map();
  const std::int64_t channels = c.image_channels / c.groups;
  const auto expected = [&](std::int64_t group, std::int64_t p, std::int64_t column) {
    const std::int64_t taps = c.kernel.y * c.kernel.x;
    const std::int64_t pixel = column % (map.y * map.x);
    return seen(c, images, column / (map.y * map.x), group * channels + p / taps,
                {p % taps / c.kernel.x, p % c.kernel.x}, {pixel / map.x, pixel % map.x});
  };
  const std::int64_t weights = c.kernel.y * c.kernel.x;
  CHECK(count_wrong<TestType>(right, c.groups, channels * weights, ops::detail::depth_part(channels, weights),
                              blocks.product().pixels(), expected) == 0);
}

TEMPLATE_TEST_CASE("convolution_2d: transposed images are what the weights see", "[convolution_2d]", float,
                   double) {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const ConvolutionCase c =
      GENERATE(ConvolutionCase{3, 16, 8, 1, {14, 20}, 3, 1, 1, 1},
               ConvolutionCase{20, 5, 3, 1, {6, 7}, 3, 1, 1, 1},  // several images in 256 pixels
               ConvolutionCase{4, 9, 4, 1, {21, 18}, 5, 2, 2, 1},
               ConvolutionCase{9, 24, 6, 2, {13, 11}, {3, 2}, {1, 2}, {2, 3}, {2, 3}},
               ConvolutionCase{60, 4, 2, 1, {3, 2}, 3, 1, 3, 1},     // borders wider than the image
               ConvolutionCase{4, 11, 2, 1, {17, 23}, 2, 3, 0, 1});  // pixels that nothing sees
  CAPTURE(c, to_string(isa));
  set_isa(isa);
  const Array images = uniform({11, 2}, c.image_shape(), -1, 1, DType::float64);
  test::Guarded<TestType> data(images, GENERATE(test::Side::start, test::Side::end));
  const ConvolutionGeometry g = geometry(c);
  const ChannelsLast<TestType> right(g, data.data(), c.n);
  REQUIRE(right.pays());
  const Pair2 map = c.map();
  const std::int64_t channels = c.image_channels / c.groups;
  const auto expected = [&](std::int64_t group, std::int64_t p, std::int64_t column) {
    const std::int64_t pixel = p % (map.y * map.x);
    const std::int64_t weight = column / channels;
    return seen(c, images, p / (map.y * map.x), group * channels + column % channels,
                {weight / c.kernel.x, weight % c.kernel.x}, {pixel / map.x, pixel % map.x});
  };
  CHECK(count_wrong<TestType>(right, c.groups, c.n * map.y * map.x, kGemmDepth, right.block_columns(),
                              expected) == 0);
}

TEMPLATE_TEST_CASE("convolution_2d with images side by side agrees with plain loops", "[convolution_2d]",
                   float, double) {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const ConvolutionCase c =
      GENERATE(ConvolutionCase{32, 40, 13, 1, {4, 4}, 3, 1, 1, 1},  // depths in parts
               ConvolutionCase{16, 6, 8, 2, {5, 7}, {3, 2}, 1, {1, 2}, 1},
               ConvolutionCase{16, 3, 7, 1, {6, 5}, 5, 1, {0, 1}, 1},
               ConvolutionCase{48, 2, 5, 1, {4, 3}, 3, 1, 4, 4},  // pixels that see nothing
               ConvolutionCase{16, 3, 4, 1, {1, 1}, 3, 1, 1, 1},
               ConvolutionCase{2064, 1, 1, 1, {16, 16}, {1, 2}, 1, {0, 1}, 1},  // too many for one turn
               ConvolutionCase{16, 4, 5, 1, {8, 9}, {3, 2}, 1, {2, 1}, {2, 3}});
  const bool accumulate = GENERATE(false, true);
  CAPTURE(c, to_string(isa), accumulate);
  set_isa(isa);
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  const Array images = uniform({11, 3}, c.image_shape(), -1, 1, DType::float64);
  const Array weights = uniform({11, 4}, c.weight_shape(), -1, 1, DType::float64);
  const Array bias = uniform({11, 5}, {c.map_channels}, -1, 1, DType::float64);
  test::Guarded<TestType> x(images, side), W(weights, side), b(bias, side);
  test::Guarded<TestType> y(Array::zeros(c.map_shape(), DType::float64).size(), TestType(3), side);
  const bool relu = !accumulate;
  ops::detail::convolve_small_planes<TestType>("small", product(c), x.data(), W.data(),
                                               {b.data(), relu ? Activation::relu : Activation::none},
                                               accumulate, y.data());
  CHECK(y.slack_untouched());
  Array result = Array::zeros(c.map_shape(), DType::float64);
  Array expected = test::reference_convolution(c, images, weights).copy();
  Array magnitudes = test::reference_convolution(c, images, weights, true).copy();
  const std::int64_t plane = c.map().y * c.map().x;
  for (std::int64_t i = 0; i < result.size(); ++i) {
    double& value = expected.mutable_data<double>()[i];
    value += bias.data<double>()[i / plane % c.map_channels];
    if (relu) value = std::max(value, 0.0);
    if (accumulate) value += 3;
    magnitudes.mutable_data<double>()[i] += 5;
    result.mutable_data<double>()[i] = static_cast<double>(y.data()[i]);
  }
  CHECK(test::count_far(result.astype(dtype_of<TestType>), expected, magnitudes,
                        c.image_channels / c.groups * c.kernel.y * c.kernel.x) == 0);
}

TEST_CASE("convolution_2d lays its operands out where that is quicker", "[convolution_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const auto shifted = [](const ConvolutionCase& c) { return blocks_of<float>(c).pay(); };
  const auto transposed = [](const ConvolutionCase& c) {
    const ConvolutionGeometry g = geometry(c);
    return ChannelsLast<float>(g, nullptr, c.n).pays();
  };
  for (const ConvolutionCase& c : {ConvolutionCase{64, 16, 16, 1, {32, 32}, 3, 1, 1, 1},
                                   ConvolutionCase{64, 32, 64, 1, {14, 14}, 3, 1, 1, 1},
                                   ConvolutionCase{64, 64, 64, 1, {8, 8}, 3, 1, 1, 1},
                                   ConvolutionCase{64, 64, 64, 1, {56, 56}, 3, 1, 1, 1},
                                   ConvolutionCase{64, 16, 32, 1, {28, 28}, 5, 1, 2, 1},
                                   ConvolutionCase{32, 128, 128, 8, {28, 28}, 3, 1, 1, 1}}) {
    CAPTURE(c);
    CHECK(shifted(c));
    CHECK(transposed(c));
  }
  const auto together = [&](const ConvolutionCase& c) {
    const double cost = ops::detail::small_planes_cost(product(c), sizeof(float));
    return cost < blocks_of<float>(c).cost();
  };
  CHECK(together({64, 64, 64, 1, {8, 8}, 3, 1, 1, 1}));
  CHECK(together({32, 64, 64, 1, {7, 7}, 3, 1, 1, 1}));
  CHECK_FALSE(together({33, 64, 64, 1, {7, 7}, 3, 1, 1, 1}));  // no vectors of images
  CHECK_FALSE(together({64, 16, 16, 1, {32, 32}, 3, 1, 1, 1}));
  // A row of one block would be too long; most lanes empty; few pixels for many weights.
  CHECK_FALSE(shifted({2, 16, 16, 1, {4, 1100}, 3, 1, 1, 1}));
  CHECK_FALSE(transposed({64, 2, 16, 1, {32, 32}, 3, 1, 1, 1}));
  CHECK_FALSE(transposed({1, 64, 64, 1, {4, 4}, 3, 1, 1, 1}));
}

TEST_CASE("convolution_2d packs pixels that are not better read in place", "[convolution_2d]") {
  // A product of `depth` planes of h x w pixels with `channels` rows, in tiles of 12.
  const auto in_place = [](std::int64_t depth, Pair2 size, std::int64_t channels, std::int64_t result_step) {
    const ops::detail::PixelLayout layout{1, size.y * size.x, depth * size.y * size.x, 0, 1};
    const ops::detail::PixelLayout result{1, size.y * size.x, channels * size.y * size.x, 0, result_step};
    const std::vector<std::int64_t> rows = ops::detail::group_offsets(depth, size.y * size.x);
    return ops::detail::is_better_in_place(ops::detail::PixelRows<float>{nullptr, layout, rows, 0}, depth,
                                           channels, 12, result);
  };
  CHECK(in_place(32, {14, 14}, 64, 1));
  CHECK(in_place(128, {28, 28}, 288, 1));
  CHECK(in_place(64, {32, 32}, 64, 1));
  CHECK_FALSE(in_place(129, {28, 28}, 64, 1));
  CHECK_FALSE(in_place(32, {28, 28}, 289, 1));
  CHECK_FALSE(in_place(32, {7, 7}, 64, 1));    // most lanes of a last vector would be empty
  CHECK_FALSE(in_place(32, {4, 4}, 64, 1));    // half of a tile would
  CHECK_FALSE(in_place(64, {64, 64}, 64, 1));  // the same sets of the cache
  CHECK_FALSE(in_place(64, {128, 128}, 64, 1));
  CHECK_FALSE(in_place(128, {32, 32}, 64, 1));
  CHECK(in_place(32, {14, 14}, 36, 2));
  CHECK_FALSE(in_place(32, {14, 14}, 37, 2));
  CHECK(in_place(500, {64, 64}, 4, 2));  // hardly used
}

TEST_CASE("convolution_2d: blocks of pixels read in place have each pixel once", "[convolution_2d]") {
  const test::RestoreSettings restore;
  const int threads = GENERATE(1, 2, 3, 16);
  const std::int64_t width = GENERATE(1, 2, 5, 12, 64, 196, 255, 257, 1000, 1025, 12544);
  const std::int64_t rows = GENERATE(0, 1, 2, 3, 9, 128, 20000);
  const std::int64_t depth = GENERATE(0, 1, 32, 128, 1000);
  set_num_threads(threads);
  CAPTURE(threads, width, rows, depth);
  const ops::detail::PixelBlocks blocks(width, rows * width, depth);
  std::int64_t end = 0;
  bool fit = true;
  for (std::int64_t i = 0; i < blocks.count(); ++i) {
    const GemmColumns block = blocks[i];
    // One after the other, and whole rows or parts of one.
    fit &= block.first == end && 0 < block.count && block.count <= blocks.columns;
    fit &=
        block.first % width + block.count <= width || (block.first % width == 0 && block.count % width == 0);
    end = block.first + block.count;
  }
  CHECK(fit);
  CHECK(end == rows * width);
  CHECK(blocks.columns <= 1024);
  const std::int64_t run = std::min(width, blocks.columns);  // cut into tiles, the narrowest of 4 columns
  CHECK(blocks.columns / run * ((run + 3) / 4) <= fathom::detail::kGemmMostPanels);
  CHECK((depth <= 128 || blocks.columns <= 256));
}
