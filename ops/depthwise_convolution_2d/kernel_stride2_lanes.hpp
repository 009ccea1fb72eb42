// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors and moves between lanes for stride 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Lanes that shuffles move about at no extra cost: 16 bytes.
template <class V>
inline constexpr int block = 16 / static_cast<int>(sizeof(Element<V>));

/// Whether planes of one strip, and strips inside of the image, have loops of their own: those that are
/// common.
template <class T, int K>
inline constexpr bool has_own_loops = K == 3 && sizeof(T) == sizeof(float);

/// Elements 0 2 4 ... (phase 0) or 1 3 5 ... (phase 1) of a and b laid end to end, in an order that takes one
/// instruction: `in_order` undoes it, `out_of_order` does it to a mask.
template <int phase, class V>
[[gnu::always_inline]] inline V pick(V a, V b) {
  return shuffle(a, b, [](int i) {
    const int at = i % block<V> * 2 + phase;
    const int first = i / block<V> * block<V>;
    return at < block<V> ? first + at : lanes_of<V> + first + at - block<V>;
  });
}

template <class V>
[[gnu::always_inline]] inline V in_order(V v) {
  constexpr int half = block<V> / 2;
  return shuffle(v, v, [](int i) {
    const int k = i % (lanes_of<V> / 2);
    return k / half * block<V> + k % half + (i < lanes_of<V> / 2 ? 0 : half);
  });
}

template <class V>
[[gnu::always_inline]] inline V out_of_order(V v) {
  constexpr int half = block<V> / 2;
  return shuffle(v, v, [](int i) {
    const int k = i % block<V>;
    return i / block<V> * half + k % half + (k < half ? 0 : lanes_of<V> / 2);
  });
}

/// a0 b0 a1 b1 ... of vectors that are `out_of_order`: the first and the second vector of them, in order.
template <int part, class V>
[[gnu::always_inline]] inline V zip(V a, V b) {
  return shuffle(a, b, [](int i) {
    return i % 2 * lanes_of<V> + i / block<V> * block<V> + (part * block<V> + i % block<V>) / 2;
  });
}

/// Writes the first `count` lanes of rows that are written in ascending order, and nothing behind `limit`.
template <class V>
struct RowWriter {
  using T = Element<V>;
  T* limit;
  std::int64_t count;

  [[gnu::always_inline]] void operator()(T* to, V v) const {
#if defined(__AVX512F__)
    const auto mask = simd::first_lanes<lanes_of<V>>(count);
    if constexpr (sizeof(T) == 4) {
      _mm256_mask_storeu_ps(to, mask, v);
    } else {
      _mm256_mask_storeu_pd(to, mask, v);
    }
#else
    // What spills into the next row is written there afterwards.
    constexpr int half = lanes_of<V> / 2;
    if (count <= half && to + half <= limit) {
      std::memcpy(to, &v.data, sizeof(V) / 2);
    } else if (count == lanes_of<V> || to + lanes_of<V> <= limit) {
      v.store_unaligned(to);
    } else {
      store_lanes(to, v, count);
    }
#endif
  }
};

/// Asks for the next plane while strips go down this one: they jump from row to row, which the processor does
/// not see through. Two cache lines for each step, as many as strips of 32 bytes of output use up.
template <class T, bool to_write>
class Prefetch {
 public:
  Prefetch(const T* next, std::int64_t count)
      : next_(reinterpret_cast<const char*>(next)), is_worth_it_(fetches_next<T>(count)) {}

  [[gnu::always_inline]] void fetch() {
    if (!is_worth_it_) return;
    __builtin_prefetch(next_, to_write, 2);
    __builtin_prefetch(next_ + 64, to_write, 2);
    next_ += 128;
  }

 private:
  const char* next_;
  bool is_worth_it_;
};

/// The planes of y in order, without divisions: they take as long as a row of a small plane.
class PlaneWalk {
 public:
  PlaneWalk(const Geometry& g, std::int64_t out_plane)
      : g_(g),
        input_(out_plane / g.multiplier),
        channel_(input_ % g.channels),
        multiple_(out_plane % g.multiplier) {}

  [[nodiscard]] std::int64_t input() const { return input_; }
  [[nodiscard]] std::int64_t out_channel() const { return channel_ * g_.multiplier + multiple_; }
  [[nodiscard]] std::int64_t kernel_offset() const {
    return (multiple_ * g_.channels + channel_) * g_.kernel_plane();
  }
  void next() {
    if (++multiple_ < g_.multiplier) return;
    multiple_ = 0;
    ++input_;
    if (++channel_ == g_.channels) channel_ = 0;
  }

 private:
  const Geometry& g_;
  std::int64_t input_, channel_, multiple_;
};

}  // namespace
}  // namespace fathom::ops::depthwise
