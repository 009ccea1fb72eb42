// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/planes.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <fathom/core/gemm/matrix.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::ops::detail {

using fathom::detail::ceil_div;
using fathom::detail::GemmKernels;
using fathom::detail::GemmPieces;
using fathom::detail::GemmRows;
using fathom::detail::GemmRuns;
using fathom::detail::kGemmDepth;
using fathom::detail::kGemmRowStep;
using fathom::detail::round_up;

namespace {

bool holds(Pair2 size, const PixelRange& reach) {
  return reach.first.y >= 0 && reach.first.x >= 0 && reach.last.y < size.y && reach.last.x < size.x;
}

std::int64_t copy_size(std::int64_t planes, Pair2 size, const PixelRange& reach, Pair2 step) {
  if (step.x == 1 && holds(size, reach)) return 0;
  const std::int64_t row = ((reach.last.x - reach.first.x) / step.x + 1) * step.x;
  // Options may be legal and yet span more pixels than there is memory.
  std::int64_t elements = 0;
  if (__builtin_mul_overflow(reach.last.y - reach.first.y + 1, row, &elements) ||
      __builtin_mul_overflow(planes, elements, &elements)) {
    throw std::bad_alloc();
  }
  return elements;
}

/// Without the call that std::copy is, which takes as long as the copy.
template <class T>
void copy_short_run(const T* from, std::int64_t length, T* to) {
  constexpr std::int64_t kBlock = 32 / sizeof(T);
  if (length < kBlock) {
    for (std::int64_t i = 0; i < length; ++i) to[i] = from[i];
    return;
  }
  for (std::int64_t i = 0; i + kBlock <= length; i += kBlock) std::memcpy(to + i, from + i, 32);
  std::memcpy(to + length - kBlock, from + length - kBlock, 32);
}

}  // namespace

template <class T>
PaddedImages<T>::PaddedImages(const T* images, std::int64_t count, std::int64_t channels, Pair2 size,
                              PixelRange reach, Pair2 step)
    : scratch_(copy_size(count * channels, size, reach, step)), data_(images), origin_(0), step_(step) {
  rows_ = size.y;
  row_ = size.x;
  phase_ = size.x;
  const bool copied = step.x != 1 || !holds(size, reach);
  if (copied) {
    origin_ = reach.first;
    rows_ = reach.last.y - reach.first.y + 1;
    phase_ = (reach.last.x - reach.first.x) / step.x + 1;
    row_ = phase_ * step.x;
  }
  channel_step_ = rows_ * row_;
  image_step_ = channels * channel_step_;
  if (copied) {
    data_ = scratch_.data();
    copy_planes(images, count, channels, size, scratch_.data());
  }
}

template <class T>
void copy_padded_row(const ConvolutionKernels<T>& kernels, const T* row, std::int64_t width,
                     std::int64_t origin, std::int64_t step, std::int64_t phase, std::int64_t phase_step,
                     T* out) {
  // Position q of phase s is pixel origin + s + q * step; for q in [inner, end) all phases' pixels exist.
  const std::int64_t inner = std::clamp((-origin + step - 1) / step, std::int64_t{0}, phase);
  const std::int64_t end = std::clamp((width - origin) / step, inner, phase);
  if (step == 1) std::copy(row + (origin + inner), row + (origin + end), out + inner);
  if (step == 2)
    kernels.split_pairs(row + (origin + 2 * inner), end - inner, out + inner, out + phase_step + inner);
  for (std::int64_t start = origin; start < origin + step; ++start, out += phase_step) {
    const auto pixel = [&](std::int64_t q) {
      const std::int64_t x = start + q * step;
      return x >= 0 && x < width ? row[x] : T(0);
    };
    for (std::int64_t q = 0; q < inner; ++q) out[q] = pixel(q);
    for (std::int64_t q = inner; step > 2 && q < end; ++q) out[q] = row[start + q * step];
    for (std::int64_t q = end; q < phase; ++q) out[q] = pixel(q);
  }
}

template <class T>
void PaddedImages<T>::copy_planes(const T* images, std::int64_t count, std::int64_t channels, Pair2 size,
                                  T* to) const {
  const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(1, channel_step_));
  const ConvolutionKernels<T>& kernels = convolution_kernels<T>(active_isa());
  parallel_for(count * channels, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      const T* in = images + plane * size.y * size.x;
      T* out = to + plane * channel_step_;
      for (std::int64_t r = 0; r < rows_; ++r, out += row_) {
        const std::int64_t y = origin_.y + r;
        if (y < 0 || y >= size.y) {
          std::fill(out, out + row_, T(0));
        } else {
          copy_padded_row(kernels, in + y * size.x, size.x, origin_.x, step_.x, phase_, phase_, out);
        }
      }
    }
  });
}

template <class T>
PixelLayout PaddedImages<T>::layout(Pair2 grid) const {
  PixelLayout layout{grid.y, grid.x, image_step_, step_.y * row_, 1};
  layout.join_rows();
  return layout;
}

template <class T>
void PixelRows<T>::announce(std::int64_t group, std::int64_t first, std::int64_t rows, std::int64_t begin,
                            std::int64_t length, GemmPieces& pieces) const {
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));
  const T* const start = data + group * group_step;
  const std::int64_t* const offsets = row_offsets.data();
  layout.for_each_row(begin, length, [&](std::int64_t, std::int64_t source, std::int64_t count) {
    for (std::int64_t r = first; r < first + rows && !pieces.is_full(); ++r) {
      // Taps side by side read the same lines.
      if (r == first || offsets[r] - offsets[r - 1] >= kLine) pieces.add(start + offsets[r] + source, count);
    }
  });
}

