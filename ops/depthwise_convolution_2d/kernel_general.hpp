// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: y(x, W, b) and gx(gy, W) of every geometry. A block of planes is copied so that
// the pixels of as many planes lie in one vector as it has lanes; then kernel, stride and dilation are mere
// distances between vectors, and whatever the width no lane is left empty.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/general/planes.hpp>
#include <fathom/ops/depthwise_convolution_2d/general/products.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_planes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// y or gx. A lane makes a band of rows of an output plane; large planes have several, and so have few
/// planes. The bands are the same for any number of threads, as is each element's chain of operations.
template <class T>
class GeneralSums {
  static constexpr std::int64_t L = lanes<T>;

 public:
  /// `planes`: output planes that all threads make together. `scratch` may be null for scratch_size().
  [[gnu::noinline]] GeneralSums(const PlaneSizes& sizes, const Axis& y, const Axis& x, std::int64_t planes,
                                std::byte* memory)
      : s_(sizes),
        y_(y),
        x_(x),
        band_(choose_band(planes)),
        bands_(ceil_div(y.outputs, band_)),
        window_(y, x, band_, sizes.width) {
    s_.tap_step = 1;
    Scratch scratch(memory);
    image_ = scratch.take<T>(window_.pixels() * L);
    sums_ = scratch.take<T>((band_ * x.outputs + L) * L);  // `scatter` reads some more
    // With whole vectors of channels the weights of a block come back with the next image.
    if (bands_ == 1 && s_.channels * s_.repeats % L == 0) period_ = s_.channels * s_.repeats / L;
    weights_step_ = s_.sources * s_.kernel_plane * L;
    weights_ = scratch.take<T>(std::max<std::int64_t>(1, period_) * weights_step_);
    taps_ = scratch.take<Tap>(s_.kernel_plane);
    phases_ = scratch.take<Phase>(s_.kernel_plane);
    scratch_size_ = scratch.size();
  }
  [[nodiscard]] std::int64_t scratch_size() const { return scratch_size_; }

  /// Output planes [begin, end).
  void make(const T* x, const T* W, const T* b, T* y, std::int64_t begin, std::int64_t end) const {
    std::fill_n(image_, window_.pixels() * L, T(0));
    const Phase* const phases_end = make_phases<T>(y_, x_, window_, phases_, taps_);
    Planes<T> planes(s_, x, W, b, y, begin);
    std::int64_t band = 0, block = 0;
    for (std::int64_t left = (end - begin) * bands_; left > 0; left -= L, ++block) {
      Lanes lanes;
      for (std::int64_t l = 0; l < L; ++l) {
        if (l < left) {
          lanes.set(l, planes.plane(s_), first_row(band) * s_.width, band * band_ * s_.out_width,
                    (std::min((band + 1) * band_, s_.out_height) - band * band_) * s_.out_width);
          if (++band == bands_) {
            band = 0;
            planes.advance(s_);
          }
        } else {
          lanes.copy_first(l);
        }
      }
      const bool has_weights = period_ > 0 && block >= period_;
      T* const weights = weights_ + (period_ > 0 ? block % period_ * weights_step_ : 0);
      if (!has_weights) gather_weights(lanes, weights);
      add_sources(lanes, weights, phases_end);
    }
  }

 private:
  /// What the lanes of a block begin with.
  struct Lanes {
    LanePlanes<T> image, kernel;
    T* to[L];
    std::int64_t count[L];
    alignas(Batch<T>) T bias[L];

    void set(std::int64_t l, const Plane<T>& plane, std::int64_t first, std::int64_t out, std::int64_t n) {
      image.plane[l] = plane.x;
      image.first[l] = first;
      kernel.plane[l] = plane.taps;
      kernel.first[l] = 0;
      to[l] = plane.y + out;
      count[l] = n;
      bias[l] = plane.bias;
    }
    /// A lane without a band: read like lane 0, never written.
    void copy_first(std::int64_t l) {
      image.plane[l] = image.plane[0];
      image.first[l] = image.first[0];
      kernel.plane[l] = kernel.plane[0];
      kernel.first[l] = 0;
      to[l] = to[0];
      count[l] = 0;
      bias[l] = bias[0];
    }
  };

  void gather_weights(Lanes& lanes, T* to) const {
    lanes.kernel.size = s_.kernel_plane;
    for (std::int64_t source = 0; source < s_.sources; ++source, to += s_.kernel_plane * L) {
      gather(lanes.kernel, 0, s_.kernel_plane, s_.kernel_plane, 0, to);
      for (std::int64_t l = 0; l < L; ++l) lanes.kernel.plane[l] += s_.channels * s_.kernel_plane;
    }
  }

