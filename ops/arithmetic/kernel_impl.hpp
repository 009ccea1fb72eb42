// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/arithmetic/rules.hpp>
#include <fathom/ops/rules/kernel_loops.hpp>

namespace fathom::ops::rules {

template <>
const Arithmetic& kernels<Isa::FATHOM_ISA, Arithmetic>() {
  return kTable<Arithmetic>;
}

}  // namespace fathom::ops::rules
