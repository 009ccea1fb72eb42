// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/core/gemm/driver.hpp>
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

  [[nodiscard]] std::int64_t taps() const {
    return static_cast<std::int64_t>(shift_y.size() * shift_x.size());
  }
};

/// Its right operand, (channel, ky, kx) x pixels, a block of pixels at a time: each plane is copied once for
/// each horizontal shift, in rows as long as those of the grid. So what any weight sees of the block's pixels
/// is one run, which tiles read in place; none of them is dropped, none reaches across a border.
template <class T>
class ShiftedPlanes final : public fathom::detail::GemmRight<T> {
 public:
  ShiftedPlanes(const T* data, ShiftedProduct product);

  /// Whether that takes less time than packing panels.
  [[nodiscard]] bool pays() const { return pays_; }
  /// The time of this or, if it does not pay, of packing. The unit is a vector of pixels of one channel, seen
  /// by one weight of one channel of the result.
  [[nodiscard]] double cost() const { return cost_; }
  /// The grid's pixels as the columns number them; their images are `image_step` apart in a channel.
  [[nodiscard]] PixelLayout layout(std::int64_t image_step) const {
    return {1, image_columns_, image_step, 0, 1, gap_ * product_.grid.x};
  }
  /// Columns, as GemmSize has them.
  [[nodiscard]] std::int64_t columns() const { return product_.images * image_columns_; }

  void announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns,
                fathom::detail::GemmPieces& pieces) const override;
  [[nodiscard]] std::int64_t row_length() const override { return columns(); }
  [[nodiscard]] const std::int64_t* lay_out(const fathom::detail::GemmKernels<T>& kernels, std::int64_t group,
                                            std::int64_t p, std::int64_t depth, std::int64_t j,
                                            std::int64_t columns, T* space,
                                            std::int64_t* offsets) const override;
  [[nodiscard]] std::int64_t space_size() const override { return channels_ * channel_step_; }
  [[nodiscard]] const T* in_place(std::int64_t, std::int64_t j, std::int64_t c,
                                  const T* space) const override {
    return space + (c - j);
  }
  [[nodiscard]] std::int64_t column_blocks() const override;
  [[nodiscard]] std::int64_t block_columns() const override { return block(0).count; }
  [[nodiscard]] fathom::detail::GemmColumns block(std::int64_t index) const override;

 private:
  /// Rows of a channel's planes in one image of a block.
  struct Rows {
    const T* plane;
    std::int64_t first, count;
  };

  void choose_blocks(std::int64_t lanes);
  /// Calls visit(Rows) for each image of a block.
  template <class Visit>
  void for_each_image(std::int64_t group, std::int64_t channel, std::int64_t j, std::int64_t columns,
                      Visit visit) const;
  void copy(const Rows& rows, std::int64_t shift, T* to) const;

  const T* data_;
  ShiftedProduct product_;
  std::int64_t top_ = 0, bottom_ = 0;  // of the vertical shifts
  bool pays_ = false;
  double cost_ = 0;
  std::int64_t images_ = 1, rows_ = 0;  // of a block: several images, or rows of one
  std::int64_t gap_ = 0;                // rows of zeros that several images have between them
  std::int64_t image_columns_ = 0;
  std::int64_t channels_ = 0;  // the most of a part of the depths
  std::int64_t plane_size_ = 0, channel_step_ = 0;
  std::vector<std::int64_t> offsets_;  // of the depths, behind the first channel
};

extern template class ShiftedPlanes<float>;
extern template class ShiftedPlanes<double>;

}  // namespace fathom::ops::detail
