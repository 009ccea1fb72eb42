// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/reduction.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops {
namespace {

struct Sum {
  static constexpr std::string_view name = "sum";
  Shape from, kept;  ///< `kept`: the reduced axes with size 1
  ReductionOptions options;
  [[nodiscard]] Array value(const Array& x) const { return fathom::sum(x, options.axis, options.keepdims); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return broadcast_to(reshape(gy, kept), from); }
  [[nodiscard]] Attributes attributes() const {
    return {{"axis", options.axis ? fmt::format("[{}]", fmt::join(*options.axis, ", ")) : "all"},
            {"keepdims", fmt::format("{}", options.keepdims)}};
  }
};

/// Sum in the name of `op`, which is what errors speak of.
Variable sum_for(std::string_view op, const Variable& x, const ReductionOptions& options) {
  detail::check_defined(op, x);
  Shape kept = reduced_shape(op, x.shape(), options.axis, true);
  return detail::linear_map(x, Sum{x.shape(), kept, options});
}

}  // namespace

std::string_view to_string(Reduce reduce) {
  switch (reduce) {
    case Reduce::mean:
      return "mean";
    case Reduce::sum:
      return "sum";
    case Reduce::no:
      break;
  }
  return "no";
}

Variable sum(const Variable& x, const ReductionOptions& options) { return sum_for("sum", x, options); }

Variable mean(const Variable& x, const ReductionOptions& options) {
  const Variable total = sum_for("mean", x, options);
  const std::int64_t count = x.size() / std::max<std::int64_t>(1, total.size());
  return div_scalar(total, static_cast<double>(count));
}

}  // namespace fathom::ops
