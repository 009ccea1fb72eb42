// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/tiling.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/movement.hpp>

namespace fathom::ops {
namespace {

void check_counts(const ArgumentCheck& check, std::string_view name, std::span<const std::int64_t> counts) {
  FATHOM_CHECK(check.hint("1 leaves an axis as it is, 0 leaves nothing"),
               std::all_of(counts.begin(), counts.end(), [](std::int64_t count) { return count >= 0; }),
               ValueError, "{} must not be negative (they are [{}])", name, fmt::join(counts, ", "));
}

/// The elements along `axis` that stand at `positions`, an int64 Array.
Variable taken(std::string_view op, const Variable& x, std::size_t axis, const Array& positions) {
  View view = View(x.shape()).taken(std::span(&axis, 1), std::span(&positions, 1));
  Attributes options{{"shape", to_string(view.shape())}};
  return linear_map(x, detail::Gather{op, {std::move(view)}, std::move(options)})[0];
}

}  // namespace

Variable repeat(const Variable& x, const std::vector<std::int64_t>& repeats,
                std::optional<std::int64_t> axis) {
  const ArgumentCheck check = detail::check_defined("repeat", x);
  const std::size_t along = axis ? check.axis(*axis, x.rank()) : 0;
  const std::int64_t size = axis ? x.shape()[along] : x.size();
  check_counts(check, "repeats", repeats);
  FATHOM_CHECK(check.hint("give one number for all elements, or one for each"),
               repeats.size() == 1 || static_cast<std::int64_t>(repeats.size()) == size, ValueError,
               "repeats must have 1 or {} numbers (they have {})", size, repeats.size());
  const auto count_of = [&](std::int64_t i) {
    return repeats[repeats.size() == 1 ? 0 : static_cast<std::size_t>(i)];
  };
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < size; ++i) total = detail::checked_sum(check, along, {total, count_of(i)});
  Array positions = Array::empty({total}, DType::int64);
  auto* next = positions.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < size; ++i) next = std::fill_n(next, count_of(i), i);
  return taken("repeat", axis ? x : flatten(x), along, positions);
}

Variable tile(const Variable& x, const std::vector<std::int64_t>& reps) {
  const ArgumentCheck check = detail::check_defined("tile", x);
  check_counts(check, "reps", reps);
  Shape shape = x.shape();
  if (reps.size() > x.rank()) {
    std::vector<std::int64_t> sizes(reps.size() - x.rank(), 1);
    sizes.insert(sizes.end(), x.shape().begin(), x.shape().end());
    shape = Shape(sizes);
  }
  Variable y = reshape(x, shape);
  // The last axes first, while the others are still short.
  for (std::size_t i = 1; i <= reps.size(); ++i) {
    const std::int64_t count = reps[reps.size() - i];
    if (count == 1) continue;
    const std::size_t axis = shape.rank() - i;
    Array positions = Array::empty({Shape{count, shape[axis]}.size()}, DType::int64);
    auto* position = positions.mutable_data<std::int64_t>();
    for (std::int64_t k = 0; k < positions.size(); ++k) position[k] = k % shape[axis];
    y = taken("tile", y, axis, positions);
  }
  return y;
}

}  // namespace fathom::ops
