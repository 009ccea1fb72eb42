// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: 3x3 kernels on planes of 4 x 4 floats, which would leave most of a strip's lanes
// empty.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride1.hpp>

namespace fathom::ops::depthwise {
namespace {

/// A plane in vectors of several rows, four lanes each.
class Plane4x4 {
  using V = Batch<float>;
  static constexpr int L = lanes<float>;
  static constexpr int size = 16 / L;

 public:
  [[gnu::always_inline]] explicit Plane4x4(float bias) {
    unroll<size>([&](auto v) __attribute__((always_inline)) { y_[v] = V(bias); });
  }

  [[gnu::always_inline]] void add(const float* x, const float* taps, std::int64_t tap_step) {
    V rows[3][size];  // what each row of taps makes of the image rows
    unroll<size>([&](auto v) __attribute__((always_inline)) {
      const V pixels = V::load_unaligned(x + v * L);
      const V left = shuffle(pixels, V(0.0F), [](int i) { return i % 4 == 0 ? L : i - 1; });
      const V right = shuffle(pixels, V(0.0F), [](int i) { return i % 4 == 3 ? L : i + 1; });
      unroll<3>([&](auto p) __attribute__((always_inline)) {
        const V first(taps[3 * p * tap_step]), second(taps[(3 * p + 1) * tap_step]),
            third(taps[(3 * p + 2) * tap_step]);
        const V sum = p == 1 ? multiply_add(first, left, y_[v]) : first * left;
        rows[p][v] = multiply_add(third, right, multiply_add(second, pixels, sum));
      });
    });
    unroll<size>([&](auto v) __attribute__((always_inline)) {
      const V above = v > 0 ? rows[0][(v + size - 1) % size] : V(0.0F);
      const V below = v < size - 1 ? rows[2][(v + 1) % size] : V(0.0F);
      y_[v] = rows[1][v] + shuffle(above, rows[0][v], [](int i) { return i + L - 4; }) +
              shuffle(rows[2][v], below, [](int i) { return i + 4; });
    });
  }

  [[gnu::always_inline]] void store(float* y) const {
    unroll<size>([&](auto v) __attribute__((always_inline)) { y_[v].store_unaligned(y + v * L); });
  }

 private:
  V y_[size];
};

[[nodiscard]] inline bool is_4x4(const Stride1& s) {
  return s.height == 4 && s.width == 4 && s.out_height == 4 && s.out_width == 4;
}

inline void make_4x4(const Stride1 s, Planes<float> planes, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Plane<float> plane = planes.plane(s);
    Plane4x4 result(plane.bias);
    for (std::int64_t source = 0; source < s.sources; ++source) {
      result.add(plane.x + source * 16, plane.taps + source * s.channels * 9, s.tap_step);
    }
    result.store(plane.y);
    planes.advance(s);
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
