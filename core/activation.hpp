// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include <fathom/core/export.hpp>

namespace fathom {

/// What an operation can apply to its result before writing it, instead of a pass of its own: nothing,
/// max(x, 0), or min(max(x, 0), 6). All of them pass the gradient on where the result says so.
enum class Activation : std::uint8_t { none, relu, relu6 };

[[nodiscard]] FATHOM_EXPORT std::string_view to_string(Activation activation);

}  // namespace fathom
