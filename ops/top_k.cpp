// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/top_k.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/core/index.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/lines.hpp>
#include <fathom/ops/rules/movement.hpp>
#include <fathom/ops/top_k/positions.hpp>

namespace fathom::ops {
namespace {

/// NaN is above all numbers.
template <class T>
bool is_less(T a, T b) {
  return a < b || (std::isnan(b) && !std::isnan(a));
}

/// The elements of x along `axis` that stand at `positions`, which have x's other sizes.
View along(const Array& x, const Array& positions, std::size_t axis) {
  Indices indices;
  for (std::size_t other = 0; other < x.rank(); ++other) {
    Shape column;
    for (std::size_t i = other; i < x.rank(); ++i) column.push_back(i == other ? x.shape()[other] : 1);
    indices.emplace_back(other == axis ? positions
                                       : Array::arange(x.shape()[other], DType::int64).reshape(column));
  }
  return index_view("top_k", x, indices);
}

}  // namespace

Array detail::top_positions(const Array& x, std::int64_t k, std::size_t axis, bool largest) {
  const Lines lines = lines_along(x.shape(), axis);
  const std::int64_t length = lines.length, inner = lines.inner;
  Shape shape = x.shape();
  shape[axis] = k;
  Array result = Array::empty(shape, DType::int64);
  if (result.size() == 0) return result;
  const Lines chosen = lines_along(shape, axis);
  auto* to = result.mutable_data<std::int64_t>();
  dispatch_float(x.dtype(), "top_k", [&]<class T>() {
    const T* from = x.data<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 12) / length);
    parallel_for(lines.positions(), grain, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::int64_t> order(static_cast<std::size_t>(length));
      for (std::int64_t line = begin; line < end; ++line) {
        const T* first = from + lines.first(line);
        const auto precedes = [&](std::int64_t i, std::int64_t j) {
          const T a = first[i * inner], b = first[j * inner];
          if (is_less(a, b) || is_less(b, a)) return is_less(a, b) != largest;
          return i < j;
        };
        std::iota(order.begin(), order.end(), std::int64_t{0});
        std::partial_sort(order.begin(), order.begin() + k, order.end(), precedes);
        for (std::int64_t i = 0; i < k; ++i)
          to[chosen.first(line) + i * inner] = order[static_cast<std::size_t>(i)];
      }
    });
  });
  return result;
}

TopK top_k(const Variable& x, std::int64_t k, const TopKOptions& options) {
  const ArgumentCheck check = detail::check_defined("top_k", x);
  const std::size_t axis = check.axis(options.axis, x.rank());
  FATHOM_CHECK(check.hint("it counts elements along one axis"), k >= 0 && k <= x.shape()[axis], ValueError,
               "k must lie in [0, {}], the size of axis {} (it is {})", x.shape()[axis], axis, k);
  Array indices = detail::top_positions(x.data(), k, axis, options.largest);
  const Variables values =
      linear_map(x, detail::Gather{"top_k", {along(x.data(), indices, axis)}, {{"k", fmt::format("{}", k)}}});
  return {values[0], std::move(indices)};
}

}  // namespace fathom::ops
