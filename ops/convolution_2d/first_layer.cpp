// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/first_layer.hpp>

#include <algorithm>
#include <atomic>

#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/core/reduce/kernel.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/convolution_2d/image_strips.hpp>
#include <fathom/ops/convolution_2d/kernel.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmKernels;
using fathom::detail::GemmLines;
using fathom::detail::GemmPanel;
using fathom::detail::GemmPieces;
using fathom::detail::GemmScratch;
using fathom::detail::GemmStrips;
using fathom::detail::GemmTile;
using fathom::detail::GemmTileRow;
using fathom::detail::kGemmDepth;
using fathom::detail::kGemmPackSlack;
using fathom::detail::kGemmRowStep;
using fathom::detail::kGrainProducts;
using fathom::detail::round_up;

namespace {

/// W in strips of output channels, as tiles read it.
template <class T>
void pack_weights(const GemmStrips& strips, const T* W, std::int64_t taps, std::int64_t step, T* to) {
  for (std::int64_t s = 0; s < strips.count(); ++s, to += step) {
    for (std::int64_t r = 0; r < strips[s].rows; ++r) {
      std::copy_n(W + (strips[s].begin + r) * taps, taps, to + r * kGemmRowStep);
    }
  }
}

}  // namespace

bool is_first_layer(const ConvolutionGeometry& g) {
  constexpr std::int64_t kChannels = 4;
  constexpr std::int64_t kLeastWidth = 8;  // half of the longest vectors
  constexpr std::int64_t kReach = 4096;    // bounds the padded rows
  const auto extent = [](std::int64_t map, std::int64_t stride, std::int64_t kernel, std::int64_t dilation) {
    return map > kReach || stride > kReach || dilation > kReach ? kReach + 1
                                                                : map * stride + kernel * dilation;
  };
  return g.groups == 1 && g.image_channels <= kChannels && g.map_channels > kChannels &&
         g.kernel != Pair2(1) && g.image_channels * g.kernel.y * g.kernel.x <= kGemmDepth &&
         g.map.x >= kLeastWidth && extent(g.map.x, g.stride.x, g.kernel.x, g.dilation.x) <= kReach &&
         extent(1, g.stride.y, g.kernel.y, g.dilation.y) <= kReach;
}

bool has_first_layer_grad_w(const ConvolutionGeometry& g) {
  constexpr std::int64_t kMostWeights = 8192;  // whose sums stay in the caches
  constexpr std::int64_t kLanes = 16;          // of the longest vectors, most of which a row has to fill
  return is_first_layer(g) && 4 * g.map.x >= 3 * round_up(g.map.x, kLanes) &&
         g.map_channels <= kMostWeights / (g.image_channels * g.kernel.y * g.kernel.x);
}

