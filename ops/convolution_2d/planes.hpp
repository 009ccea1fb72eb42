// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/shape.hpp>
#include <fathom/ops/convolution_2d/kernel.hpp>
#include <fathom/ops/rules/trilinear.hpp>

namespace fathom::ops::detail {

/// Start of each group's share of `size` elements.
[[nodiscard]] inline std::vector<std::int64_t> group_offsets(std::int64_t groups, std::int64_t size) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t g = 0; g < groups; ++g) offsets.push_back(g * size);
  return offsets;
}

/// What GEMM makes of it.
template <class T>
[[nodiscard]] fathom::detail::GemmEpilogue<T> gemm_epilogue(const Epilogue& epilogue) {
  return {epilogue.b.defined() ? epilogue.b.data<T>() : nullptr, epilogue.activation};
}

/// Pixels of a batch, numbered (image, y, x), and where they lie in one channel's planes.
struct PixelLayout {
  std::int64_t height = 1;
  std::int64_t width = 0;
  std::int64_t image_step = 0;
  std::int64_t row_step = 0;
  std::int64_t step = 1;

  /// Whole planes become one long row, so that runs end with the image only.
  void join_rows() {
    if (step != 1 || (row_step != width && height != 1)) return;
    width *= height;
    height = 1;
  }

  /// Calls visit(first pixel - begin, offset, length) for the contiguous rows of pixels [begin, begin +
  /// count).
  template <class Visit>
  void for_each_row(std::int64_t begin, std::int64_t count, Visit visit) const {
    std::int64_t x = begin % width;
    std::int64_t y = begin / width % height;
    std::int64_t image = begin / width / height;
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t length = count - done < width - x ? count - done : width - x;
      visit(done, image * image_step + y * row_step + x * step, length);
      done += length;
      x = 0;
      if (++y == height) {
        y = 0;
        ++image;
      }
    }
  }
};

/// Inclusive ranges of pixels, relative to the image's first one.
struct PixelRange {
  Pair2 first, last;
};

/// A row of `phase` * `step` pixels from pixel `origin` on, which may lie outside of `row`: zeros there.
/// Pixels `step` apart lie side by side in `out`, where each such phase begins `phase_step` after the one
/// before.
template <class T>
void copy_padded_row(const ConvolutionKernels<T>& kernels, const T* row, std::int64_t width,
                     std::int64_t origin, std::int64_t step, std::int64_t phase, std::int64_t phase_step,
                     T* out);

/// Images with everything in reach: in place where they hold it, else a copy with zeros around. When the
/// horizontal step is s, pixels s apart lie side by side in the copy, so that packing is always a matter of
/// contiguous runs.
template <class T>
class PaddedImages {
 public:
  PaddedImages(const T* images, std::int64_t count, std::int64_t channels, Pair2 size, PixelRange reach,
               Pair2 step);

  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::int64_t channel_step() const { return channel_step_; }
  /// Offset of pixel (y, x) of the image, which may lie outside of it.
  [[nodiscard]] std::int64_t offset(std::int64_t y, std::int64_t x) const {
    const std::int64_t along = x - origin_.x;
    return (y - origin_.y) * row_ + along % step_.x * phase_ + along / step_.x;
  }
  /// A grid of pixels `step` apart.
  [[nodiscard]] PixelLayout layout(Pair2 grid) const;

 private:
  void copy_planes(const T* images, std::int64_t count, std::int64_t channels, Pair2 size, T* to) const;

  fathom::detail::GemmScratch<T> scratch_;
  const T* data_;
  Pair2 origin_, step_;
  std::int64_t rows_, row_, phase_;  // of a plane: rows, elements of a row, elements of one phase of a row
  std::int64_t channel_step_, image_step_;
};

/// Depths (channel, weight) that a product sums at a time: whole channels where possible, so that no channel
/// is laid out twice, and about as many each time.
[[nodiscard]] inline std::int64_t depth_part(std::int64_t channels, std::int64_t weights) {
  using fathom::detail::ceil_div;
  using fathom::detail::kGemmDepth;
  if (channels == 0 || weights <= 1 || weights > kGemmDepth) return kGemmDepth;
  return ceil_div(channels, ceil_div(channels, kGemmDepth / weights)) * weights;
}

