// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include <fathom/core/append_file.hpp>

namespace fathom::nn::train::detail {

/// Makes the file of a log begin anew for `first` 0; else keeps `head`, the lines of the epochs up to `first`
/// and nothing behind them. Every line of an epoch starts with `prefix` and the number of the epoch, and the
/// next character is a comma. Throws IoError naming the first line that is neither.
void keep_epochs(AppendFile& file, std::int64_t first, std::string_view head, std::string_view prefix);

}  // namespace fathom::nn::train::detail
