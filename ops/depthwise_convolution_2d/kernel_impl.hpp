// SPDX-License-Identifier: BSD-3-Clause
// y(x, W, b) and gx(gy, W). Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and
// FATHOM_ISA name.
#include <fathom/ops/depthwise_convolution_2d/kernel_general.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_passes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_forward.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_grad_x.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class T, int K>
constexpr Kernel<T> stride1{&forward_stride1<T, K>, &grad_x_stride1<T, K>};
template <class T, int K>
constexpr Kernel<T> stride2{&forward_stride2<T, K>, &grad_x_stride2<T, K>};

template <class T>
constexpr Kernel<T> general{&general_forward<T>, &general_grad_x<T>};

/// In the order of Variant.
constexpr KernelTable<Kernel> table{
    .f32 = {stride1<float, 3>, stride2<float, 3>, stride1<float, 5>, stride2<float, 5>, general<float>},
    .f64 = {stride1<double, 3>, stride2<double, 3>, stride1<double, 5>, stride2<double, 5>, general<double>}};

}  // namespace

template <>
const KernelTable<Kernel>& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::depthwise
