// SPDX-License-Identifier: BSD-3-Clause
// Units that are x times a gate without parameters.
#include <fathom/ops/activation.hpp>
#include <fathom/ops/activation/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

Variable hard_swish(const Variable& x) { return elementwise(x, rules::HardSwish{}); }
Variable gelu(const Variable& x, GeluForm form) {
  detail::check_defined("gelu", x);
  return form == GeluForm::exact ? elementwise(x, rules::Gelu{}) : elementwise(x, rules::TanhGelu{});
}
Variable mish(const Variable& x) { return elementwise(x, rules::Mish{}); }

}  // namespace fathom::ops
