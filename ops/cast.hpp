// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// x in another floating dtype; x itself when it has it already. The gradient is cast back.
/// @throws DTypeError unless `dtype` is float32 or float64: Variables hold no others. For labels and masks
/// there is Array::astype.
[[nodiscard]] FATHOM_EXPORT Variable cast(const Variable& x, DType dtype);

}  // namespace fathom::ops
