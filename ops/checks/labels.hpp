// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fathom/core/check.hpp>

namespace fathom::ops::detail {

/// "t[1, 2]" for the element of t, or what else `name` says, at `offset`.
[[nodiscard]] std::string element_of(std::string_view name, const Shape& shape, std::int64_t offset);

/// How many labels in `t`, int32 or int64, are not ignored. Throws ValueError unless these lie in [0,
/// classes), naming one that does not as an element of `name`.
std::int64_t check_labels(const ArgumentCheck& check, const Array& t, std::int64_t classes,
                          std::optional<std::int64_t> ignore_label, std::string_view hint,
                          std::string_view name = "t");

}  // namespace fathom::ops::detail
