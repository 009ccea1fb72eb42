// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/reduction.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
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
  ArgumentCheck check(op);
  check.argument("x", detail::array_or_undefined(x)).defined();
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

Variable mean(const Variable& x, const ReductionOptions& options) {
  const Variable total = sum_for("mean", x, options);
  const std::int64_t count = x.size() / std::max<std::int64_t>(1, total.size());
  return div_scalar(total, static_cast<double>(count));
}

Variable max(const Variable& x, const ReductionOptions& options) {
  return extremum("max", fathom::max, x, options);
}
Variable min(const Variable& x, const ReductionOptions& options) {
  return extremum("min", fathom::min, x, options);
}

}  // namespace fathom::ops
