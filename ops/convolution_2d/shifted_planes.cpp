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
using fathom::detail::kGemmMostRows;
using fathom::detail::round_up;

namespace {

constexpr std::int64_t kSpaceBytes = 1 << 17;  // of a block's copies: they stay in the second-level cache
constexpr std::int64_t kMostColumns = 1024;    // of a block: in panels of 4 columns or more
constexpr std::int64_t kSlack = 16;  // what the last vector of a block reads too, of up to so many lanes

}  // namespace

ShiftedProduct ShiftedProduct::map_of(const ConvolutionGeometry& g, std::int64_t images) {
  ShiftedProduct product{.images = images,
                         .groups = g.groups,
                         .channels = g.image_channels / g.groups,
                         .results = g.map_channels / g.groups,
                         .planes = g.image,
                         .grid = g.map,
                         .shift_y = {},
                         .shift_x = {}};
  for (std::int64_t k = 0; k < g.kernel.y; ++k) product.shift_y.push_back(k * g.dilation.y - g.pad.y);
  for (std::int64_t k = 0; k < g.kernel.x; ++k) product.shift_x.push_back(k * g.dilation.x - g.pad.x);
  return product;
}

ShiftedProduct ShiftedProduct::image_of(const ConvolutionGeometry& g, std::int64_t images) {
  ShiftedProduct product = map_of(g, images);
  std::swap(product.channels, product.results);
  std::swap(product.planes, product.grid);
  for (std::int64_t& shift : product.shift_y) shift = -shift;
  for (std::int64_t& shift : product.shift_x) shift = -shift;
  return product;
}

ShiftedBlocks::ShiftedBlocks(ShiftedProduct product, std::int64_t element_size, std::int64_t lanes)
    : product_(std::move(product)) {
  const ShiftedProduct& p = product_;
  if (p.channels * p.results * p.pixels() == 0) return;
  const auto [top, bottom] = std::minmax_element(p.shift_y.begin(), p.shift_y.end());
  top_ = *top;
  bottom_ = *bottom;
  const std::int64_t part = depth_part(p.channels, p.taps());
  channels_ = part % p.taps() == 0 ? part / p.taps() : std::min<std::int64_t>(p.channels, 2);
  choose_rows(element_size, lanes);
  if (!pay()) return;
  plane_size_ = round_up(seen(rows_) * p.grid.x + kSlack, kSlack);
  for (std::int64_t plane = 0; plane < p.channels * channel_size(); plane += channel_size()) {
    for (const std::int64_t y : p.shift_y) {
      for (std::int64_t copy = 0; copy < channel_size(); copy += plane_size_)
        offsets_.push_back(plane + copy + (y - top_) * p.grid.x);
    }
  }
}

void ShiftedBlocks::choose_rows(std::int64_t element_size, std::int64_t lanes) {
  const Pair2 grid = product_.grid;
  const auto height = static_cast<double>(grid.y);
  const auto width = static_cast<double>(grid.x);
  const auto results = static_cast<double>(product_.results);
  // Else each row of a padded copy, itself a pass through memory, is packed by itself for every weight.
  double best = static_cast<double>((3 + 2 * ceil_div(grid.x, lanes)) * lanes) / width +
                20 / static_cast<double>(product_.taps());
  cost_ = results + best;
  const std::int64_t space =
      kSpaceBytes / element_size / (channels_ * static_cast<std::int64_t>(product_.shift_x.size())) - kSlack;
  const std::int64_t columns =
      channels_ == product_.channels
          ? kMostColumns
          : std::min(kMostColumns, std::max(kGemmColumns, kGemmMostRows * kGemmColumns / product_.results));
  // As many rows as there is room for, or fewer that leave fewer lanes of the last vector empty.
  for (std::int64_t rows = std::min({grid.y, space / grid.x - seen(0), columns / grid.x}); rows > 0; --rows) {
    const std::int64_t blocks = ceil_div(grid.y, rows);
    const std::int64_t last = grid.y - (blocks - 1) * rows;
    const std::int64_t vectors =
        (blocks - 1) * ceil_div(rows * grid.x, lanes) + ceil_div(last * grid.x, lanes);
    // Two for each vector that is copied, which the vertical shifts share.
    const std::int64_t copied = grid.y + blocks * seen(0);
    const double cost =
        results * (static_cast<double>(vectors * lanes) / (height * width) - 1) +
        2 * static_cast<double>(copied) / height / static_cast<double>(product_.shift_y.size());
    if (cost >= best) continue;
    best = cost;
    cost_ = results + best;
    rows_ = rows;
  }
}

