// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/shifted_planes.hpp>

#include <algorithm>
#include <utility>

#include <fathom/core/gemm/grid.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmColumns;
using fathom::detail::GemmKernels;
using fathom::detail::GemmPieces;
using fathom::detail::kGemmColumns;
using fathom::detail::round_up;

namespace {

constexpr std::int64_t kSpaceBytes = 1 << 17;  // of a block's copies: they stay in the second-level cache
constexpr std::int64_t kMostColumns = 1024;    // of a block: in panels of 4 columns or more
constexpr std::int64_t kMostPartial = 384 * kGemmColumns;  // sums that wait for more depths
constexpr std::int64_t kSlack = 16;  // what the last vector of a block reads too, of up to so many lanes

/// Vectors for so many pixels.
double vectors(std::int64_t pixels, std::int64_t lanes) {
  return static_cast<double>(ceil_div(pixels, lanes));
}

}  // namespace

template <class T>
ShiftedPlanes<T>::ShiftedPlanes(const T* data, ShiftedProduct product)
    : data_(data), product_(std::move(product)) {
  const auto& [images, groups, channels, results, planes, grid, shift_y, shift_x] = product_;
  if (images * channels * results * grid.y * grid.x == 0) return;
  const auto [top, bottom] = std::minmax_element(shift_y.begin(), shift_y.end());
  top_ = *top;
  bottom_ = *bottom;
  const std::int64_t taps = product_.taps();
  const std::int64_t part = depth_part(channels, taps);
  channels_ = part % taps == 0 ? part / taps : std::min<std::int64_t>(channels, 2);
  choose_blocks(fathom::detail::gemm_kernels<T>(fathom::active_isa()).lanes);
  if (!pays_) return;
  const std::int64_t plane_rows = images_ == 1 ? rows_ + bottom_ - top_ : images_ * (grid.y + gap_) - top_;
  image_columns_ = (grid.y + gap_) * grid.x;
  plane_size_ = round_up(plane_rows * grid.x + kSlack, kSlack);
  const auto copies = static_cast<std::int64_t>(shift_x.size());
  channel_step_ = copies * plane_size_;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (const std::int64_t y : shift_y) {
      for (std::int64_t x = 0; x < copies; ++x)
        offsets_.push_back(c * channel_step_ + x * plane_size_ + (y - top_) * grid.x);
    }
  }
}

/// Everything is counted in the time that one vector of pixels takes to be multiplied by one weight.
template <class T>
void ShiftedPlanes<T>::choose_blocks(std::int64_t lanes) {
  const Pair2 grid = product_.grid;
  const std::int64_t halo = bottom_ - top_;
  const auto height = static_cast<double>(grid.y);
  const auto results = static_cast<double>(product_.results);
  const auto taps = static_cast<double>(product_.taps());
  const double full = static_cast<double>(grid.y * grid.x) / static_cast<double>(lanes);
  const auto copies = static_cast<std::int64_t>(product_.shift_x.size());
  // Two to copy a vector, which is shared by the vertical shifts.
  const auto copying = [&](double rows) {
    return 2 * rows / height / static_cast<double>(product_.shift_y.size());
  };

  // As many rows as there is room for, or fewer that leave fewer lanes of the last vector empty.
  const std::int64_t space =
      kSpaceBytes / static_cast<std::int64_t>(sizeof(T)) / (channels_ * copies) - kSlack;
  std::int64_t columns = std::min(kMostColumns, space);
  if (channels_ < product_.channels)
    columns = std::min(columns, std::max(kGemmColumns, kMostPartial / product_.results));
  const std::int64_t most_rows = std::min({grid.y, space / grid.x - halo, columns / grid.x});
  // Else each row of a padded copy, itself a pass through memory, is packed by itself for every weight.
  double best =
      (3 + 2 * vectors(grid.x, lanes)) * static_cast<double>(lanes) / static_cast<double>(grid.x) + 20 / taps;
  for (std::int64_t rows = most_rows; rows > 0; --rows) {
    const std::int64_t blocks = grid.y / rows;
    const std::int64_t rest = grid.y % rows;
    const double used =
        static_cast<double>(blocks) * vectors(rows * grid.x, lanes) + vectors(rest * grid.x, lanes);
    const double read = height + static_cast<double>((blocks + (rest > 0 ? 1 : 0)) * halo);
    const double cost = results * (used / full - 1) + copying(read);
    if (cost >= best) continue;
    best = cost;
    pays_ = true;
    rows_ = rows;
  }

  cost_ = results + best;

  // Or several images, where a plane is a few vectors: the rows of zeros that one image has below and the
  // next one above are the same, and what is computed there is dropped.
  const std::int64_t gap = std::max(-top_, bottom_);
  if (product_.planes.y != grid.y || top_ > 0 || bottom_ < 0 || gap > space) return;
  const std::int64_t image = (grid.y + gap) * grid.x;
  const std::int64_t most_images =
      std::min({product_.images, columns / image, (space + top_ * grid.x) / image});
  for (std::int64_t images = most_images; images > 1; --images) {
    const double used = vectors(images * image - gap * grid.x, lanes) / static_cast<double>(images);
    const double cost = results * (used / full - 1) + copying(height + static_cast<double>(gap)) + 1;
    if (cost >= best) continue;
    best = cost;
    pays_ = true;
    images_ = images;
    gap_ = gap;
    cost_ = results + cost;
  }
}

