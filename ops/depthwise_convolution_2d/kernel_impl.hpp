// SPDX-License-Identifier: BSD-3-Clause
// y(x, W, b) and gx(gy, W). Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and
// FATHOM_ISA name.
#include <fathom/core/simd/activation.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_general.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_passes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_forward.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_grad_x.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_strided.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class T>
void activate(Activation activation, T* y, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) {
    simd::activate(activation, Batch<T>::load_unaligned(y + i)).store_unaligned(y + i);
  }
  if (i < count)
    store_lanes(y + i, simd::activate(activation, load_lanes<Batch<T>>(y + i, count - i)), count - i);
}

template <class T, int K>
constexpr Kernel<T> stride1{&forward_stride1<T, K>, &grad_x_stride1<T, K>, nullptr, &activate<T>};
template <class T, int K>
constexpr Kernel<T> stride2{&forward_stride2<T, K>, &grad_x_stride2<T, K>, nullptr, &activate<T>};

template <class T>
constexpr Kernel<T> general{&general_forward<T>, &general_grad_x<T>, &general_scratch_size<T>, &activate<T>};

#if defined(__AVX512F__)
constexpr Kernel<float> strided{&strided_forward, &strided_grad_x, &strided_scratch_size, &activate<float>};
#else
constexpr Kernel<float> strided = general<float>;
#endif

/// In the order of Variant.
constexpr KernelTable<Kernel> table{.f32 = {stride1<float, 3>, stride2<float, 3>, stride1<float, 5>,
                                            stride2<float, 5>, strided, general<float>},
                                    .f64 = {stride1<double, 3>, stride2<double, 3>, stride1<double, 5>,
                                            stride2<double, 5>, general<double>, general<double>}};

}  // namespace

template <>
const KernelTable<Kernel>& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::depthwise