template <class T>
void convolve_first_layer(const ConvolutionGeometry& g, const Array& image, const Array& W,
                          const Epilogue& epilogue, bool accumulate, Array& map) {
  const fathom::Isa isa = fathom::active_isa();
  const GemmKernels<T>& kernels = fathom::detail::gemm_kernels<T>(isa);
  fathom::detail::count_kernel("gemm/convolution_2d", isa, dtype_of<T>);
  // Beside what is copied, the result's lines on their way into memory want room in the first-level cache.
  const ImageStrips strips(g, 5 << 10, 2);
  const std::int64_t taps = static_cast<std::int64_t>(strips.offsets().size());
  const std::int64_t plane = g.map.y * g.map.x;
  const std::int64_t images = image.shape()[0];

  const GemmStrips channels(g.map_channels, kernels.rows);
  const std::int64_t weights_step = kernels.rows * kGemmRowStep;
  const std::int64_t weights_size = channels.count() * weights_step;
  const std::int64_t each = round_up(strips.size() + kGemmPackSlack, kGemmPackSlack);
  const std::int64_t work = strips.end(0) * g.map.x * g.map_channels * taps;
  const std::int64_t grain = ceil_div(kGrainProducts, work);
  const int threads = num_threads();
  const std::int64_t pieces = fathom::detail::piece_count(images * strips.per_image(), grain, threads);
  const GemmScratch<T> scratch(weights_size + pieces * each);
  pack_weights(channels, W.data<T>(), taps, weights_step, scratch.data());

  const T* const source = image.data<T>();
  const T* const bias = epilogue.b.defined() ? epilogue.b.data<T>() : nullptr;
  T* const out = map.mutable_data<T>();
  // One row of the map, of all channels, from what it sees of the image.
  const auto tiles = [&](const T* row, T* to) {
    GemmTile<T> tile{};
    tile.depth = taps;
    tile.b_offsets = strips.offsets().data();
    tile.from_step = tile.to_step = plane;
    tile.activation = epilogue.activation;
    GemmLines below[2];  // of the map, where the next row's tile will be stored
    tile.lines = below;
    tile.line_rows = 2;
    for (std::int64_t s = 0; s < channels.count(); ++s) {
      const auto [first, rows] = channels[s];
      tile.a = scratch.data() + s * weights_step;
      tile.row_bias = bias == nullptr ? nullptr : bias + first;
      for (std::int64_t x = 0; x < g.map.x; x += kernels.columns()) {
        tile.b = row + x;
        tile.to = to + first * plane + x;
        if (accumulate) tile.from = tile.to;
        tile.columns = std::min(kernels.columns(), g.map.x - x);
        const char* const next_row = reinterpret_cast<const char*>(tile.to + g.map.x);
        below[0].set(next_row, plane * static_cast<std::int64_t>(sizeof(T)), rows);
        below[1].set(next_row + 64, plane * static_cast<std::int64_t>(sizeof(T)), rows);
        kernels.tiles_in_place[rows - 1][tile.columns > kernels.lanes ? 1 : 0](tile);
      }
    }
  };
  // The same for a strip's rows, by full tiles, to which the last pixels of two rows make one: first all rows
  // of some channels, as the processor's own prefetching follows few planes at a time.
  const bool in_rows = !accumulate && g.map.x >= kernels.lanes &&
                       kernels.tile_rows[g.map_channels / channels.count() - 1] != nullptr;
  const auto tile_rows = [&](const T* row, T* to, std::int64_t count) {
    const std::int64_t columns = kernels.columns();
    const std::int64_t rest = g.map.x % columns;
    std::vector<GemmPanel<T>> panels;
    const auto add = [&](std::int64_t y, std::int64_t x, std::int64_t gap, std::int64_t right_gap) {
      panels.push_back(
          {x, columns, row + y * strips.row_step() + x, to + y * g.map.x + x, plane, gap, false, right_gap});
    };
    for (std::int64_t y = 0; y < count; ++y) {
      for (std::int64_t x = 0; x + columns <= g.map.x; x += columns) add(y, x, 0, 0);
      if (rest > kernels.lanes) add(y, g.map.x - rest, rest - columns, rest - columns);
    }
    const std::int64_t last = g.map.x - kernels.lanes;
    for (std::int64_t y = 0; y < count && 0 < rest && rest <= kernels.lanes; y += 2) {
      // A row that is left has its own twice.
      const bool is_pair = y + 1 < count;
      add(y, last, is_pair ? last : -kernels.lanes, (is_pair ? strips.row_step() : 0) - kernels.lanes);
    }
    const std::vector<const T*> soon(panels.size());
    GemmTileRow<T> tiles{};
    tiles.panels = panels.data();
    tiles.panels_end = tiles.panels + panels.size();
    tiles.depth = taps;
    tiles.b_offsets = strips.offsets().data();
    tiles.activation = epilogue.activation;
    tiles.soon = soon.data();
    for (std::int64_t s = 0; s < channels.count(); ++s) {
      const auto [first, rows] = channels[s];
      tiles.row = first;
      tiles.a = scratch.data() + s * weights_step;
      tiles.row_bias = bias == nullptr ? nullptr : bias + first;
      kernels.tile_rows[rows - 1](tiles);
    }
  };
  const auto run = [&](std::int64_t n, std::int64_t strip, T* copy) {
    strips.copy(convolution_kernels<T>(isa), source + n * g.image_channels * g.image.y * g.image.x, strip,
                copy);
    T* const to = out + n * g.map_channels * plane;
    const std::int64_t begin = strips.begin(strip), end = strips.end(strip);
    if (in_rows) return tile_rows(copy, to + begin * g.map.x, end - begin);
    for (std::int64_t y = begin; y < end; ++y, copy += strips.row_step()) tiles(copy, to + y * g.map.x);
  };
  std::atomic<std::int64_t> next{0};
  parallel_for(
      images * strips.per_image(), grain,
      [&](std::int64_t begin, std::int64_t end) {
        T* const copy = scratch.data() + weights_size + next++ * each;
        // What no copy reaches goes into products that are not stored, and would slow them down if denormal.
        std::fill_n(copy, each, T(0));
        for (std::int64_t i = begin; i < end; ++i) run(i / strips.per_image(), i % strips.per_image(), copy);
      },
      threads);
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
template void convolve_first_layer<float>(const ConvolutionGeometry&, const Array&, const Array&,
                                          const Epilogue&, bool, Array&);
template void convolve_first_layer<double>(const ConvolutionGeometry&, const Array&, const Array&,
                                           const Epilogue&, bool, Array&);

}  // namespace fathom::ops::detail
