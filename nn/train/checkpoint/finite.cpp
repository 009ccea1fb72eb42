// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/checkpoint/finite.hpp>

#include <fmt/format.h>

#include <string_view>

#include <fathom/core/error.hpp>
#include <fathom/core/value_statistics.hpp>

namespace fathom::nn::train::detail {

void require_finite(const std::string& path, const Module& net, const NamedArrays& averages) {
  const auto require = [&](std::string_view what, const std::string& name, const Array& array) {
    if (all_finite(array)) return;
    throw NumericError(fmt::format(
        "{}: is not written, as {}{} is not finite: {}\n  hint: lower the rate, or clip the gradient; a "
        "DebugScope says where it begins",
        path, what, name, to_string(value_statistics(array))));
  };
  for (const auto& [name, value] : net.named_parameters()) require("", name, value.data());
  for (const auto& [name, value] : net.named_buffers()) require("", name, value);
  for (const auto& [name, value] : averages) require("the average of ", name, value);
}

}  // namespace fathom::nn::train::detail