/// Rows of pixels, the operands of all three products: row p of group g is the pixels of `layout` shifted by
/// row_offsets[p] + g * group_step.
template <class T>
struct PixelRows {
  const T* data;
  PixelLayout layout;
  const std::vector<std::int64_t>& row_offsets;
  std::int64_t group_step;

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(row_offsets.size()); }
  /// Adds pixels [begin, begin + length) of rows [first, first + rows) to what will be read.
  void announce(std::int64_t group, std::int64_t first, std::int64_t rows, std::int64_t begin,
                std::int64_t length, fathom::detail::GemmPieces& pieces) const;
};

/// Whether more rows begin at lines of one set of the second-level cache than half of its ways hold, as those
/// of 64 x 64 pixels do.
template <class T>
[[nodiscard]] bool share_few_sets(const PixelRows<T>& rows) {
  constexpr std::size_t kLine = 64, kSets = 1024, kMost = 4;
  std::array<std::uint8_t, kSets> lines{};
  std::optional<std::size_t> last;
  for (const std::int64_t offset : rows.row_offsets) {
    const std::size_t line = static_cast<std::size_t>(offset) * sizeof(T) / kLine;
    if (line != last && ++lines[line % kSets] > kMost) return true;  // taps side by side see the same line
    last = line;
  }
  return false;
}

/// Whether packing the rows, views of `planes`, for a product with `channels` rows would cost more than it
/// saves: the pixels are shifted views of few planes, which stay in the first-level cache, or they are few
/// rows, of a tile's columns at least, and not too many tiles of `tile_rows` channels meet them; fewer where
/// the pixels of the `result` lie apart. Rows of the layout should fill the vectors that they are read in, of
/// up to 16 elements.
template <class T>
[[nodiscard]] bool is_better_in_place(const PixelRows<T>& rows, std::int64_t planes, std::int64_t channels,
                                      std::int64_t tile_rows, const PixelLayout& result) {
  constexpr std::int64_t kLanes = 16, kFew = 4;
  const std::int64_t width = rows.layout.width, read = (width + kLanes - 1) / kLanes * kLanes;
  if (channels <= kFew && 4 * width >= 3 * read) return true;
  if (16 * width < 15 * read) return false;
  if (planes <= kFew) return true;
  const std::int64_t few_depths = result.step == 1 ? 128 : 32, few_tiles = result.step == 1 ? 24 : 3;
  return rows.count() <= few_depths && channels <= few_tiles * tile_rows && width >= 2 * kLanes &&
         !share_few_sets(rows);
}

/// Rows of `width` pixels in blocks: several rows each, or parts of one that is longer.
struct PixelBlocks {
  std::int64_t width, rows;  ///< of the layout, all images together
  std::int64_t columns;      ///< of a block, at most
  std::int64_t parts;        ///< of a row

  /// As many as a first- or second-level cache has room for at `depth` values each, in blocks that are about
  /// as many for each thread.
  PixelBlocks(std::int64_t row_width, std::int64_t pixels, std::int64_t depth);
  [[nodiscard]] std::int64_t count() const {
    return parts > 1 ? rows * parts : fathom::detail::ceil_div(rows * width, columns);
  }
  [[nodiscard]] fathom::detail::GemmColumns operator[](std::int64_t index) const;
};

/// Operand (rows, pixels) on the right: packed, or in place.
template <class T>
class PixelsRight final : public fathom::detail::GemmRight<T> {
 public:
  PixelsRight(const PixelRows<T>& rows, std::int64_t pixels, bool in_place)
      : rows_(rows), in_place_(in_place), blocks_(rows.layout.width, pixels, rows.count()) {}

