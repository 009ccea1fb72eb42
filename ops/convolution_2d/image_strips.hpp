// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <vector>

#include <fathom/core/gemm/grid.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>
#include <fathom/ops/convolution_2d/planes.hpp>

namespace fathom::ops::detail {

/// The map of each image cut into strips of a few rows, and a padded copy of what one strip sees: all
/// channels, pixels the horizontal stride apart side by side. Each such phase of a row is aligned to 64
/// bytes, so that most vectors lie in one cache line.
class ImageStrips {
 public:
  /// Copies have about `elements` elements, unless a few rows need more, and strips a multiple of `together`
  /// rows, but the last one.
  ImageStrips(const ConvolutionGeometry& g, std::int64_t elements, std::int64_t together)
      : g_(g),
        phase_(((g.map.x - 1) * g.stride.x + (g.kernel.x - 1) * g.dilation.x) / g.stride.x + 1),
        phase_step_(fathom::detail::round_up(phase_, kAligned)) {
    using fathom::detail::ceil_div;
    const std::int64_t more = std::max<std::int64_t>(0, elements / row_size() - seen(1)) / g.stride.y;
    // With fewer most rows would be copied more than twice; the longest would make too large a copy.
    const std::int64_t few = std::min((g.kernel.y - 1) * g.dilation.y / g.stride.y, elements / row_size());
    const std::int64_t count = ceil_div(g.map.y, 1 + std::max(more, few));
    rows_ = std::min(g.map.y, fathom::detail::round_up(ceil_div(g.map.y, count), together));
    per_image_ = ceil_div(g.map.y, rows_);
    for (std::int64_t c = 0; c < g.image_channels; ++c) {
      for (std::int64_t ky = 0; ky < g.kernel.y; ++ky) {
        for (std::int64_t kx = 0; kx < g.kernel.x; ++kx) {
          const std::int64_t x = kx * g.dilation.x;
          offsets_.push_back((ky * g.dilation.y * g.image_channels + c) * phase_step_ * g.stride.x +
                             x % g.stride.x * phase_step_ + x / g.stride.x);
        }
      }
    }
  }

  /// Strips of an image, and the map's rows in strip `index`.
  [[nodiscard]] std::int64_t per_image() const { return per_image_; }
  [[nodiscard]] std::int64_t begin(std::int64_t index) const { return index * rows_; }
  [[nodiscard]] std::int64_t end(std::int64_t index) const { return std::min(g_.map.y, (index + 1) * rows_); }
  /// Elements of a copy.
  [[nodiscard]] std::int64_t size() const { return seen(rows_) * row_size(); }
  /// From one row of the map to the next.
  [[nodiscard]] std::int64_t row_step() const { return g_.stride.y * row_size(); }
  /// Where the first pixel of a row meets each channel and weight.
  [[nodiscard]] const std::vector<std::int64_t>& offsets() const { return offsets_; }

  template <class T>
  void copy(const ConvolutionKernels<T>& kernels, const T* image, std::int64_t index, T* to) const {
    const std::int64_t first = begin(index) * g_.stride.y - g_.pad.y;
    const std::int64_t rows = seen(end(index) - begin(index));
    for (std::int64_t y = first; y < first + rows; ++y) {
      for (std::int64_t c = 0; c < g_.image_channels; ++c, to += phase_step_ * g_.stride.x) {
        if (y < 0 || y >= g_.image.y) {
          std::fill(to, to + phase_step_ * g_.stride.x, T(0));
        } else {
          copy_padded_row(kernels, image + (c * g_.image.y + y) * g_.image.x, g_.image.x, -g_.pad.x,
                          g_.stride.x, phase_, phase_step_, to);
        }
      }
    }
  }

  /// Adds what such a copy reads.
  template <class T>
  void announce(const T* image, std::int64_t index, fathom::detail::GemmPieces& pieces) const {
    const std::int64_t first = begin(index) * g_.stride.y - g_.pad.y;
    const std::int64_t end_row = std::min(g_.image.y, first + seen(end(index) - begin(index)));
    const std::int64_t from = std::max<std::int64_t>(0, first);
    for (std::int64_t c = 0; c < g_.image_channels && from < end_row; ++c)
      pieces.add(image + (c * g_.image.y + from) * g_.image.x, (end_row - from) * g_.image.x);
  }

 private:
  static constexpr std::int64_t kAligned = 16;  // elements

  /// Rows of the image that rows of the map see.
  [[nodiscard]] std::int64_t seen(std::int64_t rows) const {
    return (rows - 1) * g_.stride.y + (g_.kernel.y - 1) * g_.dilation.y + 1;
  }
  /// Elements of a row of all channels.
  [[nodiscard]] std::int64_t row_size() const { return g_.image_channels * phase_step_ * g_.stride.x; }

  const ConvolutionGeometry& g_;
  std::int64_t phase_, phase_step_;  // pixels of a row that lie side by side, and from there to the next
  std::int64_t rows_ = 0, per_image_ = 0;
  std::vector<std::int64_t> offsets_;
};

}  // namespace fathom::ops::detail
