// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include <fathom/core/export.hpp>

namespace fathom::nn::train::detail {

/// A script that draws NAME.svg and NAME.png from NAME.csv, all in the working directory, where `csv` is what
/// the file holds now; empty when there is nothing to draw.
[[nodiscard]] FATHOM_EXPORT std::string curves_script(std::string_view name, std::string_view title,
                                                      std::string_view csv);

/// Runs the program on a script, in the directory of both. Returns why it failed, or nothing.
[[nodiscard]] FATHOM_EXPORT std::string run_gnuplot(const std::string& program, const std::string& directory,
                                                    const std::string& script);

}  // namespace fathom::nn::train::detail
