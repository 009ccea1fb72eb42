// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/channels_last.hpp>

#include <algorithm>

#include <fathom/core/gemm/grid.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmKernels;
using fathom::detail::GemmPieces;
using fathom::detail::GemmRows;
using fathom::detail::kGemmDepth;
using fathom::detail::kGemmPackSlack;
using fathom::detail::round_up;

namespace {

constexpr std::int64_t kSpaceBytes = 1 << 18;  // of a block's copy, which stays in the second-level cache

}  // namespace

template <class T>
ChannelsLast<T>::ChannelsLast(const ConvolutionGeometry& g, const T* images, std::int64_t count)
    : g_(g),
      data_(images),
      images_(count),
      channels_(g.image_channels / g.groups),
      extent_((g.kernel.y - 1) * g.dilation.y + 1, (g.kernel.x - 1) * g.dilation.x + 1),
      row_pixels_((g.map.x - 1) * g.stride.x + extent_.x),
      row_length_(g.dilation.x == 1 ? g.kernel.x * channels_ : channels_),
      space_size_(choose_space()) {
  for (std::int64_t c = 0; c < channels_; ++c) planes_.push_back(c * g.image.y * g.image.x);
}

/// 0 where it does not pay.
template <class T>
std::int64_t ChannelsLast<T>::choose_space() const {
  constexpr std::int64_t kFewChannels = 4;  // of which squares are transposed
  constexpr std::int64_t kSpace = kSpaceBytes / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t plane = g_.map.y * g_.map.x;
  if (g_.kernel == Pair2(1) || channels_ < kFewChannels || images_ * plane == 0) return 0;

  // Vectors at the end of a row of weights should not be empty, and panels find room.
  const GemmKernels<T>& kernels = fathom::detail::gemm_kernels<T>(fathom::active_isa());
  if (2 * row_length_ < round_up(row_length_, kernels.lanes)) return 0;
  const std::int64_t panels = block_columns() / row_length_ * ceil_div(row_length_, kernels.columns());
  if (panels > fathom::detail::kGemmMostPanels) return 0;

  // W is written element by element, which takes as long as packing some pixels for each of its columns and
  // transposing them for each of its rows.
  const std::int64_t rows = g_.map_channels / g_.groups;
  if (16 * rows * block_columns() > images_ * plane * (block_columns() + 4 * rows)) return 0;

  // The most rows and images that pixels one behind the other lie in.
  if (row_pixels_ > kSpace || channels_ > kSpace || std::max(g_.stride.y, extent_.y) > kSpace) return 0;
  const std::int64_t map_rows = std::min(images_ * g_.map.y, (kGemmDepth - 2) / g_.map.x + 2);
  const std::int64_t parts = std::min(images_, (kGemmDepth - 2) / plane + 2);
  const std::int64_t image_rows =
      map_rows * g_.stride.y + parts * std::max<std::int64_t>(0, extent_.y - g_.stride.y);
  if (image_rows > kSpace / (row_pixels_ * channels_)) return 0;
  return image_rows * row_pixels_ * channels_ + kGemmPackSlack;
}

template <class T>
template <class Visit>
void ChannelsLast<T>::for_each_part(std::int64_t p, std::int64_t depth, Visit visit) const {
  const std::int64_t plane = g_.map.y * g_.map.x;
  for (std::int64_t image = p / plane, first = p % plane; depth > 0; ++image, first = 0) {
    const std::int64_t count = std::min(depth, plane - first);
    const std::int64_t y = first / g_.map.x;
    const std::int64_t last = (first + count - 1) / g_.map.x;
    visit(Part{image, first, count, y * g_.stride.y - g_.pad.y, (last - y) * g_.stride.y + extent_.y});
    depth -= count;
  }
}

template <class T>
const T* ChannelsLast<T>::plane(std::int64_t image, std::int64_t group) const {
  return data_ + (image * g_.image_channels + group * channels_) * g_.image.y * g_.image.x;
}

template <class T>
void ChannelsLast<T>::announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t,
                               std::int64_t, GemmPieces& pieces) const {
  for_each_part(p, depth, [&](const Part& part) {
    const std::int64_t first = std::clamp(part.first_row, std::int64_t{0}, g_.image.y);
    const std::int64_t last = std::clamp(part.first_row + part.rows, first, g_.image.y);
    if (first == last) return;
    const T* const rows = plane(part.image, group) + first * g_.image.x;
    for (const std::int64_t channel : planes_) pieces.add(rows + channel, (last - first) * g_.image.x);
  });
}

template <class T>
const std::int64_t* ChannelsLast<T>::lay_out(const GemmKernels<T>& kernels, std::int64_t group,
                                             std::int64_t p, std::int64_t depth, std::int64_t, std::int64_t,
                                             T* space, std::int64_t* offsets) const {
  const std::int64_t width = std::min(g_.image.x, std::max<std::int64_t>(0, row_pixels_ - g_.pad.x));
  const std::int64_t left = std::min(g_.pad.x, row_pixels_) * channels_;
  const std::int64_t right = left + width * channels_;
  const std::int64_t row = row_pixels_ * channels_;
  T* to = space;
  for_each_part(p, depth, [&](const Part& part) {
    const std::int64_t y = part.first / g_.map.x;
    for (std::int64_t i = 0; i < part.count; ++i) {
      const std::int64_t pixel = part.first + i;
      *offsets++ = (to - space) + (pixel / g_.map.x - y) * g_.stride.y * row +
                   pixel % g_.map.x * g_.stride.x * channels_;
    }
    // Row by row: the last pixel is written with some elements more.
    for (std::int64_t r = part.first_row; r < part.first_row + part.rows; ++r, to += row) {
      if (r < 0 || r >= g_.image.y || width == 0) {
        std::fill_n(to, row, T(0));
        continue;
      }
      std::fill_n(to, left, T(0));
      kernels.pack_transposed(plane(part.image, group) + r * g_.image.x, planes_.data(), channels_, width,
                              to + left, channels_);
      std::fill(to + right, to + row, T(0));
    }
  });
  // What the last vector reads behind the last pixel.
  std::fill_n(to, kGemmPackSlack, T(0));
  return offsets - depth;
}

template <class T>
const T* ChannelsLast<T>::in_place(std::int64_t, std::int64_t, std::int64_t c, const T* space) const {
  const std::int64_t weight = c / channels_;
  return space + weight / g_.kernel.x * g_.dilation.y * row_pixels_ * channels_ +
         weight % g_.kernel.x * g_.dilation.x * channels_ + c % channels_;
}

template <class T>
void WeightsResult<T>::store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j,
                             std::int64_t columns, GemmRows<const T> tile) const {
  const std::int64_t channels = g_.image_channels / g_.groups;
  const std::int64_t weights = g_.kernel.y * g_.kernel.x;
  for (std::int64_t r = 0; r < rows; ++r) {
    T* const out = W_ + (group * (g_.map_channels / g_.groups) + i + r) * channels * weights;
    std::int64_t channel = j % channels;
    std::int64_t weight = j / channels;
    for (std::int64_t x = 0; x < columns; ++x) {
      T& to = out[channel * weights + weight];
      const T from = tile.data[r * tile.step + x];
      to = this->accumulates() ? to + from : from;
      if (++channel == channels) {
        channel = 0;
        ++weight;
      }
    }
  }
}

template class ChannelsLast<float>;
template class ChannelsLast<double>;
template class WeightsResult<float>;
template class WeightsResult<double>;

}  // namespace fathom::ops::detail
