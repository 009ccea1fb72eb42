// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/linear.hpp>

#include <fmt/format.h>

#include <fathom/autograd/function.hpp>
#include <fathom/core/check.hpp>
#include <fathom/core/gemm.hpp>
#include <fathom/core/gemm/matrix.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/rules/fused_activation.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {
namespace {

std::int64_t product(const Shape& shape, std::size_t begin, std::size_t end) {
  std::int64_t result = 1;
  for (std::size_t axis = begin; axis < end; ++axis) result *= shape[axis];
  return result;
}

/// Inputs: x, W and perhaps b.
class Linear final : public Function {
 public:
  explicit Linear(const LinearOptions& options)
      : batch_axes_(static_cast<std::size_t>(options.n_batch_axes)), activation_(options.activation) {}

  [[nodiscard]] std::string_view name() const override { return "linear"; }
  [[nodiscard]] Attributes attributes() const override {
    Attributes result{{"n_batch_axes", fmt::format("{}", batch_axes_)}};
    if (activation_ != Activation::none) result.emplace_back("activation", to_string(activation_));
    return result;
  }

  [[nodiscard]] std::int64_t multiply_adds(std::span<const Array> inputs,
                                           std::span<const Array> outputs) const override {
    return outputs[0].size() * inputs[1].shape(1);
  }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    const Array& x = inputs[0];
    const Array& W = inputs[1];
    x_shape_ = x.shape();
    out_ = W.shape()[0];
    in_ = W.shape()[1];
    rows_ = product(x_shape_, 0, batch_axes_);
    retain_inputs({0, 1});
    if (activation_ != Activation::none) retain_output(0);
    Shape y_shape(std::span(x_shape_.begin(), batch_axes_));
    y_shape.push_back(out_);
    Array y = Array::empty(y_shape, x.dtype());
    dispatch_float(x.dtype(), name(), [&]<class T>() {
      const T* bias = inputs.size() > 2 ? inputs[2].data<T>() : nullptr;
      fathom::detail::matrix_product<T>({1, rows_, out_, in_}, {x.data<T>(), in_}, false, {W.data<T>(), in_},
                                        true, {y.mutable_data<T>(), out_}, false, {bias, activation_});
    });
    return {y};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables gradients(inputs().size());
    const Variable g =
        activation_ == Activation::none ? gys[0] : detail::through_activation(activation_, gys[0], output(0));
    const Variable gy = reshape(g, {rows_, out_});
    if (wanted[0]) gradients[0] = reshape(matmul(gy, input(1)), x_shape_);
    if (wanted[1]) gradients[1] = matmul(gy, reshape(input(0), {rows_, in_}), {.transpose_a = true});
    if (wanted[2]) gradients[2] = sum(gy, {.axis = Axes{0}});
    return gradients;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array g = activation_ == Activation::none
                        ? gys[0]
                        : detail::through_activation(activation_, gys[0], output_array(0));
    dispatch_float(g.dtype(), name(), [&]<class T>() {
      const T* gy = g.data<T>();
      if (wanted[0]) {
        const T* W = input_array(1).data<T>();
        const bool accumulates = into[0].accumulates();
        gemm<T>(false, false, rows_, in_, out_, gy, out_, W, in_, accumulates,
                into[0].buffer().mutable_data<T>(), in_);
      }
      if (wanted[1]) {
        const T* x = input_array(0).data<T>();
        const bool accumulates = into[1].accumulates();
        gemm<T>(true, false, out_, in_, rows_, gy, out_, x, in_, accumulates,
                into[1].buffer().mutable_data<T>(), in_);
      }
    });
    if (wanted[2]) into[2].give(fathom::sum(g.reshape({rows_, out_}), Axes{0}));
  }

 private:
  std::size_t batch_axes_;
  Activation activation_;
  Shape x_shape_;
  std::int64_t rows_ = 0, in_ = 0, out_ = 0;
};

void check_linear(const Variable& x, const Variable& W, const Variable& b, std::int64_t n_batch_axes) {
  ArgumentCheck check("linear");
  check.argument("x", detail::array_or_undefined(x), "(n..., d...)");
  check.argument("W", detail::array_or_undefined(W), "(out, in)");
  if (b.defined()) check.argument("b", b.data(), "(out)");
  check.select("x").floating().select("W").same_dtype().rank(2);
  if (b.defined()) check.select("b").same_dtype().rank(1);
  check.at_least("n_batch_axes", n_batch_axes, 1, "the first axis counts the samples; 1 is the default");
  const auto axes = static_cast<std::int64_t>(x.rank());
  if (axes <= n_batch_axes) {
    check.fail<ShapeError>(
        fmt::format("x must have at least one axis more than n_batch_axes (x has {}, n_batch_axes is {})",
                    axes, n_batch_axes),
        axes == 1 ? "a single sample is x.reshape({1, -1})"
                  : "lower n_batch_axes, or reshape x so that each sample has an axis of its own");
  }
  const std::int64_t in = product(x.shape(), static_cast<std::size_t>(n_batch_axes), x.rank());
  if (in != W.shape()[1]) {
    check.fail<ShapeError>(
        fmt::format("W must have as many columns as x has values in a sample (x has {}, W has {})", in,
                    W.shape()[1]),
        in == W.shape()[0]
            ? "W is (out, in), as in Chainer and PyTorch; yours looks like (in, out): transpose it"
            : "W is (out, in); in is the product of the sizes of x after the first n_batch_axes axes");
  }
  if (b.defined()) {
    FATHOM_CHECK(check.hint("leave b out, or give one value for each output"), b.shape()[0] == W.shape()[0],
                 ShapeError, "b must have one value for each row of W (b has {}, W has {})", b.shape()[0],
                 W.shape()[0]);
  }
}

}  // namespace

Variable linear(const Variable& x, const Variable& W, const Variable& b, const LinearOptions& options) {
  check_linear(x, W, b, options.n_batch_axes);
  if (!b.defined()) return apply<Linear>({x, W}, options);
  return apply<Linear>({x, W, b}, options);
}

}  // namespace fathom::ops
