// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/first_layer.hpp>

#include <algorithm>
#include <atomic>
#include <vector>

#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/convolution_2d/image_strips.hpp>
#include <fathom/ops/convolution_2d/kernel.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmKernels;
using fathom::detail::GemmLines;
using fathom::detail::GemmPanel;
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

/// Computes rows of the map, all channels, from a copy of what they see of the image.
template <class T>
class MapRows {
 public:
  MapRows(const ConvolutionGeometry& g, const ImageStrips& strips, const GemmKernels<T>& kernels,
          const T* weights, const Epilogue& epilogue, bool accumulate)
      : g_(g),
        strips_(strips),
        kernels_(kernels),
        channels_(g.map_channels, kernels.rows),
        weights_(weights),
        bias_(epilogue.b.defined() ? epilogue.b.data<T>() : nullptr),
        activation_(epilogue.activation),
        accumulates_(accumulate) {}

  void compute(const T* copy, std::int64_t rows, T* to) const {
    const bool has_full_tiles = !accumulates_ && g_.map.x >= kernels_.lanes &&
                                kernels_.tile_rows[g_.map_channels / channels_.count() - 1] != nullptr;
    if (has_full_tiles) return by_rows(copy, rows, to);
    for (std::int64_t y = 0; y < rows; ++y) by_tiles(copy + y * strips_.row_step(), to + y * g_.map.x);
  }

 private:
  [[nodiscard]] std::int64_t plane() const { return g_.map.y * g_.map.x; }
  [[nodiscard]] std::int64_t depth() const { return static_cast<std::int64_t>(strips_.offsets().size()); }
  [[nodiscard]] const T* weights(std::int64_t strip) const {
    return weights_ + strip * kernels_.rows * kGemmRowStep;
  }
  [[nodiscard]] const T* bias(std::int64_t channel) const {
    return bias_ == nullptr ? nullptr : bias_ + channel;
  }

  /// One row.
  void by_tiles(const T* copy, T* to) const {
    GemmTile<T> tile{};
    tile.depth = depth();
    tile.b_offsets = strips_.offsets().data();
    tile.from_step = tile.to_step = plane();
    tile.activation = activation_;
    GemmLines below[2];  // of the map, where the next row's tile will be stored
    tile.lines = below;
    tile.line_rows = 2;
    for (std::int64_t s = 0; s < channels_.count(); ++s) {
      const auto [first, rows] = channels_[s];
      tile.a = weights(s);
      tile.row_bias = bias(first);
      for (std::int64_t x = 0; x < g_.map.x; x += kernels_.columns()) {
        tile.b = copy + x;
        tile.to = to + first * plane() + x;
        if (accumulates_) tile.from = tile.to;
        tile.columns = std::min(kernels_.columns(), g_.map.x - x);
        const char* const next_row = reinterpret_cast<const char*>(tile.to + g_.map.x);
        below[0].set(next_row, plane() * static_cast<std::int64_t>(sizeof(T)), rows);
        below[1].set(next_row + 64, plane() * static_cast<std::int64_t>(sizeof(T)), rows);
        kernels_.tiles_in_place[rows - 1][tile.columns > kernels_.lanes ? 1 : 0](tile);
      }
    }
  }

  /// By full tiles: first all rows of some channels, as the processor's own prefetching follows few planes at
  /// a time.
  void by_rows(const T* copy, std::int64_t rows, T* to) const {
    const std::vector<GemmPanel<T>> panels = cut(copy, rows, to);
    const std::vector<const T*> nowhere(panels.size());
    GemmTileRow<T> tiles{};
    tiles.panels = panels.data();
    tiles.panels_end = tiles.panels + panels.size();
    tiles.depth = depth();
    tiles.b_offsets = strips_.offsets().data();
    tiles.activation = activation_;
    tiles.soon = nowhere.data();
    for (std::int64_t s = 0; s < channels_.count(); ++s) {
      const auto [first, channels] = channels_[s];
      tiles.row = first;
      tiles.a = weights(s);
      tiles.row_bias = bias(first);
      kernels_.tile_rows[channels - 1](tiles);
    }
  }