PixelBlocks::PixelBlocks(std::int64_t row_width, std::int64_t pixels, std::int64_t depth)
    : width(row_width), rows(pixels / row_width) {
  constexpr std::int64_t kLeast = 256, kMost = 1024, kElements = 1 << 15, kMultiple = 32, kForThread = 16;
  const std::int64_t threads = num_threads();
  std::int64_t most = std::clamp(kElements / std::max<std::int64_t>(depth, 1), kLeast, kMost);
  while (most > kLeast && pixels < kForThread * threads * most) most /= 2;
  if (width <= most) {
    constexpr std::int64_t kNarrowest = 4;  // columns of a tile, of which a block has only so many
    parts = 1;
    columns = width * std::min(most / width, fathom::detail::kGemmMostPanels / ceil_div(width, kNarrowest));
    return;
  }
  parts = ceil_div(width, most);
  if (rows % threads != 0) parts = round_up(parts, threads);
  columns = round_up(ceil_div(width, parts), kMultiple);
  parts = ceil_div(width, columns);
}

fathom::detail::GemmColumns PixelBlocks::operator[](std::int64_t index) const {
  if (parts == 1) return {index * columns, std::min(columns, rows * width - index * columns)};
  const std::int64_t first = index % parts * columns;
  return {index / parts * width + first, std::min(columns, width - first)};
}

template <class T>
void PixelsRight<T>::pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t p,
                          std::int64_t depth, std::int64_t j, std::int64_t columns, T* panels,
                          std::int64_t panel_step) const {
  GemmRuns runs;
  rows_.layout.for_each_row(j, columns, [&](std::int64_t column, std::int64_t source, std::int64_t length) {
    runs.add(source, column, length, kernels.columns(), panel_step);
  });
  kernels.pack_runs(rows_.data + group * rows_.group_step, rows_.row_offsets.data() + p, depth, runs.data(),
                    runs.count(), panels, kernels.columns());
}

template <class T>
const T* PixelsRight<T>::in_place(std::int64_t group, std::int64_t, std::int64_t c, const T*) const {
  const T* at = nullptr;
  rows_.layout.for_each_row(c, 1, [&](std::int64_t, std::int64_t offset, std::int64_t) {
    at = rows_.data + group * rows_.group_step + offset;
  });
  return at;
}

template <class T>
void PixelsLeft<T>::pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t i, std::int64_t rows,
                         std::int64_t p, std::int64_t depth, T* strip) const {
  GemmRuns runs;
  rows_.layout.for_each_row(p, depth, [&](std::int64_t target, std::int64_t source, std::int64_t length) {
    runs.add(source, target, length, kGemmDepth, 0);
  });
  kernels.pack_runs(rows_.data + group * rows_.group_step, rows_.row_offsets.data() + i, rows, runs.data(),
                    runs.count(), strip, kGemmRowStep);
}

template <class T>
void PixelsTransposed<T>::pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t p,
                               std::int64_t depth, std::int64_t j, std::int64_t columns, T* panels,
                               std::int64_t panel_step) const {
  const T* data = rows_.data + group * rows_.group_step;
  const std::int64_t width = kernels.columns();
  for (std::int64_t c = 0; c < columns; c += width, panels += panel_step) {
    rows_.layout.for_each_row(p, depth, [&](std::int64_t target, std::int64_t source, std::int64_t length) {
      kernels.pack_transposed(data + source, rows_.row_offsets.data() + j + c, std::min(width, columns - c),
                              length, panels + target * width, width);
    });
  }
}

template <class T>
GemmRows<T> PixelsResult<T>::direct(std::int64_t group, std::int64_t j, std::int64_t columns) const {
  if (layout_.step != 1 || j % layout_.width + columns > layout_.width) return {};
  std::int64_t offset = 0;
  layout_.for_each_row(j, columns, [&](std::int64_t, std::int64_t at, std::int64_t) { offset = at; });
  return {channel(group, 0) + offset, channel_step_};
}

template <class T>
void PixelsResult<T>::store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j,
                            std::int64_t columns, GemmRows<const T> tile) const {
  layout_.for_each_row(j, columns, [&](std::int64_t first, std::int64_t offset, std::int64_t length) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* from = tile.data + r * tile.step + first;
      T* to = channel(group, i + r) + offset;
      if (layout_.step == 1 && !this->accumulates()) {
        copy_short_run(from, length, to);
        continue;
      }
      for (std::int64_t x = 0; x < length; ++x) {
        T& pixel = to[x * layout_.step];
        pixel = this->accumulates() ? pixel + from[x] : from[x];
      }
    }
  });
}

template void copy_padded_row<float>(const ConvolutionKernels<float>&, const float*, std::int64_t,
                                     std::int64_t, std::int64_t, std::int64_t, std::int64_t, float*);
template void copy_padded_row<double>(const ConvolutionKernels<double>&, const double*, std::int64_t,
                                      std::int64_t, std::int64_t, std::int64_t, std::int64_t, double*);
template struct PixelRows<float>;
template struct PixelRows<double>;
template class PaddedImages<float>;
template class PaddedImages<double>;
template class PixelsRight<float>;
template class PixelsRight<double>;
template class PixelsLeft<float>;
template class PixelsLeft<double>;
template class PixelsTransposed<float>;
template class PixelsTransposed<double>;
template class PixelsResult<float>;
template class PixelsResult<double>;

}  // namespace fathom::ops::detail