template <class T>
std::int64_t ShiftedPlanes<T>::column_blocks() const {
  return images_ > 1 ? ceil_div(product_.images, images_)
                     : product_.images * ceil_div(product_.grid.y, rows_);
}

template <class T>
GemmColumns ShiftedPlanes<T>::block(std::int64_t index) const {
  const Pair2 grid = product_.grid;
  if (images_ > 1) {
    const std::int64_t first = index * images_;
    return {first * image_columns_,
            std::min(images_, product_.images - first) * image_columns_ - gap_ * grid.x};
  }
  const std::int64_t strips = ceil_div(grid.y, rows_);
  const std::int64_t y = index % strips * rows_;
  return {(index / strips * grid.y + y) * grid.x, std::min(rows_, grid.y - y) * grid.x};
}

template <class T>
template <class Visit>
void ShiftedPlanes<T>::for_each_image(std::int64_t group, std::int64_t channel, std::int64_t j,
                                      std::int64_t columns, Visit visit) const {
  const Pair2 grid = product_.grid;
  const std::int64_t plane = product_.planes.y * product_.planes.x;
  const std::int64_t channels = product_.groups * product_.channels;
  const std::int64_t image = j / image_columns_;
  const T* from = data_ + (image * channels + group * product_.channels + channel) * plane;
  if (images_ == 1) {
    visit(Rows{from, j % image_columns_ / grid.x + top_, columns / grid.x + bottom_ - top_});
    return;
  }
  const std::int64_t end = (columns + gap_ * grid.x) / image_columns_;
  for (std::int64_t i = 0; i < end; ++i, from += channels * plane) {
    const std::int64_t first = i == 0 ? top_ : 0;
    visit(Rows{from, first, grid.y + gap_ - first});
  }
}

template <class T>
void ShiftedPlanes<T>::announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j,
                                std::int64_t columns, GemmPieces& pieces) const {
  const Pair2 planes = product_.planes;
  const std::int64_t end = (p + depth - 1) / product_.taps() + 1;
  for (std::int64_t c = p / product_.taps(); c < end && !pieces.is_full(); ++c) {
    for_each_image(group, c, j, columns, [&](const Rows& rows) {
      const std::int64_t first = std::clamp(rows.first, std::int64_t{0}, planes.y);
      const std::int64_t last = std::clamp(rows.first + rows.count, first, planes.y);
      if (first < last) pieces.add(rows.plane + first * planes.x, (last - first) * planes.x);
    });
  }
}

/// The rows, each pixel `shift` to the left of where it was; zeros where there is none.
template <class T>
void ShiftedPlanes<T>::copy(const Rows& rows, std::int64_t shift, T* to) const {
  const Pair2 planes = product_.planes;
  const std::int64_t width = product_.grid.x;
  const std::int64_t begin = std::clamp(-rows.first, std::int64_t{0}, rows.count);
  const std::int64_t end = std::clamp(planes.y - rows.first, begin, rows.count);
  const std::int64_t left = std::clamp(-shift, std::int64_t{0}, width);
  const std::int64_t right = std::clamp(planes.x - shift, left, width);
  std::fill(to, to + begin * width, T(0));
  std::fill(to + end * width, to + rows.count * width, T(0));
  if (begin == end) return;
  if (left == right) return std::fill(to + begin * width, to + end * width, T(0));
  const T* const from = rows.plane + (rows.first + begin) * planes.x + shift;
  T* const first = to + begin * width;
  if (planes.x == width) {
    // All rows at once: what comes from the row before or after is replaced.
    std::copy_n(from + left, (end - begin) * width - left - (width - right), first + left);
  } else {
    for (std::int64_t y = 0; y < end - begin; ++y)
      std::copy_n(from + y * planes.x + left, right - left, first + y * width + left);
  }
  // Column by column: a call for each row would take longer.
  const auto clear = [&](std::int64_t x) {
    for (T* pixel = first + x; pixel < to + end * width; pixel += width) *pixel = T(0);
  };
  for (std::int64_t x = 0; x < left; ++x) clear(x);
  for (std::int64_t x = right; x < width; ++x) clear(x);
}

template <class T>
const std::int64_t* ShiftedPlanes<T>::lay_out(const GemmKernels<T>&, std::int64_t group, std::int64_t p,
                                              std::int64_t depth, std::int64_t j, std::int64_t columns,
                                              T* space, std::int64_t* offsets) const {
  const std::int64_t begin = p / product_.taps();
  const std::int64_t end = (p + depth - 1) / product_.taps() + 1;
  const std::int64_t* const from = offsets_.data() + p;
  for (std::int64_t q = 0; q < depth; ++q) offsets[q] = from[q] - begin * channel_step_;
  for (std::int64_t c = begin; c < end; ++c) {
    for (const std::int64_t shift : product_.shift_x) {
      T* to = space;
      for_each_image(group, c, j, columns, [&](const Rows& rows) {
        copy(rows, shift, to);
        to += rows.count * product_.grid.x;
      });
      // Left as they are they might be subnormal numbers, which take a hundred times as long.
      std::fill_n(to, kSlack, T(0));
      space += plane_size_;
    }
  }
  return offsets;
}

template class ShiftedPlanes<float>;
template class ShiftedPlanes<double>;

}  // namespace fathom::ops::detail
