// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <atomic>
#include <vector>

#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/prefetch.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/core/reduce/kernel.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/convolution_2d/first_layer.hpp>
#include <fathom/ops/convolution_2d/image_strips.hpp>
#include <fathom/ops/convolution_2d/kernel.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmPieces;
using fathom::detail::GemmScratch;
using fathom::detail::GemmStrips;
using fathom::detail::kGemmPackSlack;
using fathom::detail::kGrainProducts;
using fathom::detail::round_up;

bool has_first_layer_grad_w(const ConvolutionGeometry& g) {
  constexpr std::int64_t kMostWeights = 8192;  // whose sums stay in the caches
  constexpr std::int64_t kLanes = 16;          // of the longest vectors, most of which a row has to fill
  return is_first_layer(g) && 4 * g.map.x >= 3 * round_up(g.map.x, kLanes) &&
         g.map_channels <= kMostWeights / (g.image_channels * g.kernel.y * g.kernel.x);
}

template <class T>
void first_layer_grad_w(const ConvolutionGeometry& g, const Array& image, const PendingGradient& map,
                        bool accumulate, Array& W, Array* gb) {
  const fathom::Isa isa = fathom::active_isa();
  const ConvolutionKernels<T>& kernels = convolution_kernels<T>(isa);
  fathom::detail::count_kernel("convolution_2d/first_layer_grad_w", isa, dtype_of<T>);
  const ImageStrips strips(g, 9 << 10, 1);
  const std::int64_t taps = static_cast<std::int64_t>(strips.offsets().size());
  const std::int64_t plane = g.map.y * g.map.x;
  const std::int64_t count = image.shape()[0] * strips.per_image();
  const GemmStrips channel_tiles(g.map_channels, kernels.channels);
  const GemmStrips tap_tiles(taps, kernels.taps);

  std::vector<WeightStep> steps;
  std::vector<WeightStep> rests;
  for (std::int64_t y = 0; y < strips.end(0); ++y) {
    std::int64_t x = 0;
    for (; x + kernels.lanes <= g.map.x; x += kernels.lanes)
      steps.push_back({y * g.map.x + x, y * strips.row_step() + x});
    rests.push_back({y * g.map.x + x, y * strips.row_step() + x});
  }

  // Strips are added up in blocks, whose number must not depend on the threads.
  constexpr std::int64_t kMostBlocks = 16;
  constexpr std::int64_t kBlockProducts = 1 << 21;  // a block adds its sums to the others' in the end
  const std::int64_t products = image.shape()[0] * plane * g.map_channels * taps;
  const std::int64_t blocks =
      std::min({count, kMostBlocks, ceil_div(std::max<std::int64_t>(products, 1), kBlockProducts)});
  const std::int64_t size = channel_tiles.count() * tap_tiles.count() * kernels.sums;  // of a block's
  const bool is_pending = map.activation != Activation::none;
  if (is_pending) count_gradient(map.activation, dtype_of<T>);
  const std::int64_t copy_size = round_up(strips.size() + kGemmPackSlack, kGemmPackSlack);
  const std::int64_t strip_plane = strips.end(0) * g.map.x;
  const std::int64_t each =
      copy_size +
      (is_pending ? round_up(kernels.channels * strip_plane + kGemmPackSlack, kGemmPackSlack) : 0);
  const std::int64_t grain = ceil_div(kGrainProducts, products / std::max<std::int64_t>(blocks, 1) + 1);
  const int threads = num_threads();
  const std::int64_t pieces = fathom::detail::piece_count(blocks, grain, threads);
  const GemmScratch<T> scratch(std::max<std::int64_t>(blocks, 1) * size + pieces * each);
  const T* const source = image.data<T>();
  const T* const gys = map.gy.data<T>();
  const T* const ys = is_pending ? map.y.data<T>() : nullptr;
  // What becomes of the bias is added up in an order that does not depend on the threads either.
  Array strip_sums;
  double* bias_sums = nullptr;
  if (gb != nullptr) {
    strip_sums = Array::empty({image.shape()[0], strips.per_image(), g.map_channels}, DType::float64);
    bias_sums = strip_sums.mutable_data<double>();
  }

  const std::int64_t image_size = g.image_channels * g.image.y * g.image.x;
  const auto add = [&](std::int64_t item, std::int64_t next, T* copy, T* sums) {
    const std::int64_t n = item / strips.per_image();
    const std::int64_t strip = item % strips.per_image();
    strips.copy(kernels, source + n * image_size, strip, copy);
    // Tiles ask for the maps of the next channels and for the next strip's images.
    GemmPieces maps_soon;
    GemmPieces images_soon;
    if (next >= 0) {
      strips.announce(source + next / strips.per_image() * image_size, next % strips.per_image(),
                      images_soon);
    }
    const std::int64_t image_lines =
        ceil_div(2 * images_soon.lines(), channel_tiles.count() * tap_tiles.count());
    WeightSums<T> tile{};
    const std::int64_t rows = strips.end(strip) - strips.begin(strip);
    const std::int64_t size_of_plane = rows * g.map.x;
    T* const passed = copy + copy_size;  // what came through the activation
    tile.steps = steps.data();
    tile.steps_end = tile.steps + rows * (g.map.x / kernels.lanes);
    tile.rest = g.map.x % kernels.lanes;
    tile.rests = rests.data();
    tile.rests_end = tile.rests + (tile.rest == 0 ? 0 : rows);
    tile.map_channel_step = is_pending ? strip_plane : plane;
    tile.image = copy;
    for (std::int64_t c = 0; c < channel_tiles.count(); ++c) {
      const auto [channel, channels] = channel_tiles[c];
      const std::int64_t first = (n * g.map_channels + channel) * plane + strips.begin(strip) * g.map.x;
      maps_soon.clear();
      for (std::int64_t q = 0; c + 1 < channel_tiles.count() && q < channel_tiles[c + 1].rows; ++q) {
        const std::int64_t soon = first + (channels + q) * plane;
        maps_soon.add(gys + soon, size_of_plane);
        if (is_pending) maps_soon.add(ys + soon, size_of_plane);
      }
      tile.map = is_pending ? passed : gys + first;
      for (std::int64_t q = 0; q < channels; ++q) {
        const std::int64_t from = first + q * plane;
        if (is_pending) {
          through_activation(map.activation, gys + from, ys + from, passed + q * strip_plane, size_of_plane);
        }
        if (bias_sums == nullptr) continue;
        bias_sums[item * g.map_channels + channel + q] =
            fathom::detail::row_folds<T>().sum(tile.map + q * tile.map_channel_step, size_of_plane);
      }
      const std::int64_t map_lines = ceil_div(maps_soon.lines(), tap_tiles.count());
      for (std::int64_t t = 0; t < tap_tiles.count(); ++t) {
        tile.lines.count = 0;
        if (maps_soon.take(map_lines, tile.lines) == 0) images_soon.take(image_lines, tile.lines);
        const auto [tap, tile_taps] = tap_tiles[t];
        tile.offsets = strips.offsets().data() + tap;
        tile.sums = sums + (c * tap_tiles.count() + t) * kernels.sums;
        kernels.add_products[channels - 1][tile_taps - 1](tile);
      }
    }
  };
  std::atomic<std::int64_t> next{0};
  parallel_for(
      blocks, grain,
      [&](std::int64_t begin, std::int64_t end) {
        T* const copy = scratch.data() + blocks * size + next++ * each;
        for (std::int64_t block = begin; block < end; ++block) {
          T* const sums = scratch.data() + block * size;
          std::fill_n(sums, size, T(0));
          const std::int64_t last = count * (block + 1) / blocks;
          for (std::int64_t i = count * block / blocks; i < last; ++i)
            add(i, i + 1 < last ? i + 1 : -1, copy, sums);
        }
      },
      threads);

  T* const sums = scratch.data();
  if (blocks == 0) std::fill_n(sums, size, T(0));
  for (std::int64_t block = 1; block < blocks; ++block) {
    for (std::int64_t i = 0; i < size; ++i) sums[i] += sums[block * size + i];
  }
  T* const out = W.mutable_data<T>();
  constexpr std::int64_t kTogether = kSumsInVector<T>;
  const T* of_tile = sums;
  for (std::int64_t c = 0; c < channel_tiles.count(); ++c) {
    for (std::int64_t t = 0; t < tap_tiles.count(); ++t, of_tile += kernels.sums) {
      const auto [channel, channels] = channel_tiles[c];
      const auto [tap, tile_taps] = tap_tiles[t];
      for (std::int64_t i = 0; i < channels * tile_taps; ++i) {
        const T* const lanes = of_tile + i / kTogether * kernels.lanes + i % kTogether;
        T sum = lanes[0];
        for (std::int64_t lane = kTogether; lane < kernels.lanes; lane += kTogether) sum += lanes[lane];
        T& to = out[(channel + i / tile_taps) * taps + tap + i % tile_taps];
        to = accumulate ? to + sum : sum;
      }
    }
  }
  if (gb != nullptr) *gb = fathom::sum(strip_sums, Axes{0, 1}).astype(dtype_of<T>);
}

template void first_layer_grad_w<float>(const ConvolutionGeometry&, const Array&, const PendingGradient&,
                                        bool, Array&, Array*);
template void first_layer_grad_w<double>(const ConvolutionGeometry&, const Array&, const PendingGradient&,
                                         bool, Array&, Array*);
}  // namespace fathom::ops::detail
