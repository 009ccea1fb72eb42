// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include <fathom/core/activation.hpp>
#include <fathom/core/array.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/ops/depthwise_convolution_2d/geometry.hpp>

namespace fathom::ops::depthwise {

/// The passes, for a range of planes so that the caller shares them out among threads. Kernels read up to 64
/// bytes before and after an array and write nothing but the elements they own. `scratch` has as many bytes
/// as `scratch_size` says (null: none), aligned to 64, for this call alone.
template <class T>
struct Kernel {
  /// Output planes [begin, end) of images * cI*cM; `b` may be null.
  void (*forward)(const Geometry&, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
                  std::int64_t end, std::byte* scratch);
  /// Image planes [begin, end) of images * cI.
  void (*grad_x)(const Geometry&, const T* gy, const T* W, T* gx, std::int64_t begin, std::int64_t end,
                 std::byte* scratch);
  std::int64_t (*scratch_size)(const Geometry&);
  /// y = activation(y) for `count` elements.
  void (*activate)(Activation activation, T* y, std::int64_t count);
};
template <class T>
struct GradWKernel {
  /// Output channels [begin, end) of cI*cM, images in order; adds to gW if `accumulate`, else overwrites.
  void (*grad_w)(const Geometry&, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
                 std::int64_t end, std::byte* scratch);
  std::int64_t (*scratch_size)(const Geometry&);
};
/// Which loops fit a geometry: square kernels of 3 or 5 with equal strides 1 or 2 have their own; those of 3
/// with equal strides from 3 to 8 (`k3`) have them for float with AVX-512. `general` does all.
enum class Variant : std::uint8_t { k3s1, k3s2, k5s1, k5s2, k3, general };
inline constexpr int kVariants = 6;

/// The kernels of one instruction set, by variant.
template <template <class> class KernelOf>
struct KernelTable {
  KernelOf<float> f32[kVariants];
  KernelOf<double> f64[kVariants];
  template <class T>
  [[nodiscard]] const KernelOf<T>& get(Variant variant) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32[static_cast<int>(variant)];
    } else {
      return f64[static_cast<int>(variant)];
    }
  }
};

/// Each unit that a kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const KernelTable<Kernel>& kernels();
template <Isa isa>
[[nodiscard]] const KernelTable<GradWKernel>& grad_w_kernels();

/// The variant that runs for a geometry.
[[nodiscard]] Variant select(const Geometry& geometry);

/// The passes on Arrays that fit the geometry: choose the kernel, count it, share the planes out among
/// threads. The bits do not depend on the number of threads. `activation` has the bits of its own op.
void run_forward(const Geometry& geometry, const Array& x, const Array& W, const Array& b,
                 Activation activation, Array& y);
void run_grad_x(const Geometry& geometry, const Array& gy, const Array& W, Array& gx);
void run_grad_w(const Geometry& geometry, const Array& x, const Array& gy, Array& gW, bool accumulate);

}  // namespace fathom::ops::depthwise
