// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>

#include <fathom/core/array.hpp>
#include <fathom/core/file.hpp>

namespace fathom::detail {

/// The array in the bytes of one .npy file. `where` names the file, and the member, in errors.
[[nodiscard]] Array decode_npy(std::span<const std::byte> bytes, const std::string& where);

/// What stands before the elements in a .npy file of this array, version 1.
[[nodiscard]] std::string npy_header(const Array& array);

}  // namespace fathom::detail
