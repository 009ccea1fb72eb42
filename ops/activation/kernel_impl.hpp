// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/activation/rules.hpp>
#include <fathom/ops/rules/kernel_loops.hpp>

namespace fathom::ops::rules {

template <>
const Activations& kernels<Isa::FATHOM_ISA, Activations>() {
  return kTable<Activations>;
}

}  // namespace fathom::ops::rules
