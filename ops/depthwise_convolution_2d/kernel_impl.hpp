// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/depthwise_convolution_2d/kernel_general.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class T>
constexpr Kernel<T> general = GeneralKernel<T>::kernel;

constexpr KernelTable table{
    .f32 = {general<float>, general<float>, general<float>, general<float>, general<float>},
    .f64 = {general<double>, general<double>, general<double>, general<double>, general<double>}};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::depthwise
