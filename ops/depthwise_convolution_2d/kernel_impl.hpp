// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/depthwise_convolution_2d/kernel_forward.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_general.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_grad_w.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_grad_x.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_passes.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class V, int K, int S>
constexpr Kernel<Element<V>> fast{&forward<V, K, S>, &grad_x<V, K, S>, &grad_w<Element<V>, K, S>};
template <class T, int K>
constexpr Kernel<T> stride1{&forward_stride1<T, K>, &grad_x_stride1<T, K>, &grad_w<T, K, 1>};
template <class T>
constexpr Kernel<T> general = GeneralKernel<T>::kernel;

/// In the order of Variant.
constexpr KernelTable table{.f32 = {stride1<float, 3>, fast<Batch<float>, 3, 2>, stride1<float, 5>,
                                    fast<Batch<float>, 5, 2>, general<float>},
                            .f64 = {stride1<double, 3>, fast<Batch<double>, 3, 2>, stride1<double, 5>,
                                    fast<Batch<double>, 5, 2>, general<double>}};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::depthwise
