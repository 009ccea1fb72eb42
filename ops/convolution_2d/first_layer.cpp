// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/first_layer.hpp>

#include <algorithm>
#include <atomic>

#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/convolution_2d/image_strips.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmKernels;
using fathom::detail::GemmScratch;
using fathom::detail::GemmStrips;
using fathom::detail::GemmTile;
using fathom::detail::kGemmDepth;
using fathom::detail::kGemmPackSlack;
using fathom::detail::kGemmRowStep;
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
  constexpr std::int64_t kLanes = 16;    // of the longest vectors, most of which a row has to fill
  constexpr std::int64_t kReach = 4096;  // bounds the padded rows
  const auto extent = [](std::int64_t map, std::int64_t stride, std::int64_t kernel, std::int64_t dilation) {
    return map > kReach || stride > kReach || dilation > kReach ? kReach + 1
                                                                : map * stride + kernel * dilation;
  };
  return g.groups == 1 && g.image_channels <= kChannels && g.map_channels > kChannels &&
         g.kernel != Pair2(1) && g.image_channels * g.kernel.y * g.kernel.x <= kGemmDepth &&
         4 * g.map.x >= 3 * round_up(g.map.x, kLanes) &&
         extent(g.map.x, g.stride.x, g.kernel.x, g.dilation.x) <= kReach &&
         extent(1, g.stride.y, g.kernel.y, g.dilation.y) <= kReach;
}

template <class T>
void convolve_first_layer(const ConvolutionGeometry& g, const Array& image, const Array& W,
                          const Epilogue& epilogue, bool accumulate, Array& map) {
  const fathom::Isa isa = fathom::active_isa();
  const GemmKernels<T>& kernels = fathom::detail::gemm_kernels<T>(isa);
  fathom::detail::count_kernel("gemm/convolution_2d", isa, dtype_of<T>);
  const ImageStrips strips(g);
  const std::int64_t taps = static_cast<std::int64_t>(strips.offsets().size());
  const std::int64_t plane = g.map.y * g.map.x;
  const std::int64_t images = image.shape()[0];

  const GemmStrips channels(g.map_channels, kernels.rows);
  const std::int64_t weights_step = kernels.rows * kGemmRowStep;
  const std::int64_t weights_size = channels.count() * weights_step;
  const std::int64_t each = round_up(strips.size() + kGemmPackSlack, kGemmPackSlack);
  const std::int64_t work = strips.end(0) * g.map.x * g.map_channels * taps;
  const std::int64_t grain = ceil_div(1 << 18, work);
  const int threads = num_threads();
  const std::int64_t pieces = fathom::detail::piece_count(images * strips.per_image(), grain, threads);
  const GemmScratch<T> scratch(weights_size + pieces * each);
  pack_weights(channels, W.data<T>(), taps, weights_step, scratch.data());

  const T* const source = image.data<T>();
  const T* const bias = epilogue.b.defined() ? epilogue.b.data<T>() : nullptr;
  T* const out = map.mutable_data<T>();
  const auto run = [&](std::int64_t n, std::int64_t strip, T* copy) {
    strips.copy(source + n * g.image_channels * g.image.y * g.image.x, strip, copy);
    GemmTile<T> tile{};
    tile.depth = taps;
    tile.b_offsets = strips.offsets().data();
    tile.from_step = tile.to_step = plane;
    tile.activation = epilogue.activation;
    for (std::int64_t y = strips.begin(strip); y < strips.end(strip); ++y, copy += strips.row_step()) {
      for (std::int64_t s = 0; s < channels.count(); ++s) {
        const auto [first, rows] = channels[s];
        tile.a = scratch.data() + s * weights_step;
        tile.row_bias = bias == nullptr ? nullptr : bias + first;
        T* const to = out + (n * g.map_channels + first) * plane + y * g.map.x;
        for (std::int64_t x = 0; x < g.map.x; x += kernels.columns()) {
          tile.b = copy + x;
          tile.to = to + x;
          if (accumulate) tile.from = tile.to;
          tile.columns = std::min(kernels.columns(), g.map.x - x);
          kernels.tiles_in_place[rows - 1][tile.columns > kernels.lanes ? 1 : 0](tile);
        }
      }
    }
  };
  std::atomic<std::int64_t> next{0};
  parallel_for(
      images * strips.per_image(), grain,
      [&](std::int64_t begin, std::int64_t end) {
        T* const copy = scratch.data() + weights_size + next++ * each;
        for (std::int64_t i = begin; i < end; ++i) run(i / strips.per_image(), i % strips.per_image(), copy);
      },
      threads);
}

template void convolve_first_layer<float>(const ConvolutionGeometry&, const Array&, const Array&,
                                          const Epilogue&, bool, Array&);
template void convolve_first_layer<double>(const ConvolutionGeometry&, const Array&, const Array&,
                                           const Epilogue&, bool, Array&);

}  // namespace fathom::ops::detail
