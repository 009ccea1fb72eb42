// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/cast.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops {
namespace {

/// The twin of cast on Variables.
Array cast(const Array& x, DType dtype) { return x.astype(dtype); }
using ops::cast;

struct Cast {
  static constexpr std::string_view name = "cast";
  DType from, to;
  [[nodiscard]] Array value(const Array& x) const { return x.astype(to); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return cast(gy, from); }
  [[nodiscard]] Attributes attributes() const { return {{"dtype", std::string(to_string(to))}}; }
};

}  // namespace

Variable cast(const Variable& x, DType dtype) {
  ArgumentCheck check(Cast::name);
  check.argument("x", detail::array_or_undefined(x)).defined();
  FATHOM_CHECK(check.hint("for another dtype leave the graph: x.data().astype(...)"), is_float(dtype),
               DTypeError, "x must become float32 or float64, not {}", to_string(dtype));
  return dtype == x.dtype() ? x : detail::linear_map(x, Cast{x.dtype(), dtype});
}

}  // namespace fathom::ops
