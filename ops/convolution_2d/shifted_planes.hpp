// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/core/gemm/driver.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>
#include <fathom/ops/convolution_2d/planes.hpp>

namespace fathom::ops::detail {

/// A convolution with stride 1. Pixel (y, x) of the grid sees pixel (y + shift_y[ky], x + shift_x[kx]) of the
/// planes through weight (ky, kx), zeros where there is none.
struct ShiftedProduct {
  std::int64_t images = 0;
  std::int64_t groups = 1;
  std::int64_t channels = 0;  ///< of the planes, in a group
  std::int64_t results = 0;   ///< channels of the result, in a group
  Pair2 planes, grid;
  std::vector<std::int64_t> shift_y, shift_x;

  /// The map of `images` images, and, the other way, the images of a map: the gradient of the first.
  [[nodiscard]] static ShiftedProduct map_of(const ConvolutionGeometry& g, std::int64_t images);
  [[nodiscard]] static ShiftedProduct image_of(const ConvolutionGeometry& g, std::int64_t images);

  [[nodiscard]] std::int64_t taps() const {
    return static_cast<std::int64_t>(shift_y.size() * shift_x.size());
  }
  /// Of the result, in one of its channels.
  [[nodiscard]] std::int64_t pixels() const { return images * grid.y * grid.x; }
};

/// How the pixels of its result are cut into blocks, of some rows of an image each, and where what the
/// weights see of a block lies in copies of its planes.
class ShiftedBlocks {
 public:
  /// For elements of `element_size` bytes in vectors of `lanes`.
  ShiftedBlocks(ShiftedProduct product, std::int64_t element_size, std::int64_t lanes);

  /// Whether to compute them takes less time than packing panels, and the time of what takes less. The unit
  /// is a vector of pixels of one channel, seen by one weight of one channel of the result.
  [[nodiscard]] bool pay() const { return rows_ > 0; }
  [[nodiscard]] double cost() const { return cost_; }

  [[nodiscard]] const ShiftedProduct& product() const { return product_; }
  [[nodiscard]] std::int64_t count() const;
  [[nodiscard]] fathom::detail::GemmColumns operator[](std::int64_t index) const;
  /// Elements of a plane's copy, of all of a channel's and of a part of the depths.
  [[nodiscard]] std::int64_t plane_size() const { return plane_size_; }
  [[nodiscard]] std::int64_t channel_size() const {
    return static_cast<std::int64_t>(product_.shift_x.size()) * plane_size_;
  }
  [[nodiscard]] std::int64_t size() const { return channels_ * channel_size(); }
  /// Where each depth lies behind the copies of the first channel.
  [[nodiscard]] const std::vector<std::int64_t>& offsets() const { return offsets_; }
  /// First of the rows that the weights see from row `y` on, and how many they see of `rows`.
  [[nodiscard]] std::int64_t first_row(std::int64_t y) const { return y + top_; }
  [[nodiscard]] std::int64_t seen(std::int64_t rows) const { return rows + bottom_ - top_; }

 private:
  void choose_rows(std::int64_t element_size, std::int64_t lanes);

  ShiftedProduct product_;
  std::int64_t top_ = 0, bottom_ = 0;  // of the vertical shifts
  std::int64_t channels_ = 0;          // the most of a part of the depths
  std::int64_t rows_ = 0;              // of a block
  double cost_ = 0;
  std::int64_t plane_size_ = 0;
  std::vector<std::int64_t> offsets_;
};

/// Its right operand, (channel, ky, kx) x pixels, a block of pixels at a time: each plane is copied once for
/// each horizontal shift, in rows as long as those of the grid. So what any weight sees of the block's pixels
/// is one run, which tiles read in place; none of them is dropped, none reaches across a border.
template <class T>
class ShiftedPlanes final : public fathom::detail::GemmRight<T> {
 public:
  ShiftedPlanes(const T* data, const ShiftedBlocks& blocks) : data_(data), blocks_(blocks) {}

  void announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns,
                fathom::detail::GemmPieces& pieces) const override;
  [[nodiscard]] std::int64_t row_length() const override { return blocks_.product().pixels(); }
  [[nodiscard]] const std::int64_t* lay_out(const fathom::detail::GemmKernels<T>& kernels, std::int64_t group,
                                            std::int64_t p, std::int64_t depth, std::int64_t j,
                                            std::int64_t columns, T* space,
                                            std::int64_t* offsets) const override;
  [[nodiscard]] std::int64_t space_size() const override { return blocks_.size(); }
  [[nodiscard]] const T* in_place(std::int64_t, std::int64_t j, std::int64_t c,
                                  const T* space) const override {
    return space + (c - j);
  }
  [[nodiscard]] std::int64_t column_blocks() const override { return blocks_.count(); }
  [[nodiscard]] std::int64_t block_columns() const override { return blocks_[0].count; }
  [[nodiscard]] fathom::detail::GemmColumns block(std::int64_t index) const override {
    return blocks_[index];
  }

 private:
  /// The channel's plane in the image of column `j`.
  [[nodiscard]] const T* plane(std::int64_t group, std::int64_t channel, std::int64_t j) const;
  void copy(const T* plane, std::int64_t first_row, std::int64_t rows, std::int64_t shift, T* to) const;

  const T* data_;
  const ShiftedBlocks& blocks_;
};

extern template class ShiftedPlanes<float>;
extern template class ShiftedPlanes<double>;

}  // namespace fathom::ops::detail
