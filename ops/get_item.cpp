// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/get_item.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/rules/movement.hpp>

namespace fathom::ops {
namespace {

struct ScatterAdd {
  static constexpr std::string_view name = "scatter_add";
  View view;
  Shape b;
  std::string indices;
  [[nodiscard]] Array value(std::span<const Array> xs) const {
    Array y = xs[0].copy();
    fathom::scatter_add(broadcast_to(xs[1], view.shape()), view, y);
    return y;
  }
  template <class V>
  [[nodiscard]] V adjoint(const V& gy, std::size_t i) const {
    return i == 0 ? gy : sum_to(detail::gather(gy, view), b);
  }
  [[nodiscard]] Attributes attributes() const { return {{"index", indices}}; }
};

}  // namespace

Variable get_item(const Variable& x, const Indices& indices) {
  View view = index_view("get_item", detail::array_or_undefined(x), indices);
  return linear_map(x, detail::Gather{"get_item", {std::move(view)}, {{"index", to_string(indices)}}})[0];
}

Array get_item(const Array& x, const Indices& indices) {
  return gather(x, index_view("get_item", x, indices));
}

Variable select_item(const Variable& x, const Array& t) {
  ArgumentCheck check("select_item");
  check.argument("x", detail::array_or_undefined(x), "(n, classes)").argument("t", t, "(n)");
  check.select("x").rank(2).select("t").index().shape({x.shape(0)}, "that of x without axis 1");
  detail::check_labels(check, t, x.shape(1), std::nullopt, "they count the columns of x from 0");
  View view = index_view("select_item", x.data(), {Array::arange(x.shape(0), DType::int64), t});
  return linear_map(x, detail::Gather{"select_item", {std::move(view)}})[0];
}

Variable scatter_add(const Variable& a, const Indices& indices, const Variable& b) {
  ArgumentCheck check("scatter_add");
  check.argument("a", detail::array_or_undefined(a))
      .argument("b", detail::array_or_undefined(b))
      .same_dtype();
  View view = index_view("scatter_add", a.data(), indices);
  FATHOM_CHECK(check.hint("aligned at the end, each size of b must be 1 or that of a[indices]"),
               broadcasts_to(b.shape(), view.shape()), ShapeError,
               "b must broadcast to a[indices] ({} against {})", to_string(b.shape()),
               to_string(view.shape()));
  const Variables xs{a, b};
  return detail::linear_map(std::span<const Variable>(xs),
                            ScatterAdd{std::move(view), b.shape(), to_string(indices)});
}

}  // namespace fathom::ops
