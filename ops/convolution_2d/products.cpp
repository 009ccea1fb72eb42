// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/products.hpp>

#include <algorithm>

#include <fathom/core/gemm/matrix.hpp>
#include <fathom/ops/convolution_2d/channels_last.hpp>
#include <fathom/ops/convolution_2d/first_layer.hpp>
#include <fathom/ops/convolution_2d/planes.hpp>
#include <fathom/ops/convolution_2d/shifted_planes.hpp>
#include <fathom/ops/convolution_2d/small_planes.hpp>

namespace fathom::ops::detail {

using fathom::detail::GemmMatrix;
using fathom::detail::GemmSize;
using fathom::detail::MatrixLeft;
using fathom::detail::MatrixResult;
using fathom::detail::run_gemm;

namespace {

std::int64_t pixels(Pair2 size) { return size.y * size.x; }

/// The map's pixels as they lie in its planes.
PixelLayout map_layout(const ConvolutionGeometry& g) {
  PixelLayout layout{g.map.y, g.map.x, g.map_channels * pixels(g.map), g.map.x, 1};
  layout.join_rows();
  return layout;
}

/// The image as the map's pixels see it, one row for each input channel and weight of a group.
template <class T>
struct ImageRows {
  PaddedImages<T> images;
  PixelLayout layout;
  std::vector<std::int64_t> offsets;
  std::int64_t group_step;

  ImageRows(const ConvolutionGeometry& g, const Array& image)
      : images(image.data<T>(), image.shape()[0], g.image_channels, g.image, reach(g), g.stride),
        layout(images.layout(g.map)),
        group_step(g.image_channels / g.groups * images.channel_step()) {
    for (std::int64_t c = 0; c < g.image_channels / g.groups; ++c) {
      for (std::int64_t ky = 0; ky < g.kernel.y; ++ky) {
        for (std::int64_t kx = 0; kx < g.kernel.x; ++kx) {
          offsets.push_back(c * images.channel_step() +
                            images.offset(ky * g.dilation.y - g.pad.y, kx * g.dilation.x - g.pad.x));
        }
      }
    }
  }

  [[nodiscard]] PixelRows<T> rows() const { return {images.data(), layout, offsets, group_step}; }

