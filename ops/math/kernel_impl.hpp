// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/math/rules.hpp>
#include <fathom/ops/rules/kernel_loops.hpp>

namespace fathom::ops::rules {

template <>
const Math& kernels<Isa::FATHOM_ISA, Math>() {
  return kTable<Math>;
}

}  // namespace fathom::ops::rules
