// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/where.hpp>

#include <fathom/core/elementwise.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops {
namespace {

struct Where {
  static constexpr std::string_view name = "where";
  Array mask;
  Shape a, b;
  [[nodiscard]] Array value(std::span<const Array> xs) const { return fathom::where(mask, xs[0], xs[1]); }
  template <class V>
  [[nodiscard]] V adjoint(const V& gy, std::size_t i) const {
    const V zero{Array::scalar(0, gy.dtype())};
    return i == 0 ? sum_to(where(mask, gy, zero), a) : sum_to(where(mask, zero, gy), b);
  }
  [[nodiscard]] Attributes attributes() const { return {}; }
};

}  // namespace

Variable where(const Array& condition, const Variable& a, const Variable& b) {
  fathom::detail::check_where(condition, detail::array_or_undefined(a), detail::array_or_undefined(b));
  const Variables xs{a, b};
  return detail::linear_map(std::span<const Variable>(xs), Where{condition, a.shape(), b.shape()});
}

}  // namespace fathom::ops
