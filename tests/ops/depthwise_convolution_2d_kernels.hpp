// SPDX-License-Identifier: BSD-3-Clause
// What tests of the depthwise kernels share.
#pragma once

#include <fmt/format.h>
#include <cstring>
#include <string>

#include <fathom/core/random.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>
#include <support/guarded_memory.hpp>

namespace fathom::test::depthwise {

using ops::depthwise::Geometry;
using ops::depthwise::Variant;

struct Sizes {
  std::int64_t y, x;
};

inline Geometry make_geometry(std::int64_t images, std::int64_t channels, std::int64_t multiplier,
                              Sizes image, Sizes kernel, const ops::DepthwiseConvolution2DOptions& o) {
  return {.images = images,
          .channels = channels,
          .multiplier = multiplier,
          .height = image.y,
          .width = image.x,
          .kernel_y = kernel.y,
          .kernel_x = kernel.x,
          .out_height = (image.y + 2 * o.pad.sides().y - (kernel.y - 1) * o.dilation.y - 1) / o.stride.y + 1,
          .out_width = (image.x + 2 * o.pad.sides().x - (kernel.x - 1) * o.dilation.x - 1) / o.stride.x + 1,
          .stride_y = o.stride.y,
          .stride_x = o.stride.x,
          .pad_y = o.pad.sides().y,
          .pad_x = o.pad.sides().x,
          .dilation_y = o.dilation.y,
          .dilation_x = o.dilation.x};
}

inline std::string text(const Geometry& g) {
  return fmt::format("x ({}, {}, {}, {}) W ({}, {}, {}, {}) stride ({}, {}) pad ({}, {}) dilation ({}, {})",
                     g.images, g.channels, g.height, g.width, g.multiplier, g.channels, g.kernel_y,
                     g.kernel_x, g.stride_y, g.stride_x, g.pad_y, g.pad_x, g.dilation_y, g.dilation_x);
}

/// Values that float holds exactly, so that both types share one reference in double.
inline Array random_values(std::uint64_t stream, const Shape& shape) {
  return uniform({7, stream}, shape, -1, 1, DType::float32).astype(DType::float64);
}

/// The three passes of one instruction set.
template <class T>
struct Passes {
  ops::depthwise::Kernel<T> of_images;
  ops::depthwise::GradWKernel<T> of_weights;
};
template <class T>
Passes<T> passes_of(Isa isa, Variant variant) {
  return fathom::detail::dispatch_isa(isa, [&]<Isa set>() -> Passes<T> {
    return {ops::depthwise::kernels<set>().template get<T>(variant),
            ops::depthwise::grad_w_kernels<set>().template get<T>(variant)};
  });
}

/// Scratch that holds NaN and ends at a page without access.
class Scratch {
 public:
  template <class K>
  Scratch(const K& kernel, const Geometry& g)
      : size_(kernel.scratch_size == nullptr ? 0 : static_cast<std::size_t>(kernel.scratch_size(g))),
        memory_(size_, Side::end) {
    std::memset(memory_.data(), 0xff, size_);
  }
  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(memory_.data()); }

 private:
  std::size_t size_;
  GuardedMemory memory_;
};

}  // namespace fathom::test::depthwise
