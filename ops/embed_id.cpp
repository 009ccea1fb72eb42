// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/embed_id.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/rules/movement.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::ops {

Variable embed_id(const Array& x, const Variable& W, const EmbedIDOptions& options) {
  ArgumentCheck check("embed_id");
  check.argument("x", x, "(i...)").argument("W", detail::array_or_undefined(W), "(ids, size)");
  check.rank(2).select("x").index();
  FATHOM_CHECK(check.hint("a single id is an array of shape [1]"), x.rank() > 0, ShapeError,
               "x must have at least one axis (it has 0)");
  FATHOM_CHECK(check.hint("W has a row for each id"), W.shape(0) > 0 || x.size() == 0, ShapeError,
               "W must have at least one row (it has 0)");
  detail::check_labels(check, x, W.shape(0), options.ignore_label,
                       "W has a row for each id; ids without: {.ignore_label = -1}", "x");
  const auto rows_at = [&](const Array& ids) {
    const std::size_t rows = 0;
    View view = View(W.shape()).taken(std::span(&rows, 1), std::span(&ids, 1));
    return linear_map(W, detail::Gather{"embed_id", {std::move(view)}})[0];
  };
  const Array ids = x.astype(DType::int64);
  if (!options.ignore_label) return rows_at(ids);
  Array ignored = Array::empty(x.shape(), DType::boolean);
  std::transform(ids.data<std::int64_t>(), ids.data<std::int64_t>() + ids.size(),
                 ignored.mutable_data<bool>(), [&](std::int64_t id) { return id == *options.ignore_label; });
  const Variable rows = rows_at(fathom::where(ignored, Array::zeros({}, DType::int64), ids));
  Shape column = x.shape();
  column.push_back(1);
  return where(ignored.reshape(column), Variable{Array::scalar(0, W.dtype())}, rows);
}

}  // namespace fathom::ops
