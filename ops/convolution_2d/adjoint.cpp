// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <optional>

#include <fathom/core/gemm/matrix.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/convolution_2d/planes.hpp>
#include <fathom/ops/convolution_2d/products.hpp>
#include <fathom/ops/convolution_2d/shifted_planes.hpp>
#include <fathom/ops/convolution_2d/small_planes.hpp>

namespace fathom::ops::detail {

using fathom::detail::GemmScratch;
using fathom::detail::MatrixLeft;
using fathom::detail::run_gemm;

namespace {

/// Image pixels first, first + stride, ...: the same weights reach all of them, so that they are a
/// convolution of the map with stride 1. Pixel q meets map pixel q + shift through each of the weights.
struct Phase {
  struct Weight {
    std::int64_t index, shift;
  };
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::vector<Weight> weights;
};

std::vector<Phase> phases(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                          std::int64_t dilation) {
  std::vector<Phase> result;
  for (std::int64_t first = 0; first < std::min(stride, size); ++first) {
    Phase phase{first, (size - first + stride - 1) / stride, {}};
    for (std::int64_t k = 0; k < kernel; ++k) {
      const std::int64_t distance = first + pad - k * dilation;
      if (distance % stride == 0) phase.weights.push_back({k, distance / stride});
    }
    result.push_back(std::move(phase));
  }
  return result;
}

/// First and last map pixel that the phases of one axis reach; both 0 when no weight reaches the image.
std::pair<std::int64_t, std::int64_t> reach(const std::vector<Phase>& phases) {
  std::optional<std::pair<std::int64_t, std::int64_t>> range;
  for (const Phase& phase : phases) {
    for (const Phase::Weight& weight : phase.weights) {
      const std::int64_t last = weight.shift + phase.count - 1;
      range = range ? std::pair(std::min(range->first, weight.shift), std::max(range->second, last))
                    : std::pair(weight.shift, last);
    }
  }
  return range.value_or(std::pair<std::int64_t, std::int64_t>(0, 0));
}

template <class T>
PaddedImages<T> padded_map(const ConvolutionGeometry& g, const Array& map, const std::vector<Phase>& vertical,
                           const std::vector<Phase>& horizontal) {
  const auto [top, bottom] = reach(vertical);
  const auto [left, right] = reach(horizontal);
  return {map.data<T>(), map.shape()[0], g.map_channels, g.map, {{top, left}, {bottom, right}}, 1};
}

/// The weights of a phase as rows (image channel) of (map channel, weight), group after group.
template <class T>
void collect_weights(const ConvolutionGeometry& g, const T* W, const Phase& vertical, const Phase& horizontal,
                     T* to) {
  constexpr std::int64_t kBlock = 8;  // rows whose cache lines fit side by side whatever their distance
  const std::int64_t inputs = g.image_channels / g.groups;
  const std::int64_t outputs = g.map_channels / g.groups;
  const auto weights = static_cast<std::int64_t>(vertical.weights.size() * horizontal.weights.size());
  std::vector<std::int64_t> places;
  for (const Phase::Weight& y : vertical.weights) {
    for (const Phase::Weight& x : horizontal.weights) places.push_back(y.index * g.kernel.x + x.index);
  }
  const std::int64_t blocks = (outputs + kBlock - 1) / kBlock;
  parallel_for(g.groups * blocks, std::max<std::int64_t>(1, (1 << 12) / inputs),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t block = begin; block < end; ++block) {
                   const std::int64_t group = block / blocks;
                   const std::int64_t first = block % blocks * kBlock;
                   for (std::int64_t c = 0; c < inputs; ++c) {
                     for (std::int64_t o = first; o < std::min(outputs, first + kBlock); ++o) {
                       const T* const kernel =
                           W + ((group * outputs + o) * inputs + c) * g.kernel.y * g.kernel.x;
                       T* out = to + ((group * inputs + c) * outputs + o) * weights;
                       for (const std::int64_t place : places) *out++ = kernel[place];
                     }
                   }
                 }
               });
}

/// The left operand of a phase: W itself where it is (map channel, image channel), else collected in
/// `scratch`.
template <class T>
MatrixLeft<T> phase_weights(const ConvolutionGeometry& g, const T* W, const Phase& vertical,
                            const Phase& horizontal, const std::vector<std::int64_t>& offsets, T* scratch) {
  if (g.kernel == Pair2(1)) return MatrixLeft<T>({W, g.image_channels / g.groups, offsets.data()}, true);
  collect_weights(g, W, vertical, horizontal, scratch);
  const auto weights = static_cast<std::int64_t>(vertical.weights.size() * horizontal.weights.size());
  return MatrixLeft<T>({scratch, g.map_channels / g.groups * weights, offsets.data()}, false);
}

