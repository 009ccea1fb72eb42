// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: 3x3 kernels on planes whose rows would leave many lanes of their last strip
// empty.
#pragma once

#include <numeric>

#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_strips.hpp>

namespace fathom::ops::depthwise {
namespace {

/// A plane in vectors of pixels in the order of memory; the last one ends with the plane, and what it shares
/// with the one before is computed twice, alike. A row's end and the next one's beginning are neighbours in a
/// vector, so that what taps see to the left and to the right is masked. What they see above the first row
/// and below the last one is masked too, in the vectors that hold pixels of these rows.
template <class T>
class FlatPlanes {
  using V = Batch<T>;
  static constexpr int K = 3;
  static constexpr std::int64_t L = lanes<T>;
  /// A row and a pixel before an array, and after it, are in reach: 64 bytes.
  static constexpr std::int64_t kMostColumns = 64 / sizeof(T) - 1;
  static constexpr std::int64_t kMostElements = 2048;  ///< of a plane; nothing larger was measured

 public:
  /// Whether it takes at least a quarter less vectors than strips: where most vectors are at the edges, the
  /// masks cost what is saved. Only in vectors of 32 bytes: others gain less or have
  /// not been measured.
  [[nodiscard]] static bool fits(const Stride1& s) {
    const std::int64_t size = s.height * s.width;
    const std::int64_t in_strips = (s.width + L - 1) / L * s.height;
    return L * sizeof(T) == 32 && s.sources == 1 && s.pad_y == 1 && s.pad_x == 1 &&
           s.height == s.out_height && s.width == s.out_width && s.width <= kMostColumns && L <= size &&
           size <= kMostElements && 4 * ((size + L - 1) / L) <= 3 * in_strips;
  }

  explicit FlatPlanes(const Stride1& s) : s_(s), last_(s.height * s.width - L) {
    std::int64_t at = 0;
    for (; at < s.width && at <= last_; at += L) add_edge(at);
    first_edges_ = edge_count_;
    inner_ = at;
    period_ = s.width / std::gcd(s.width, L);
    for (std::int64_t i = 0; i < period_; ++i) sides_[i] = sides(inner_ + i * L);
    for (; at + s.width <= last_; at += L) ++inner_count_;
    for (; at < last_; at += L) add_edge(at);
    if (at < last_ + L) add_edge(last_);
  }

  void make(Planes<T> planes, std::int64_t count) const {
    for (std::int64_t i = 0; i < count; ++i) {
      make(planes.plane(s_));
      planes.advance(s_);
    }
  }

 private:
  /// The lanes of a vector with a pixel to the left and to the right.
  struct Sides {
    V has_left, has_right;
  };
  /// A vector with pixels of the first or of the last row.
  struct Edge {
    Sides sides;
    V has_above, has_below;
    std::int64_t offset;
  };

  [[nodiscard]] Sides sides(std::int64_t offset) const {
    Sides result{V(T(0)), V(T(0))};
    for (std::int64_t lane = 0; lane < L; ++lane) {
      const std::int64_t column = (offset + lane) % s_.width;
      const V here = lane_mask<V>(lane, lane + 1);
      if (column > 0) result.has_left = result.has_left | here;
      if (column + 1 < s_.width) result.has_right = result.has_right | here;
    }
    return result;
  }

  void add_edge(std::int64_t offset) {
    const std::int64_t above = s_.width - offset, below = last_ + L - s_.width - offset;
    edges_[edge_count_++] = {sides(offset), lane_mask<V>(above, L), lane_mask<V>(0, below), offset};
  }

  [[gnu::always_inline]] void make(const Plane<T> plane) const {
    V taps[K * K];
    unroll<K * K>([&](auto i) __attribute__((always_inline)) { taps[i] = V(plane.taps[i * s_.tap_step]); });
    const V bias(plane.bias);
    // The products of one column of taps; `mask` is applied to what lies above and below.
    const std::int64_t width = s_.width;
    const auto add_column = [&](const T* x, int q, V sum, auto mask) __attribute__((always_inline)) {
      sum = multiply_add(taps[q], mask(V::load_unaligned(x - width), 0), sum);
      sum = multiply_add(taps[K + q], V::load_unaligned(x), sum);
      return multiply_add(taps[2 * K + q], mask(V::load_unaligned(x + width), 1), sum);
    };
    const auto make = [&](std::int64_t offset, const Sides& sides, auto mask) __attribute__((always_inline)) {
      const T* const x = plane.x + offset;
      const V left = add_column(x - 1, 0, V(T(0)), mask);
      const V right = add_column(x + 1, 2, V(T(0)), mask);
      const V sum = add_column(x, 1, bias, mask) + (left & sides.has_left) + (right & sides.has_right);
      sum.store_unaligned(plane.y + offset);
    };
    const auto make_edges = [&](const Edge* edge, const Edge* end) __attribute__((always_inline)) {
      for (; edge != end; ++edge) {
        make(
            edge->offset, edge->sides, [edge](V pixels, int row) __attribute__((always_inline)) {
              return pixels & (row == 0 ? edge->has_above : edge->has_below);
            });
      }
    };
    const auto as_they_are = [](V pixels, int) __attribute__((always_inline)) { return pixels; };
    make_edges(edges_, edges_ + first_edges_);
    std::int64_t offset = inner_;
    for (std::int64_t todo = inner_count_; todo > 0; todo -= period_) {
      const Sides* const end = sides_ + std::min(todo, period_);
      for (const Sides* sides = sides_; sides != end; ++sides, offset += L) make(offset, *sides, as_they_are);
    }
    make_edges(edges_ + first_edges_, edges_ + edge_count_);
  }

  const Stride1 s_;
  const std::int64_t last_;  ///< where the last vector begins
  /// Vectors between the edges: where they begin, how many they are, and after how many sides repeat.
  std::int64_t inner_ = 0, inner_count_ = 0, period_ = 0;
  Sides sides_[kMostColumns];
  Edge edges_[2 * (kMostColumns / L + 2)];
  int first_edges_ = 0, edge_count_ = 0;
};

}  // namespace
}  // namespace fathom::ops::depthwise
