// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <fathom/core/file.hpp>

namespace fathom::detail {

/// Gives a finished zip archive that has no comment one: a checksum of all bytes before it. The checksums of
/// the members leave names, sizes and the directory out.
void seal(Bytes& archive);
/// Whether the bytes are what `seal` left, to the last one.
[[nodiscard]] bool is_sealed(std::span<const std::byte> archive);

}  // namespace fathom::detail
