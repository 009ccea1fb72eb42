// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/get_item.hpp>

#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/movement.hpp>

namespace fathom::ops {

Variable get_item(const Variable& x, const Indices& indices) {
  View view = index_view("get_item", detail::array_or_undefined(x), indices);
  return linear_map(x, detail::Gather{"get_item", {std::move(view)}, {{"index", to_string(indices)}}})[0];
}

Array get_item(const Array& x, const Indices& indices) {
  return gather(x, index_view("get_item", x, indices));
}

}  // namespace fathom::ops
