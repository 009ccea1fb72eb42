// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops::detail {

/// The Array of a Variable that may be undefined, so that ArgumentCheck can name op and argument.
[[nodiscard]] inline const Array& array_or_undefined(const Variable& variable) {
  static const Array undefined;
  return variable.defined() ? variable.data() : undefined;
}

}  // namespace fathom::ops::detail