 private:
  static PixelRange reach(const ConvolutionGeometry& g) {
    return {{-g.pad.y, -g.pad.x},
            {(g.map.y - 1) * g.stride.y + (g.kernel.y - 1) * g.dilation.y - g.pad.y,
             (g.map.x - 1) * g.stride.x + (g.kernel.x - 1) * g.dilation.x - g.pad.x}};
  }
};

}  // namespace

void convolve(const ConvolutionGeometry& g, const Array& image, const Array& W, const Epilogue& epilogue,
              bool accumulate, Array& map) {
  if (map.size() == 0) return;
  dispatch_float(image.dtype(), "convolution_2d", [&]<class T>() {
    if (is_first_layer(g)) return convolve_first_layer<T>(g, image, W, epilogue, accumulate, map);
    const std::int64_t images = image.shape()[0];
    const std::int64_t channels = g.map_channels / g.groups;
    const std::int64_t depth = g.image_channels / g.groups * g.kernel.y * g.kernel.x;
    const std::int64_t part = depth_part(g.image_channels / g.groups, g.kernel.y * g.kernel.x);
    const std::vector<std::int64_t> offsets = group_offsets(g.groups, channels * depth);
    const MatrixLeft<T> weights({W.data<T>(), depth, offsets.data()}, false);
    const auto run = [&](const fathom::detail::GemmRight<T>& right, const PixelLayout& layout) {
      run_gemm<T>("gemm/convolution_2d",
                  {g.groups, channels, images * layout.height * layout.width, depth, part}, weights, right,
                  PixelsResult<T>(map.mutable_data<T>(), layout, pixels(g.map), channels,
                                  gemm_epilogue<T>(epilogue), accumulate));
    };
    if (g.stride == Pair2(1) && g.kernel != Pair2(1)) {
      const ShiftedBlocks blocks(ShiftedProduct::map_of(g, images), sizeof(T),
                                 fathom::detail::gemm_kernels<T>(active_isa()).lanes);
      if (small_planes_cost(blocks.product(), sizeof(T)) < blocks.cost()) {
        return convolve_small_planes<T>("gemm/convolution_2d_small", blocks.product(), image.data<T>(),
                                        W.data<T>(), gemm_epilogue<T>(epilogue), accumulate,
                                        map.mutable_data<T>());
      }
      if (blocks.pay()) return run(ShiftedPlanes<T>(image.data<T>(), blocks), map_layout(g));
    }
    const ImageRows<T> image_rows(g, image);
    const PixelRows<T> rows = image_rows.rows();
    const PixelLayout layout = map_layout(g);
    const bool in_place = is_better_in_place(rows, g.image_channels / g.groups, channels,
                                             fathom::detail::gemm_kernels<T>(active_isa()).rows, layout);
    run(PixelsRight<T>(rows, images * layout.height * layout.width, in_place), layout);
  });
}

void convolve_grad_w(const ConvolutionGeometry& g, const Array& image, const Array& map, bool accumulate,
                     Array& W) {
  if (W.size() == 0) return;
  dispatch_float(image.dtype(), "convolution_2d", [&]<class T>() {
    if (has_first_layer_grad_w(g)) {
      return first_layer_grad_w<T>(g, image, {.gy = map}, accumulate, W, nullptr);
    }
    const std::int64_t channels = g.map_channels / g.groups;
    const std::int64_t depth = image.shape()[0] * pixels(g.map);
    const std::vector<std::int64_t> planes = group_offsets(channels, pixels(g.map));
    const PixelRows<T> maps{map.data<T>(), map_layout(g), planes, channels * pixels(g.map)};
    const ChannelsLast<T> by_pixel(g, image.data<T>(), image.shape()[0]);
    if (by_pixel.pays()) {
      return run_gemm<T>("gemm/convolution_2d_grad_w", {g.groups, channels, by_pixel.block_columns(), depth},
                         PixelsLeft<T>(maps), by_pixel, WeightsResult<T>(g, W.mutable_data<T>(), accumulate));
    }
    const ImageRows<T> image_rows(g, image);
    const PixelRows<T> rows = image_rows.rows();
    const std::vector<std::int64_t> offsets = group_offsets(g.groups, channels * rows.count());
    const GemmMatrix<T> result{W.mutable_data<T>(), rows.count(), offsets.data()};
    // The side with fewer rows is the one to transpose, unless they are too few to fill a panel or the sums
    // so short that writing the result column by column, which costs as much for an element as transposing
    // two, would take longer.
    constexpr std::int64_t kPanel = 32;
    if (rows.count() >= kPanel && rows.count() * depth <= channels * depth + 2 * rows.count() * channels) {
      run_gemm<T>("gemm/convolution_2d_grad_w", {g.groups, channels, rows.count(), depth},
                  PixelsLeft<T>(maps), PixelsTransposed<T>(rows), MatrixResult<T>(result, false, accumulate));
    } else {
      run_gemm<T>("gemm/convolution_2d_grad_w", {g.groups, rows.count(), channels, depth},
                  PixelsLeft<T>(rows), PixelsTransposed<T>(maps), MatrixResult<T>(result, true, accumulate));
    }
  });
}

bool has_biased_grad_w(const ConvolutionGeometry& g) {
  return g.weight_shape().size() > 0 && has_first_layer_grad_w(g);
}

Array convolve_biased_grad_w(const ConvolutionGeometry& g, const Array& image, const PendingGradient& map,
                             bool accumulate, Array& W) {
  Array gb;
  dispatch_float(image.dtype(), "convolution_2d",
                 [&]<class T>() { first_layer_grad_w<T>(g, image, map, accumulate, W, &gb); });
  return gb;
}

}  // namespace fathom::ops::detail
