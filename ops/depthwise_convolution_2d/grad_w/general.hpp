// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of every geometry, the convolution of x with gy in place of the
// kernels: stride and dilation swap. As in kernel_general.hpp each lane has a plane.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/general/planes.hpp>
#include <fathom/ops/depthwise_convolution_2d/general/products.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Adds gW's products of output rows [begin, end) of one image, in double, those that exist alone.
template <class T>
[[gnu::cold]] [[gnu::noinline]] void add_existing_products(const Geometry& g, const T* x, const T* gy,
                                                           std::int64_t begin, std::int64_t end,
                                                           double* totals) {
  for (std::int64_t p = 0; p < g.kernel_y; ++p) {
    for (std::int64_t q = 0; q < g.kernel_x; ++q, ++totals) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t row = i * g.stride_y + p * g.dilation_y - g.pad_y;
        if (row < 0 || row >= g.height) continue;
        for (std::int64_t j = 0; j < g.out_width; ++j) {
          const std::int64_t column = j * g.stride_x + q * g.dilation_x - g.pad_x;
          if (column < 0 || column >= g.width) continue;
          *totals +=
              static_cast<double>(x[row * g.width + column]) * static_cast<double>(gy[i * g.out_width + j]);
        }
      }
    }
  }
}

/// The gradients of all kernels in a range. A unit is a band of rows of gy in one image; a lane adds up the
/// units of a part for one channel, which gives sums of float few enough terms, and adds them to the total in
/// double. Bands and parts depend on the geometry alone.
template <class T>
class GeneralGradW {
  static constexpr std::int64_t L = lanes<T>;

 public:
  /// `memory` may be null for scratch_size().
  [[gnu::noinline]] GeneralGradW(const Geometry& any, std::byte* memory)
      : g_(upright(any)),
        band_(choose_band()),
        bands_(ceil_div(g_.out_height, band_)),
        units_(g_.images * bands_),
        parts_(ceil_div(units_, std::max<std::int64_t>(1, kTerms / (band_ * g_.out_width)))),
        at_once_(parts_ == 0 ? 0 : ceil_div(units_, parts_)),
        y_(axis_y(band_)),
        x_{g_.kernel_x, 1, g_.dilation_x, g_.out_width, -g_.stride_x, -g_.pad_x},
        window_(y_, x_, g_.kernel_y, g_.width) {
    Scratch scratch(memory);
    image_ = scratch.take<T>(window_.pixels() * L);
    gradients_ = scratch.take<T>(band_ * g_.out_width * L);
    sums_ = scratch.take<T>(g_.kernel_plane() * L);
    taps_ = scratch.take<Tap>(band_ * g_.out_width);
    totals_ = scratch.take<double>(g_.out_channels() * g_.kernel_plane());
    scratch_size_ = scratch.size();
  }
  [[nodiscard]] std::int64_t scratch_size() const { return scratch_size_; }

  /// Output channels [begin, end).
  void make(const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin, std::int64_t end) const {
    std::fill_n(image_, window_.pixels() * L, T(0));
    std::fill_n(totals_, (end - begin) * g_.kernel_plane(), 0.0);
    Phase taps{.y = 0, .x = 0};
    make_phase<T>(y_, x_, window_, taps, taps_);
    // Channels side by side in memory are side by side in lanes.
    Lanes lanes;
    for (std::int64_t part = 0; part < parts_; ++part) {
      for (std::int64_t channel = begin; channel < end; ++channel) {
        lanes.channel[lanes.count] = channel;
        lanes.part[lanes.count] = part;
        lanes.totals[lanes.count] = totals_ + (channel - begin) * g_.kernel_plane();
        const bool is_last = part + 1 == parts_ && channel + 1 == end;
        if (++lanes.count < L && !is_last) continue;
        add_parts(x, gy, lanes, taps);
        lanes.count = 0;
      }
    }
    for (std::int64_t channel = begin; channel < end; ++channel) {
      T* const to = gW + g_.kernel_offset(channel);
      const double* const totals = totals_ + (channel - begin) * g_.kernel_plane();
      for (std::int64_t i = 0; i < g_.kernel_plane(); ++i)
        to[i] = static_cast<T>(totals[i] + (accumulate ? static_cast<double>(to[i]) : 0.0));
    }
  }

 private:
  static constexpr std::int64_t kTerms = 2048;  ///< of a sum of float
  static constexpr std::int64_t kChunk = 64;    ///< elements of gy that all taps meet before the next ones

  struct Lanes {
    std::int64_t count = 0;
    std::int64_t channel[L], part[L];
    double* totals[L];
  };
  struct Unit {
    std::int64_t plane, image, row;  ///< of gy, of x, first output row
  };

  [[nodiscard]] Axis axis_y(std::int64_t band) const {
    return {g_.kernel_y, 1, g_.dilation_y, band, -g_.stride_y, -g_.pad_y};
  }

  [[nodiscard]] std::int64_t choose_band() const {
    const Axis x{g_.kernel_x, 1, g_.dilation_x, g_.out_width, -g_.stride_x, -g_.pad_x};
    const auto fits = [&](std::int64_t rows) {
      const std::int64_t outputs = rows * g_.out_width;
      const std::int64_t vectors = Window(axis_y(rows), x, g_.kernel_y, g_.width).pixels() + outputs;
      return rows == 1 ||
             (outputs <= kTerms && vectors * L * static_cast<std::int64_t>(sizeof(T)) <= kGeneralBytes);
    };
    std::int64_t bands = 1;
    while (!fits(ceil_div(g_.out_height, bands))) ++bands;
    return ceil_div(g_.out_height, bands);
  }