  /// Rows cut into pairs of vectors. The second vector of a row's last pair may overlap the first; where only
  /// a vector is left, two rows make a pair.
  [[nodiscard]] std::vector<GemmPanel<T>> cut(const T* copy, std::int64_t rows, T* to) const {
    const std::int64_t columns = kernels_.columns();
    const std::int64_t rest = g_.map.x % columns;
    std::vector<GemmPanel<T>> panels;
    const auto add = [&](std::int64_t y, std::int64_t x, std::int64_t gap, std::int64_t right_gap) {
      panels.push_back({x, columns, copy + y * strips_.row_step() + x, to + y * g_.map.x + x, plane(), gap,
                        false, right_gap});
    };
    for (std::int64_t y = 0; y < rows; ++y) {
      for (std::int64_t x = 0; x + columns <= g_.map.x; x += columns) add(y, x, 0, 0);
      if (rest > kernels_.lanes) add(y, g_.map.x - rest, rest - columns, rest - columns);
    }
    const std::int64_t last = g_.map.x - kernels_.lanes;
    for (std::int64_t y = 0; y < rows && 0 < rest && rest <= kernels_.lanes; y += 2) {
      // A row that is left has its own twice.
      const bool is_pair = y + 1 < rows;
      add(y, last, is_pair ? last : -kernels_.lanes, (is_pair ? strips_.row_step() : 0) - kernels_.lanes);
    }
    return panels;
  }

  const ConvolutionGeometry& g_;
  const ImageStrips& strips_;
  const GemmKernels<T>& kernels_;
  GemmStrips channels_;
  const T* weights_;  // packed
  const T* bias_;     // null: none
  Activation activation_;
  bool accumulates_;
};

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

template <class T>
void convolve_first_layer(const ConvolutionGeometry& g, const Array& image, const Array& W,
                          const Epilogue& epilogue, bool accumulate, Array& map) {
  const fathom::Isa isa = fathom::active_isa();
  const GemmKernels<T>& kernels = fathom::detail::gemm_kernels<T>(isa);
  fathom::detail::count_kernel("gemm/convolution_2d", isa, dtype_of<T>);
  // Beside what is copied, the result's lines on their way into memory want room in the first-level cache.
  const ImageStrips strips(g, 5 << 10, 2);
  const std::int64_t taps = static_cast<std::int64_t>(strips.offsets().size());
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

  const MapRows<T> rows(g, strips, kernels, scratch.data(), epilogue, accumulate);
  const T* const source = image.data<T>();
  T* const out = map.mutable_data<T>();
  std::atomic<std::int64_t> next{0};
  parallel_for(
      images * strips.per_image(), grain,
      [&](std::int64_t first, std::int64_t last) {
        T* const copy = scratch.data() + weights_size + next++ * each;
        // What no copy reaches goes into products that are not stored, and would slow them down if denormal.
        std::fill_n(copy, each, T(0));
        for (std::int64_t i = first; i < last; ++i) {
          const std::int64_t n = i / strips.per_image();
          const std::int64_t strip = i % strips.per_image();
          const std::int64_t begin = strips.begin(strip);
          strips.copy(convolution_kernels<T>(isa), source + n * g.image_channels * g.image.y * g.image.x,
                      strip, copy);
          rows.compute(copy, strips.end(strip) - begin,
                       out + n * g.map_channels * g.map.y * g.map.x + begin * g.map.x);
        }
      },
      threads);
}

template void convolve_first_layer<float>(const ConvolutionGeometry&, const Array&, const Array&,
                                          const Epilogue&, bool, Array&);
template void convolve_first_layer<double>(const ConvolutionGeometry&, const Array&, const Array&,
                                           const Epilogue&, bool, Array&);

}  // namespace fathom::ops::detail
