// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace fathom::nn::detail {

// Rules for the numbers among options; each throws ValueError naming optimizer or function, option and value.
// NaN breaks all of them.

void require_not_negative(std::string_view op, std::string_view option, double value, std::string_view hint);
void require_positive(std::string_view op, std::string_view option, double value, std::string_view hint);
/// At least 0 and less than 1.
void require_below_one(std::string_view op, std::string_view option, double value, std::string_view hint);

/// The weight decay that all optimizers have.
void require_weight_decay(std::string_view op, double value);

}  // namespace fathom::nn::detail