  void add_sources(Lanes& lanes, const T* weights, const Phase* phases_end) const {
    const Rows filled = bands_ == 1 ? Rows{std::max<std::int64_t>(0, -window_.lowest),
                                           std::min(window_.rows, s_.height - window_.lowest)}
                                    : Rows{0, window_.rows};
    const std::int64_t width = s_.width, pixels = band_ * s_.out_width;
    const Batch<T> bias = Batch<T>::load_aligned(lanes.bias);
    for (std::int64_t i = 0; i < pixels; ++i) bias.store_aligned(sums_ + i * L);
    lanes.image.size = s_.height * width;
    for (std::int64_t source = 0; source < s_.sources; ++source, weights += s_.kernel_plane * L) {
      gather(lanes.image, filled.begin * width, filled.end * width, width, window_.pitch - width,
             image_ + (filled.begin * window_.pitch + window_.left) * L);
      for (const Phase* phase = phases_; phase != phases_end; ++phase) add_phase(*phase, filled, weights);
      for (std::int64_t l = 0; l < L; ++l) lanes.image.plane[l] += lanes.image.size;
    }
    scatter<T>(sums_, lanes.to, lanes.count);
  }

  void add_phase(const Phase& phase, Rows filled, const T* weights) const {
    const Grid grid{.rows = y_.count_of(phase.y, band_),
                    .columns = x_.count_of(phase.x, x_.outputs),
                    .step = y_.step,
                    .from_row = y_.step * window_.pitch * L,
                    .from_column = x_.step * L,
                    .to_row = y_.phases * x_.outputs * L,
                    .to_column = x_.phases * L};
    add_products<T>(grid, phase, filled, weights, image_, sums_ + (phase.y * x_.outputs + phase.x) * L);
  }

  /// The image row that a band's window begins with; bands begin with a phase.
  [[nodiscard]] std::int64_t first_row(std::int64_t band) const {
    return band * band_ / y_.phases * y_.step + window_.lowest;
  }

  [[nodiscard]] std::int64_t choose_band(std::int64_t planes) const {
    const auto rows_of = [&](std::int64_t bands) {
      return ceil_div(ceil_div(y_.outputs, bands), y_.phases) * y_.phases;
    };
    const auto fits = [&](std::int64_t rows) {
      const std::int64_t vectors = Window(y_, x_, rows, s_.width).pixels() + rows * s_.out_width;
      return vectors * L * static_cast<std::int64_t>(sizeof(T)) <= kGeneralBytes || rows <= y_.phases;
    };
    std::int64_t bands = 1;
    while (!fits(rows_of(bands))) ++bands;
    if (planes * bands >= 8 * L) return rows_of(bands);
    // So few that lanes without a band would count: perhaps more of them, though their windows overlap.
    const auto cost = [&](std::int64_t rows) {
      constexpr std::int64_t kMove = 8;  // what moving a pixel costs in multiply-adds
      const std::int64_t taps = s_.kernel_plane / (y_.phases * x_.phases);
      const std::int64_t blocks = ceil_div(planes * ceil_div(y_.outputs, rows), L);
      return blocks *
             (rows * s_.out_width * (taps + kMove) + Window(y_, x_, rows, s_.width).rows * s_.width * kMove);
    };
    std::int64_t best = rows_of(bands);
    for (std::int64_t more = 1; more < L; ++more) {
      const std::int64_t rows = rows_of(bands + more);
      if (cost(rows) < cost(best)) best = rows;
    }
    return best;
  }

  PlaneSizes s_;
  Axis y_, x_;
  std::int64_t band_, bands_;
  Window window_;
  T* image_;
  T* sums_;
  T* weights_;
  std::int64_t weights_step_, period_ = 0;  ///< of blocks; 0: weights are not used again
  Tap* taps_;
  Phase* phases_;
  std::int64_t scratch_size_;
};

template <class T>
GeneralSums<T> general_y(const Geometry& any, std::byte* scratch) {
  const Geometry g = upright(any);
  return {PlaneSizes::forward(g),
          {g.out_height, 1, g.stride_y, g.kernel_y, -g.dilation_y, -g.pad_y},
          {g.out_width, 1, g.stride_x, g.kernel_x, -g.dilation_x, -g.pad_x},
          g.images * g.out_channels(),
          scratch};
}

template <class T>
GeneralSums<T> general_gx(const Geometry& any, std::byte* scratch) {
  const Geometry g = upright(any);
  return {PlaneSizes::grad_x(g),
          {g.height, g.stride_y, 1, g.kernel_y, g.dilation_y, g.pad_y},
          {g.width, g.stride_x, 1, g.kernel_x, g.dilation_x, g.pad_x},
          g.images * g.channels,
          scratch};
}

template <class T>
void general_forward(const Geometry& g, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
                     std::int64_t end, std::byte* scratch) {
  general_y<T>(g, scratch).make(x, W, b, y, begin, end);
}

template <class T>
void general_grad_x(const Geometry& g, const T* gy, const T* W, T* gx, std::int64_t begin, std::int64_t end,
                    std::byte* scratch) {
  general_gx<T>(g, scratch).make(gy, W, nullptr, gx, begin, end);
}

template <class T>
std::int64_t general_scratch_size(const Geometry& g) {
  return std::max(general_y<T>(g, nullptr).scratch_size(), general_gx<T>(g, nullptr).scratch_size());
}

}  // namespace
}  // namespace fathom::ops::depthwise
