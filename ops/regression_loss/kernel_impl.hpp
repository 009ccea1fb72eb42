// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/regression_loss/rules.hpp>
#include <fathom/ops/rules/kernel_loops.hpp>

namespace fathom::ops::rules {

template <>
const RegressionLosses& kernels<Isa::FATHOM_ISA, RegressionLosses>() {
  return kTable<RegressionLosses>;
}

}  // namespace fathom::ops::rules
