// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: what the three fast passes share. K x K kernels, stride S = 1 or 2, dilation 1.
//
// All passes cut the plane into strips one vector wide and slide down each. A vector always lies along the
// *image*: with S = 2 its lanes 2l and 2l + 1 belong to one output column, which takes their sum, so that no
// image row has to be de-interleaved. Taps go in groups of S: group m holds taps S*m .. S*m + S - 1, one for
// each lane of an output column.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

template <int K, int S>
inline constexpr int groups = (K + S - 1) / S;

/// Output rows that an image row feeds, or one more than that when K is no multiple of S.
template <int K, int S>
inline constexpr int live_rows = (K - 1) / S + 1;

/// Output columns of a full strip.
template <class V, int S>
inline constexpr int strip_width = lanes_of<V> / S;

/// Lanes whose tap of group m exists: with odd K and S = 2 the last group is half empty. Lane i has the tap
/// S*m + (i + phase) % S. What a zero weight meets must be zero too, since 0 * NaN is NaN.
template <class V, int K, int S, int phase = 0>
V tap_mask(int m) {
  const V all = lane_mask<V>(0, lanes_of<V>);
  if (S * m + S <= K) return all;
  const V none(Element<V>(0));
  return phase == 0 ? alternate(all, none) : alternate(none, all);
}

/// The weights of one kernel, each group spread over the lanes.
template <class V, int K, int S, int phase = 0>
struct Weights {
  using T = Element<V>;
  V rows[K][groups<K, S>];

  explicit Weights(const T* w) {
    for (int p = 0; p < K; ++p) {
      for (int m = 0; m < groups<K, S>; ++m) {
        const auto tap = [&](int q) { return V(q < K ? w[p * K + q] : T(0)); };
        if constexpr (S == 1) {
          rows[p][m] = tap(m);
        } else {
          rows[p][m] = alternate(tap(S * m + phase), tap(S * m + 1 - phase));
        }
      }
    }
  }
};

/// A fresh short chain: adding it to a running sum costs one addition of latency.
template <class V, int n>
[[gnu::always_inline]] inline V dot(const V (&a)[n], const V (&b)[n]) {
  V sum = a[0] * b[0];
  for (int i = 1; i < n; ++i) sum = multiply_add(a[i], b[i], sum);
  return sum;
}

/// The image columns that a strip of output columns sees. Inside the image the vectors are loaded as they
/// are; a strip at an edge clears the lanes outside of the image and those of columns outside [skip, count).
template <class V, int K, int S, bool at_edge>
class Window {
  using T = Element<V>;

 public:
  Window(const Geometry& g, std::int64_t out_column, std::int64_t count, std::int64_t skip = 0)
      : column_(first_column(g, out_column)), width_(g.width) {
    for (int m = 0; m < groups<K, S>; ++m) {
      keep_[m] = tap_mask<V, K, S>(m);
      if constexpr (at_edge) {
        const std::int64_t first = column_ + S * m;
        keep_[m] = keep_[m] & lane_mask<V>(std::max(-first, S * skip), std::min(g.width - first, S * count));
      }
    }
  }

  [[nodiscard]] static bool is_at_edge(const Geometry& g, std::int64_t out_column, std::int64_t count) {
    const std::int64_t first = first_column(g, out_column);
    return first < 0 || first + S * (groups<K, S> - 1) + lanes_of<V> > g.width || count < strip_width<V, S>;
  }

  [[gnu::always_inline]] void load(const T* row, V (&to)[groups<K, S>]) const {
    for (int m = 0; m < groups<K, S>; ++m) {
      // A vector that begins behind the row is cleared whole, and might reach behind the slack.
      const std::int64_t first = column_ + S * m;
      to[m] = V::load_unaligned(row + (at_edge ? std::min(first, width_) : first));
      if (at_edge || S * m + S > K) to[m] = to[m] & keep_[m];
    }
  }

  /// The gradients of the output columns whose tap of group m lies in the image, else 0: a NaN among the
  /// others must not meet the zeros that `load` gives.
  [[nodiscard]] [[gnu::always_inline]] V seen(int m, V gradients) const {
    return at_edge ? gradients & keep_[m] : gradients;
  }

 private:
  static std::int64_t first_column(const Geometry& g, std::int64_t out_column) {
    return S * out_column - g.pad_x;
  }

  std::int64_t column_;
  std::int64_t width_;
  V keep_[groups<K, S>];
};

/// Calls `strip.template step<checked>(t)` for t in [0, steps): unchecked in [first, last), where the strip
/// need not ask whether its rows exist.
template <class Strip>
[[gnu::always_inline]] inline void slide(Strip& strip, std::int64_t steps, std::int64_t first,
                                         std::int64_t last) {
  for (std::int64_t t = 0; t < steps; ++t) {
    if (first <= t && t < last) {
      strip.template step<false>(t);
    } else {
      strip.template step<true>(t);
    }
  }
}

/// As `slide` for strips whose step t reads the image rows t*S .. t*S + S - 1, less the pad, and meets the
/// output rows t, t - 1, ..., t - live_rows + 1.
template <int K, int S, class Strip>
[[gnu::always_inline]] inline void slide_over_image(Strip& strip, const Geometry& g) {
  constexpr std::int64_t before = live_rows<K, S> - 1;
  slide(strip, g.out_height + before, std::max(before, (g.pad_y + S - 1) / S),
        std::min(g.out_height, (g.height + g.pad_y) / S));
}

/// Calls `visit(start, count)` for strips of `width` that cover [0, size). The last one starts earlier rather
/// than being narrower: what it shares with its neighbour is computed twice, alike.
template <class Visit>
void for_each_overlapping_strip(std::int64_t size, std::int64_t width, Visit visit) {
  if (size < width) return visit(std::int64_t{0}, size);
  for (std::int64_t start = 0; start + width <= size; start += width) visit(start, width);
  if (size % width != 0) visit(size - width, width);
}

}  // namespace
}  // namespace fathom::ops::depthwise
