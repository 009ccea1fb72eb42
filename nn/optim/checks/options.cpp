// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/checks/options.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>

namespace fathom::nn::detail {

void require_not_negative(std::string_view op, std::string_view option, double value, std::string_view hint) {
  FATHOM_CHECK(ArgumentCheck(op).hint(hint), value >= 0, ValueError, "{0} must not be negative ({0} is {1})",
               option, value);
}

void require_positive(std::string_view op, std::string_view option, double value, std::string_view hint) {
  FATHOM_CHECK(ArgumentCheck(op).hint(hint), value > 0, ValueError, "{0} must be positive ({0} is {1})",
               option, value);
}

void require_below_one(std::string_view op, std::string_view option, double value, std::string_view hint) {
  FATHOM_CHECK(ArgumentCheck(op).hint(hint), value >= 0 && value < 1, ValueError,
               "{0} must be at least 0 and less than 1 ({0} is {1})", option, value);
}

void require_weight_decay(std::string_view op, double value) {
  require_not_negative(op, "weight_decay", value, "1e-4 is usual, 0 turns it off");
}

}  // namespace fathom::nn::detail
