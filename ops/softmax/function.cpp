// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/autograd/function.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/softmax.hpp>
#include <fathom/ops/softmax/passes.hpp>

namespace fathom::ops {

namespace {

using softmax_family::Lines;

struct Softmax {
  static constexpr std::string_view name = "softmax";
  static Array value(const Lines& lines, const Array& x) {
    return softmax_family::softmax(lines, x, softmax_family::normalizers(lines, x));
  }
  static Variable gradient(const Variable& y, const Variable& gy, std::int64_t axis) {
    const Variable product = y * gy;
    return product - y * sum(product, {.axis = Axes{axis}, .keepdims = true});
  }
  static constexpr auto gradient_arrays = softmax_family::softmax_gradient;
};

struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax";
  static Array value(const Lines& lines, const Array& x) {
    return softmax_family::log_softmax(lines, x, softmax_family::normalizers(lines, x));
  }
  static Variable gradient(const Variable& y, const Variable& gy, std::int64_t axis) {
    return gy - exp(y) * sum(gy, {.axis = Axes{axis}, .keepdims = true});
  }
  static constexpr auto gradient_arrays = softmax_family::log_softmax_gradient;
};

/// Either op: both keep their result, and read nothing else for the gradient.
template <class Op>
class AlongAxis final : public Function {
 public:
  explicit AlongAxis(std::int64_t axis) : axis_(axis) {}
  std::string_view name() const override { return Op::name; }
  Attributes attributes() const override { return {{"axis", fmt::format("{}", axis_)}}; }

  Arrays forward(std::span<const Array> inputs) override {
    retain_output(0);
    return {Op::value(lines(inputs[0]), inputs[0])};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {Op::gradient(output(0), gys[0], axis_)};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const Array& y = output_array(0);
    const bool accumulate = into[0].accumulates();
    Op::gradient_arrays(lines(y), y, gys[0], accumulate, into[0].buffer());
  }

 private:
  [[nodiscard]] Lines lines(const Array& array) const {
    return detail::lines_along(array.shape(), static_cast<std::size_t>(axis_));
  }

  std::int64_t axis_;  // not negative
};

template <class Op>
Variable along_axis(const Variable& x, std::int64_t axis) {
  const ArgumentCheck check = detail::check_defined(Op::name, x);
  return apply<AlongAxis<Op>>({x}, static_cast<std::int64_t>(check.axis(axis, x.rank())));
}

}  // namespace

Variable softmax(const Variable& x, std::int64_t axis) { return along_axis<Softmax>(x, axis); }
Variable log_softmax(const Variable& x, std::int64_t axis) { return along_axis<LogSoftmax>(x, axis); }

}  // namespace fathom::ops