std::int64_t ShiftedBlocks::count() const { return product_.images * ceil_div(product_.grid.y, rows_); }

GemmColumns ShiftedBlocks::operator[](std::int64_t index) const {
  const Pair2 grid = product_.grid;
  const std::int64_t strips = ceil_div(grid.y, rows_);
  const std::int64_t y = index % strips * rows_;
  return {(index / strips * grid.y + y) * grid.x, std::min(rows_, grid.y - y) * grid.x};
}

template <class T>
const T* ShiftedPlanes<T>::plane(std::int64_t group, std::int64_t channel, std::int64_t j) const {
  const ShiftedProduct& p = blocks_.product();
  const std::int64_t image = j / (p.grid.y * p.grid.x);
  return data_ + ((image * p.groups + group) * p.channels + channel) * p.planes.y * p.planes.x;
}

template <class T>
void ShiftedPlanes<T>::announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j,
                                std::int64_t columns, GemmPieces& pieces) const {
  const ShiftedProduct& product = blocks_.product();
  const Pair2 planes = product.planes;
  const std::int64_t y = blocks_.first_row(j / product.grid.x % product.grid.y);
  const std::int64_t first = std::clamp(y, std::int64_t{0}, planes.y);
  const std::int64_t last = std::clamp(y + blocks_.seen(columns / product.grid.x), first, planes.y);
  if (first == last) return;
  const std::int64_t end = (p + depth - 1) / product.taps() + 1;
  const T* from = plane(group, p / product.taps(), j) + first * planes.x;
  for (std::int64_t c = p / product.taps(); c < end; ++c, from += planes.y * planes.x)
    pieces.add(from, (last - first) * planes.x);
}

/// The rows, each pixel `shift` to the left of where it was; zeros where there is none.
template <class T>
void ShiftedPlanes<T>::copy(const T* plane, std::int64_t first_row, std::int64_t rows, std::int64_t shift,
                            T* to) const {
  const Pair2 planes = blocks_.product().planes;
  const std::int64_t width = blocks_.product().grid.x;
  const std::int64_t begin = std::clamp(-first_row, std::int64_t{0}, rows);
  const std::int64_t end = std::clamp(planes.y - first_row, begin, rows);
  const std::int64_t left = std::clamp(-shift, std::int64_t{0}, width);
  const std::int64_t right = std::clamp(planes.x - shift, left, width);
  // The slack too: left as it is it might hold subnormal numbers, which take a hundred times as long.
  if (begin == end || left == right) return std::fill(to, to + rows * width + kSlack, T(0));
  std::fill(to, to + begin * width, T(0));
  std::fill(to + end * width, to + rows * width + kSlack, T(0));
  const T* const from = plane + (first_row + begin) * planes.x + shift;
  T* const first = to + begin * width;
  if (planes.x == width) {
    // All rows at once: what comes from the row before or after is replaced.
    std::copy_n(from + left, (end - begin) * width - left - (width - right), first + left);
  } else {
    for (std::int64_t y = 0; y < end - begin; ++y)
      std::copy_n(from + y * planes.x + left, right - left, first + y * width + left);
  }
  // Column by column: a call for each row would take longer.
  for (std::int64_t x = left > 0 ? 0 : right; x < width; x = x + 1 == left ? right : x + 1) {
    for (T* pixel = first + x; pixel < to + end * width; pixel += width) *pixel = T(0);
  }
}

template <class T>
const std::int64_t* ShiftedPlanes<T>::lay_out(const GemmKernels<T>&, std::int64_t group, std::int64_t p,
                                              std::int64_t depth, std::int64_t j, std::int64_t columns,
                                              T* space, std::int64_t* offsets) const {
  const ShiftedProduct& product = blocks_.product();
  const std::int64_t begin = p / product.taps();
  const std::int64_t end = (p + depth - 1) / product.taps() + 1;
  const std::int64_t y = blocks_.first_row(j / product.grid.x % product.grid.y);
  const std::int64_t rows = blocks_.seen(columns / product.grid.x);
  const std::int64_t* const depths = blocks_.offsets().data() + p;
  const std::int64_t first = begin * blocks_.channel_size();
  for (std::int64_t q = 0; q < depth; ++q) offsets[q] = depths[q] - first;
  const T* from = plane(group, begin, j);
  for (std::int64_t c = begin; c < end; ++c, from += product.planes.y * product.planes.x) {
    for (const std::int64_t shift : product.shift_x) {
      copy(from, y, rows, shift, space);
      space += blocks_.plane_size();
    }
  }
  return offsets;
}

template class ShiftedPlanes<float>;
template class ShiftedPlanes<double>;

}  // namespace fathom::ops::detail
