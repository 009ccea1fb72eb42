// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/core/gemm/driver.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>

namespace fathom::ops::detail {

/// The right operand of gW, pixels of the map x (ky, kx, channel): what those pixels see of the image is
/// transposed, so that a pixel's channels lie side by side, with zeros around, once for all weights. What a
/// row of weights sees is contiguous then and shared by neighbours, and tiles read it in place.
template <class T>
class ChannelsLast final : public fathom::detail::GemmRight<T> {
 public:
  ChannelsLast(const ConvolutionGeometry& geometry, const T* images, std::int64_t count);

  /// Whether that takes less time than packing what each weight sees.
  [[nodiscard]] bool pays() const { return space_size_ > 0; }

  void announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns,
                fathom::detail::GemmPieces& pieces) const override;
  [[nodiscard]] std::int64_t row_length() const override { return row_length_; }
  [[nodiscard]] const std::int64_t* lay_out(const fathom::detail::GemmKernels<T>& kernels, std::int64_t group,
                                            std::int64_t p, std::int64_t depth, std::int64_t j,
                                            std::int64_t columns, T* space,
                                            std::int64_t* offsets) const override;
  [[nodiscard]] std::int64_t space_size() const override { return space_size_; }
  [[nodiscard]] const T* in_place(std::int64_t group, std::int64_t j, std::int64_t c,
                                  const T* space) const override;
  /// All of them are one block, so that no pixel is transposed twice.
  [[nodiscard]] std::int64_t column_blocks() const override { return 1; }
  [[nodiscard]] std::int64_t block_columns() const override { return g_.kernel.y * g_.kernel.x * channels_; }
  [[nodiscard]] fathom::detail::GemmColumns block(std::int64_t) const override {
    return {0, block_columns()};
  }

 private:
  /// Pixels [first, first + count) of an image's map, and the rows of the image that they see.
  struct Part {
    std::int64_t image, first, count;
    std::int64_t first_row, rows;
  };
  /// Calls visit(Part) for each image among pixels [p, p + depth) of the batch.
  template <class Visit>
  void for_each_part(std::int64_t p, std::int64_t depth, Visit visit) const;
  [[nodiscard]] const T* plane(std::int64_t image, std::int64_t group) const;
  [[nodiscard]] std::int64_t choose_space() const;

  const ConvolutionGeometry& g_;
  const T* data_;
  std::int64_t images_;
  std::int64_t channels_;    // of a group
  Pair2 extent_;             // of the kernel, in pixels
  std::int64_t row_pixels_;  // of a row of the copy
  std::int64_t row_length_;  // columns that lie side by side
  std::int64_t space_size_;
  std::vector<std::int64_t> planes_;  // of the channels
};

/// Where gW (output channels x (ky, kx, channel)) goes: into W.
template <class T>
class WeightsResult final : public fathom::detail::GemmResult<T> {
 public:
  WeightsResult(const ConvolutionGeometry& geometry, T* W, bool accumulate)
      : fathom::detail::GemmResult<T>(accumulate), g_(geometry), W_(W) {}

  [[nodiscard]] fathom::detail::GemmRows<T> direct(std::int64_t, std::int64_t, std::int64_t) const override {
    return {};
  }
  void store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j, std::int64_t columns,
             fathom::detail::GemmRows<const T> tile) const override;

 private:
  const ConvolutionGeometry& g_;
  T* W_;
};

extern template class ChannelsLast<float>;
extern template class ChannelsLast<double>;
extern template class WeightsResult<float>;
extern template class WeightsResult<double>;

}  // namespace fathom::ops::detail