  [[nodiscard]] Unit unit_of(std::int64_t channel, std::int64_t number) const {
    // Without divisions where there are none, as they take as long as a small plane.
    const std::int64_t n = bands_ == 1 ? number : number / bands_;
    const std::int64_t plane = n * g_.out_channels() + channel;
    return {plane, g_.multiplier == 1 ? plane : plane / g_.multiplier, (number - n * bands_) * band_};
  }

  [[nodiscard]] std::int64_t units_end(std::int64_t part) const {
    return std::min((part + 1) * at_once_, units_);
  }

  /// One part in each lane, to the totals.
  void add_parts(const T* x, const T* gy, const Lanes& lanes, const Phase& taps) const {
    const std::int64_t first_row = window_.lowest;
    const Rows filled = bands_ == 1 ? Rows{std::max<std::int64_t>(0, -first_row),
                                           std::min(window_.rows, g_.height - first_row)}
                                    : Rows{0, window_.rows};
    std::fill_n(sums_, g_.kernel_plane() * L, T(0));
    // No part is longer than those before it.
    const std::int64_t most = units_end(lanes.part[0]) - lanes.part[0] * at_once_;
    for (std::int64_t i = 0; i < most; ++i) {
      LanePlanes<T> images, gradients;
      images.size = g_.plane();
      gradients.size = g_.out_plane();
      for (std::int64_t l = 0; l < L; ++l) {
        const std::int64_t lane = l < lanes.count ? l : 0, number = lanes.part[lane] * at_once_ + i;
        const bool exists = number < units_end(lanes.part[lane]);
        const Unit unit = unit_of(lanes.channel[lane], exists ? number : 0);
        images.plane[l] = x + unit.image * g_.plane();
        gradients.plane[l] = gy + unit.plane * g_.out_plane();
        // A unit that does not exist lies behind the planes: zeros.
        images.first[l] = exists ? (unit.row * g_.stride_y + first_row) * g_.width : images.size;
        gradients.first[l] = exists ? unit.row * g_.out_width : gradients.size;
      }
      add_unit(images, gradients, filled, taps);
    }
    add_to_totals(x, gy, lanes);
  }

  void add_unit(const LanePlanes<T>& images, const LanePlanes<T>& gradients, Rows filled,
                const Phase& taps) const {
    const std::int64_t width = g_.width;
    gather(images, filled.begin * width, filled.end * width, width, window_.pitch - width,
           image_ + (filled.begin * window_.pitch + window_.left) * L);
    gather(gradients, 0, band_ * g_.out_width, g_.out_width, 0, gradients_);
    const Grid grid{.rows = g_.kernel_y,
                    .columns = g_.kernel_x,
                    .step = g_.dilation_y,
                    .from_row = g_.dilation_y * window_.pitch * L,
                    .from_column = g_.dilation_x * L,
                    .to_row = g_.kernel_x * L,
                    .to_column = L};
    const std::int64_t rows = ceil_div(kChunk, g_.out_width);
    for (std::int64_t row = 0; row < band_; row += rows) {
      Phase chunk = taps;
      chunk.taps += row * taps.tap_columns;
      chunk.tap_rows = std::min(rows, band_ - row);
      add_products<T>(grid, chunk, filled, gradients_, image_, sums_);
    }
  }

  [[gnu::noinline]] void add_to_totals(const T* x, const T* gy, const Lanes& lanes) const {
    const std::int64_t size = g_.kernel_plane();
    // 0 times what is not finite is NaN: a zero outside of the image may have met an infinity.
    Batch<T> zeros(T(0));
    for (std::int64_t i = 0; i < size; ++i)
      zeros = multiply_add(Batch<T>::load_aligned(sums_ + i * L), Batch<T>(T(0)), zeros);
    alignas(Batch<T>) T zero[L];
    zeros.store_aligned(zero);
    for (std::int64_t l = 0; l < lanes.count; ++l) {
      double* const to = lanes.totals[l];
      if (zero[l] == T(0)) {
        for (std::int64_t i = 0; i < size; ++i) to[i] += static_cast<double>(sums_[i * L + l]);
        continue;
      }
      for (std::int64_t number = lanes.part[l] * at_once_; number < units_end(lanes.part[l]); ++number) {
        const Unit unit = unit_of(lanes.channel[l], number);
        add_existing_products(g_, x + unit.image * g_.plane(), gy + unit.plane * g_.out_plane(), unit.row,
                              std::min(unit.row + band_, g_.out_height), to);
      }
    }
  }

  Geometry g_;
  std::int64_t band_, bands_;
  std::int64_t units_, parts_, at_once_;  ///< of a channel; units of a part
  Axis y_, x_;
  Window window_;
  T* image_;
  T* gradients_;
  T* sums_;
  Tap* taps_;
  double* totals_;
  std::int64_t scratch_size_;
};

template <class T>
void general_grad_w(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
                    std::int64_t end, std::byte* scratch) {
  GeneralGradW<T>(g, scratch).make(x, gy, gW, accumulate, begin, end);
}

template <class T>
std::int64_t general_grad_w_scratch_size(const Geometry& g) {
  return GeneralGradW<T>(g, nullptr).scratch_size();
}

}  // namespace
}  // namespace fathom::ops::depthwise