  void pack(const fathom::detail::GemmKernels<T>& kernels, std::int64_t group, std::int64_t p,
            std::int64_t depth, std::int64_t j, std::int64_t columns, T* panels,
            std::int64_t panel_step) const override;
  void announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns,
                fathom::detail::GemmPieces& pieces) const override {
    rows_.announce(group, p, depth, j, columns, pieces);
  }
  [[nodiscard]] std::int64_t row_length() const override { return in_place_ ? rows_.layout.width : 0; }
  [[nodiscard]] const std::int64_t* lay_out(const fathom::detail::GemmKernels<T>&, std::int64_t,
                                            std::int64_t p, std::int64_t, std::int64_t, std::int64_t, T*,
                                            std::int64_t*) const override {
    return rows_.row_offsets.data() + p;
  }
  [[nodiscard]] const T* in_place(std::int64_t group, std::int64_t j, std::int64_t c,
                                  const T* space) const override;
  [[nodiscard]] std::int64_t column_blocks() const override { return in_place_ ? blocks_.count() : 0; }
  [[nodiscard]] std::int64_t block_columns() const override { return blocks_.columns; }
  [[nodiscard]] fathom::detail::GemmColumns block(std::int64_t index) const override {
    return blocks_[index];
  }

 private:
  PixelRows<T> rows_;
  bool in_place_;
  PixelBlocks blocks_;
};

/// The same on the left: the sum runs over pixels.
template <class T>
class PixelsLeft final : public fathom::detail::GemmLeft<T> {
 public:
  explicit PixelsLeft(const PixelRows<T>& rows) : rows_(rows) {}

  void pack(const fathom::detail::GemmKernels<T>& kernels, std::int64_t group, std::int64_t i,
            std::int64_t rows, std::int64_t p, std::int64_t depth, T* strip) const override;
  void announce(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t p, std::int64_t depth,
                fathom::detail::GemmPieces& pieces) const override {
    rows_.announce(group, i, rows, p, depth, pieces);
  }

 private:
  PixelRows<T> rows_;
};

/// The transposed operand (pixels, rows).
template <class T>
class PixelsTransposed final : public fathom::detail::GemmRight<T> {
 public:
  explicit PixelsTransposed(const PixelRows<T>& rows) : rows_(rows) {}

  void pack(const fathom::detail::GemmKernels<T>& kernels, std::int64_t group, std::int64_t p,
            std::int64_t depth, std::int64_t j, std::int64_t columns, T* panels,
            std::int64_t panel_step) const override;
  void announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns,
                fathom::detail::GemmPieces& pieces) const override {
    rows_.announce(group, j, columns, p, depth, pieces);
  }

 private:
  PixelRows<T> rows_;
};

/// Result (channels, pixels); the bias has a value for each channel.
template <class T>
class PixelsResult final : public fathom::detail::GemmResult<T> {
 public:
  PixelsResult(T* data, const PixelLayout& layout, std::int64_t channel_step, std::int64_t group_channels,
               fathom::detail::GemmEpilogue<T> epilogue, bool accumulate)
      : fathom::detail::GemmResult<T>(accumulate, epilogue.activation),
        data_(data),
        layout_(layout),
        channel_step_(channel_step),
        group_channels_(group_channels),
        bias_(epilogue.bias) {}

  [[nodiscard]] const T* row_bias(std::int64_t group) const override {
    return bias_ == nullptr ? nullptr : bias_ + group * group_channels_;
  }
  [[nodiscard]] fathom::detail::GemmRows<T> direct(std::int64_t group, std::int64_t j,
                                                   std::int64_t columns) const override;
  void store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j, std::int64_t columns,
             fathom::detail::GemmRows<const T> tile) const override;

 private:
  [[nodiscard]] T* channel(std::int64_t group, std::int64_t i) const {
    return data_ + (group * group_channels_ + i) * channel_step_;
  }

  T* data_;
  PixelLayout layout_;
  std::int64_t channel_step_, group_channels_;
  const T* bias_;
};

extern template void copy_padded_row<float>(const ConvolutionKernels<float>&, const float*, std::int64_t,
                                            std::int64_t, std::int64_t, std::int64_t, std::int64_t, float*);
extern template void copy_padded_row<double>(const ConvolutionKernels<double>&, const double*, std::int64_t,
                                             std::int64_t, std::int64_t, std::int64_t, std::int64_t, double*);
extern template struct PixelRows<float>;
extern template struct PixelRows<double>;
extern template class PaddedImages<float>;
extern template class PaddedImages<double>;
extern template class PixelsRight<float>;
extern template class PixelsRight<double>;
extern template class PixelsLeft<float>;
extern template class PixelsLeft<double>;
extern template class PixelsTransposed<float>;
extern template class PixelsTransposed<double>;
extern template class PixelsResult<float>;
extern template class PixelsResult<double>;

}  // namespace fathom::ops::detail
