// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/fold_batch_norm/layers.hpp>

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include <fathom/autograd/scopes.hpp>
#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>

namespace fathom::nn::detail {

namespace {

std::vector<double> numbers(const Array& array) {
  const Array values = array.astype(DType::float64);
  return {values.data<double>(), values.data<double>() + values.size()};
}

/// y = scale * convolution + shift
struct Channels {
  std::vector<double> scale, shift;

  explicit Channels(const BatchNorm2D& bn) : scale(numbers(bn.gamma.data())), shift(numbers(bn.beta.data())) {
    const std::vector<double> mean = numbers(bn.avg_mean.data()), variance = numbers(bn.avg_var.data());
    for (std::size_t c = 0; c < scale.size(); ++c) {
      scale[c] /= std::sqrt(variance[c] + bn.options().eps);
      shift[c] -= scale[c] * mean[c];
    }
  }
};

}  // namespace

bool fold(const BatchNorm2D& bn, Parameter& W, Parameter& b, std::int64_t outputs, std::int64_t multiplier) {
  require_initialized("fold", bn);
  if (bn.gamma.size() != outputs || bn.gamma.dtype() != W.dtype()) return false;
  const Channels channels(bn);
  Array scaled = W.data().copy();
  Array shifted = Array::empty({outputs}, W.dtype());
  dispatch_float(W.dtype(), "fold", [&]<class T>() {
    T* weights = scaled.mutable_data<T>();
    const T* bias = b.exists() ? b.data().data<T>() : nullptr;
    T* shifts = shifted.mutable_data<T>();
    const std::int64_t length = scaled.size() / outputs;
    const std::int64_t rows = outputs / multiplier;
    for (std::int64_t row = 0; row < outputs; ++row) {
      const auto output = static_cast<std::size_t>(row % rows * multiplier + row / rows);
      const double scale = channels.scale[output];
      for (std::int64_t i = row * length; i < (row + 1) * length; ++i) {
        weights[i] = static_cast<T>(scale * static_cast<double>(weights[i]));
      }
      const double own = bias == nullptr ? 0 : static_cast<double>(bias[output]);
      shifts[output] = static_cast<T>(channels.shift[output] + scale * own);
    }
  });
  W.set_data(std::move(scaled));
  if (b.exists()) {
    b.set_data(std::move(shifted));
  } else {
    b = Parameter(std::move(shifted));
    b.set_requires_grad(W.requires_grad());
  }
  return true;
}

void require_not_training(std::string_view layer, bool is_training) {
  if (!is_training) return;
  throw GraphError(
      fmt::format("{}: a batch normalization has been folded into it, so it cannot train\n  hint: call "
                  "eval(); to go on training, fold a copy of the model",
                  layer));
}

Variable add_residual(std::string_view layer, const Variable& y, const Variable& residual,
                      Activation activation) {
  ArgumentCheck check(layer);
  check.argument("result", y.data()).argument("residual", residual.data());
  check.shape(y.shape(), "that of the result").same_dtype();
  Variable sum = y;
  if (is_recording() && (y.requires_grad() || residual.requires_grad())) {
    sum = y + residual;
  } else {
    Array total = y.data();
    add_into(total, residual.data());
  }
  if (activation == Activation::none) return sum;
  return activation == Activation::relu ? ops::relu(sum) : ops::relu6(sum);
}

}  // namespace fathom::nn::detail
