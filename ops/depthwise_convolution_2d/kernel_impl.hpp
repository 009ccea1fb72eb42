// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/depthwise_convolution_2d/kernel_forward.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_general.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_grad_w.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_grad_x.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_forward.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_grad_x.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class V, int K, int S>
constexpr Kernel<Element<V>> fast{&forward<V, K, S>, &grad_x<V, K, S>, &grad_w<V, K, S>};
template <class V, int K>
constexpr Kernel<Element<V>> fast<V, K, 2>{&stride2_forward<Element<V>, K>, &stride2_grad_x<Element<V>, K>,
                                           &grad_w<V, K, 2>};
template <class T>
constexpr Kernel<T> general = GeneralKernel<T>::kernel;

/// In the order of Variant.
constexpr KernelTable table{.f32 = {fast<Batch<float>, 3, 1>, fast<Batch<float>, 3, 2>,
                                    fast<Batch<float>, 5, 1>, fast<Batch<float>, 5, 2>, general<float>},
                            .f64 = {fast<Batch<double>, 3, 1>, fast<Batch<double>, 3, 2>,
                                    fast<Batch<double>, 5, 1>, fast<Batch<double>, 5, 2>, general<double>}};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::depthwise
