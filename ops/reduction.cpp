// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/reduction.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/rules/linear_map.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::ops {
namespace {

Attributes attributes_of(const ReductionOptions& options) {
  return {{"axis", options.axis ? fmt::format("[{}]", fmt::join(*options.axis, ", ")) : "all"},
          {"keepdims", fmt::format("{}", options.keepdims)}};
}

struct Sum {
  static constexpr std::string_view name = "sum";
  Shape from, kept;  ///< `kept`: the reduced axes with size 1
  ReductionOptions options;
  [[nodiscard]] Array value(const Array& x) const { return fathom::sum(x, options.axis, options.keepdims); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return broadcast_to(reshape(gy, kept), from); }
  [[nodiscard]] Attributes attributes() const { return attributes_of(options); }
};

/// Sum in the name of `op`, which is what errors speak of.
Variable sum_for(std::string_view op, const Variable& x, const ReductionOptions& options) {
  const ArgumentCheck check = detail::check_defined(op, x);
  Shape kept = reduced_shape(check, x.shape(), options.axis, true);
  return detail::linear_map(x, Sum{x.shape(), kept, options});
}

/// Max or min: `reduce` is core's function of the same name.
class Extremum final : public Function {
 public:
  using Reduce = Array (*)(const Array&, const std::optional<Axes>&, bool);
  Extremum(std::string_view name, Reduce reduce, ReductionOptions options)
      : name_(name), reduce_(reduce), options_(std::move(options)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] Attributes attributes() const override { return attributes_of(options_); }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    retain_input(0);
    retain_output(0);
    return {reduce_(inputs[0], options_.axis, options_.keepdims)};
  }
  [[nodiscard]] Variables backward(const Wanted& /*wanted*/, std::span<const Variable> gys) override {
    return {gradient(gys[0])};
  }
  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& /*wanted*/, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    into[0].give(gradient(gys[0]));
  }

 private:
  /// Which elements are extremal does not change with them, so the gradient is linear in gy.
  template <class V>
  [[nodiscard]] V gradient(const V& gy) const {
    const Array& x = input_array(0);
    const Shape kept = reduced_shape(ArgumentCheck(name_), x.shape(), options_.axis, true);
    const Array is_extremal = equal(x, fathom::broadcast_to(output_array(0).reshape(kept), x.shape()));
    const V zero{Array::scalar(0, gy.dtype())};
    return where(is_extremal, broadcast_to(reshape(gy, kept), x.shape()), zero);
  }

  std::string_view name_;
  Reduce reduce_;
  ReductionOptions options_;
};

Variable extremum(std::string_view op, Extremum::Reduce reduce, const Variable& x,
                  const ReductionOptions& options) {
  detail::check_defined(op, x);
  return apply<Extremum>({x}, op, reduce, options);
}

/// Mean in the name of `op`.
Variable mean_for(std::string_view op, const Variable& x, const ReductionOptions& options) {
  const Variable total = sum_for(op, x, options);
  const std::int64_t count = x.size() / std::max<std::int64_t>(1, total.size());
  return div_scalar(total, static_cast<double>(count));
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

Variable detail::reduced(const Variable& terms, Reduce reduce, std::int64_t count) {
  if (reduce == Reduce::no) return terms;
  const Variable total = sum(terms);
  return reduce == Reduce::sum ? total : total / static_cast<double>(count);
}

Variable sum(const Variable& x, const ReductionOptions& options) { return sum_for("sum", x, options); }

Variable mean(const Variable& x, const ReductionOptions& options) { return mean_for("mean", x, options); }

Variable average(const Variable& x, const Variable& weights, const ReductionOptions& options) {
  if (!weights.defined()) return mean_for("average", x, options);
  ArgumentCheck check("average");
  check.argument("x", detail::array_or_undefined(x)).argument("weights", weights.data()).same_dtype();
  if (!options.axis) {
    check.shape(x.shape(), "that of x, since no axis is named");
    return sum(x * weights, options) / sum(weights);
  }
  const std::vector<std::size_t> axes = check.axes(*options.axis, x.rank());
  FATHOM_CHECK(check.hint("leave axis out and give each element of x a weight"), axes.size() == 1, ValueError,
               "weights go along one axis (axis names {})", axes.size());
  check.shape({x.shape()[axes[0]]}, "the size of the axis that is named");
  Shape column;
  for (std::size_t axis = axes[0]; axis < x.rank(); ++axis) column.push_back(1);
  column[0] = weights.size();
  return sum(x * reshape(weights, column), options) / sum(weights);
}

Variable prod(const Variable& x, const ReductionOptions& options) {
  const ArgumentCheck check = detail::check_defined("prod", x);
  const Shape shape = reduced_shape(check, x.shape(), options.axis, options.keepdims);
  Axes first = options.axis.value_or(Axes{});
  if (!options.axis) {
    for (std::size_t axis = 0; axis < x.rank(); ++axis) first.push_back(static_cast<std::int64_t>(axis));
  }
  std::int64_t count = 1;
  for (const std::int64_t axis : first) count *= x.shape(axis);
  Axes places(first.size());
  std::iota(places.begin(), places.end(), std::int64_t{0});
  Variable y = reshape(moveaxis(x, first, places), {count, shape.size()});
  // A tree of products, filled up with ones: gradients that divide by x would have no value at 0.
  const auto leaves = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(count)));
  y = pad(y, {{0, leaves - count}, {0, 0}}, {.value = 1});
  while (y.shape(0) > 1) {
    const Variables halves = split_axis(y, 2, 0);
    y = halves[0] * halves[1];
  }
  return reshape(y, shape);
}

Variable logsumexp(const Variable& x, const ReductionOptions& options) {
  const ArgumentCheck check = detail::check_defined("logsumexp", x);
  const Shape shape = reduced_shape(check, x.shape(), options.axis, options.keepdims);
  FATHOM_CHECK(check.hint("leave empty arrays out"), x.size() != 0 || shape.size() == 0, ValueError,
               "x must have elements to add up ({} to {})", to_string(x.shape()), to_string(shape));
  const Array largest = fathom::max(x.data(), options.axis, true);
  const double inf = std::numeric_limits<double>::infinity();
  const Array is_zero = equal(largest, Array::full(largest.shape(), -inf, x.dtype()));
  // An infinite largest element cannot be subtracted; where all are -inf, 1 keeps log away from 0.
  const Variable shift{
      map("logsumexp", largest, [](auto v) { return std::isfinite(v) ? v : decltype(v){0}; })};
  const Variable total = sum(exp(x - shift), {.axis = options.axis, .keepdims = true});
  const Variable one{Array::scalar(1, x.dtype())};
  return reshape(log(where(is_zero, one, total)) + Variable{largest}, shape);
}

Variable max(const Variable& x, const ReductionOptions& options) {
  return extremum("max", fathom::max, x, options);
}
Variable min(const Variable& x, const ReductionOptions& options) {
  return extremum("min", fathom::min, x, options);
}

}  // namespace fathom::ops
