// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/rules/kernel_loops.hpp>
#include <fathom/ops/trigonometry/rules.hpp>

namespace fathom::ops::rules {

template <>
const Trigonometry& kernels<Isa::FATHOM_ISA, Trigonometry>() {
  return kTable<Trigonometry>;
}

}  // namespace fathom::ops::rules