template <class T>
std::vector<std::int64_t> map_rows(const ConvolutionGeometry& g, const PaddedImages<T>& map,
                                   const Phase& vertical, const Phase& horizontal) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t o = 0; o < g.map_channels / g.groups; ++o) {
    for (const Phase::Weight& y : vertical.weights) {
      for (const Phase::Weight& x : horizontal.weights) {
        offsets.push_back(o * map.channel_step() + map.offset(y.shift, x.shift));
      }
    }
  }
  return offsets;
}

}  // namespace

void deconvolve(const ConvolutionGeometry& g, const Array& map, const Array& W, const Epilogue& epilogue,
                bool accumulate, Array& image) {
  if (image.size() == 0) return;
  const std::vector<Phase> vertical = phases(g.image.y, g.kernel.y, g.stride.y, g.pad.y, g.dilation.y);
  const std::vector<Phase> horizontal = phases(g.image.x, g.kernel.x, g.stride.x, g.pad.x, g.dilation.x);
  const std::int64_t channels = g.image_channels / g.groups;
  const std::int64_t plane = g.image.y * g.image.x;
  const std::int64_t images = map.shape()[0];
  dispatch_float(map.dtype(), "deconvolution_2d", [&]<class T>() {
    const GemmScratch<T> weights(W.size());
    const auto run = [&](const Phase& y, const Phase& x, const PixelLayout& layout, std::int64_t depth,
                         const fathom::detail::GemmRight<T>& right) {
      const std::vector<std::int64_t> offsets = group_offsets(g.groups, channels * depth);
      const std::int64_t map_channels = g.map_channels / g.groups;
      const std::int64_t part = depth_part(map_channels, map_channels == 0 ? 0 : depth / map_channels);
      run_gemm<T>("gemm/deconvolution_2d",
                  {g.groups, channels, images * layout.height * layout.width, depth, part},
                  phase_weights(g, W.data<T>(), y, x, offsets, weights.data()), right,
                  PixelsResult<T>(image.mutable_data<T>() + y.first * g.image.x + x.first, layout, plane,
                                  channels, gemm_epilogue<T>(epilogue), accumulate));
    };
    if (g.stride == Pair2(1) && g.kernel != Pair2(1)) {  // there is one phase
      const Phase& y = vertical.front();
      const Phase& x = horizontal.front();
      const ShiftedBlocks blocks(ShiftedProduct::image_of(g, images), sizeof(T),
                                 fathom::detail::gemm_kernels<T>(active_isa()).lanes);
      if (small_planes_cost(blocks.product(), sizeof(T)) < blocks.cost()) {
        collect_weights(g, W.data<T>(), y, x, weights.data());
        return convolve_small_planes<T>("gemm/deconvolution_2d_small", blocks.product(), map.data<T>(),
                                        weights.data(), gemm_epilogue<T>(epilogue), accumulate,
                                        image.mutable_data<T>());
      }
      if (blocks.pay()) {
        const PixelLayout layout{1, plane, g.image_channels * plane, 0, 1};
        return run(y, x, layout, g.map_channels / g.groups * g.kernel.y * g.kernel.x,
                   ShiftedPlanes<T>(map.data<T>(), blocks));
      }
    }
    const PaddedImages<T> padded = padded_map<T>(g, map, vertical, horizontal);
    for (const Phase& y : vertical) {
      for (const Phase& x : horizontal) {
        const std::vector<std::int64_t> rows = map_rows(g, padded, y, x);
        PixelLayout layout{y.count, x.count, g.image_channels * plane, g.stride.y * g.image.x, g.stride.x};
        layout.join_rows();
        const PixelRows<T> pixels{padded.data(), padded.layout({y.count, x.count}), rows,
                                  g.map_channels / g.groups * padded.channel_step()};
        const bool in_place = is_better_in_place(pixels, g.map_channels / g.groups, channels,
                                                 fathom::detail::gemm_kernels<T>(active_isa()).rows, layout);
        run(y, x, layout, pixels.count(),
            PixelsRight<T>(pixels, images * layout.height * layout.width, in_place));
      }
    }
  });
}

}  // namespace fathom::ops::detail
