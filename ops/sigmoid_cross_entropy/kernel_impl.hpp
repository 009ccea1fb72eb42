// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/rules/kernel_loops.hpp>
#include <fathom/ops/sigmoid_cross_entropy/rules.hpp>

namespace fathom::ops::rules {

template <>
const SigmoidCrossEntropies& kernels<Isa::FATHOM_ISA, SigmoidCrossEntropies>() {
  return kTable<SigmoidCrossEntropies>;
}

}  // namespace fathom::ops::rules
