// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/cumsum.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>
#include <fathom/ops/rules/lines.hpp>

namespace fathom::ops {
namespace {

using detail::Lines;

constexpr std::int64_t kBlock = 64;  // lines side by side that are added up together

template <class T>
void add_up(const Lines& lines, bool reverse, const T* x, T* y) {
  const std::int64_t blocks = (lines.inner + kBlock - 1) / kBlock;
  const std::int64_t work = lines.length * std::min(lines.inner, kBlock);
  parallel_for(lines.outer * blocks, std::max<std::int64_t>(1, fathom::detail::kElementGrain / work),
               [=](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t first = item % blocks * kBlock;
                   const std::int64_t count = std::min(kBlock, lines.inner - first);
                   double totals[kBlock] = {};
                   for (std::int64_t step = 0; step < lines.length; ++step) {
                     const std::int64_t k = reverse ? lines.length - 1 - step : step;
                     const std::int64_t at = (item / blocks * lines.length + k) * lines.inner + first;
                     for (std::int64_t j = 0; j < count; ++j)
                       y[at + j] = static_cast<T>(totals[j] += static_cast<double>(x[at + j]));
                   }
                 }
               });
}

struct CumSum {
  static constexpr std::string_view name = "cumsum";
  std::size_t axis;
  bool reverse;
  [[nodiscard]] Array value(const Array& x) const {
    Array y = Array::empty(x.shape(), x.dtype());
    if (y.size() == 0) return y;
    dispatch_float(x.dtype(), name, [&]<class T>() {
      add_up(detail::lines_along(x.shape(), axis), reverse, x.data<T>(), y.mutable_data<T>());
    });
    return y;
  }
  [[nodiscard]] Array adjoint(const Array& gy) const { return CumSum{axis, !reverse}.value(gy); }
  [[nodiscard]] Variable adjoint(const Variable& gy) const {
    return detail::linear_map(gy, CumSum{axis, !reverse});
  }
  [[nodiscard]] Attributes attributes() const {
    return {{"axis", fmt::format("{}", axis)}, {"reverse", fmt::format("{}", reverse)}};
  }
};

}  // namespace

Variable cumsum(const Variable& x, const CumsumOptions& options) {
  const ArgumentCheck check = detail::check_defined(CumSum::name, x);
  const std::size_t axis = options.axis ? check.axis(*options.axis, x.rank()) : 0;
  return detail::linear_map(options.axis ? x : flatten(x), CumSum{axis, options.reverse});
}

}  // namespace fathom::ops
