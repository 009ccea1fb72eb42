// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/normalization.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/rules/linear_map.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::ops {
namespace {

using detail::array_or_undefined;

void check_eps(const ArgumentCheck& check, double eps) {
  FATHOM_CHECK(check.hint("eps keeps what is divided by away from 0; 1e-5 is usual"), eps >= 0, ValueError,
               "eps must be at least 0 (it is {})", eps);
}

/// x seen as (rows, ...), each row with mean 0 and variance 1: batch normalization of rows.
Variable standardize(const Variable& x, std::int64_t rows, double eps) {
  const Variable ones{Array::ones({rows}, x.dtype())};
  const Variable zeros{Array::zeros({rows}, x.dtype())};
  const Variable flat = reshape(x, {rows, x.size() / std::max<std::int64_t>(1, rows)});
  return reshape(batch_normalization(flat, ones, zeros, nullptr, {.eps = eps, .axis = Axes{1}}), x.shape());
}

Array sum_channels(const Array& x, std::int64_t before, std::int64_t after);
Variable sum_channels(const Variable& x, std::int64_t before, std::int64_t after);

/// The sum over the channels from `before` ones before each to `after` ones behind it.
struct ChannelSum {
  static constexpr std::string_view name = "local_response_normalization_sum";
  std::int64_t before, after;
  [[nodiscard]] Array value(const Array& x) const { return sum_channels(x, before, after); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return sum_channels(gy, after, before); }
  [[nodiscard]] Attributes attributes() const { return {}; }
};

Array sum_channels(const Array& x, std::int64_t before, std::int64_t after) {
  Array y = Array::zeros(x.shape(), x.dtype());
  const std::int64_t channels = x.shape(1);
  const std::int64_t planes = x.shape(0) * channels;
  const std::int64_t inner = x.size() / std::max<std::int64_t>(1, planes);
  dispatch_float(x.dtype(), ChannelSum::name, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    const std::int64_t grain = fathom::detail::kElementGrain / std::max<std::int64_t>(1, inner);
    parallel_for(planes, std::max<std::int64_t>(1, grain), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane) {
        const std::int64_t c = plane % channels;
        const std::int64_t last = std::min(channels - 1, c + after);
        for (std::int64_t other = std::max<std::int64_t>(0, c - before); other <= last; ++other) {
          const T* from = in + (plane - c + other) * inner;
          for (std::int64_t i = 0; i < inner; ++i) out[plane * inner + i] += from[i];
        }
      }
    });
  });
  return y;
}

Variable sum_channels(const Variable& x, std::int64_t before, std::int64_t after) {
  return detail::linear_map(x, ChannelSum{before, after});
}

}  // namespace

Variable layer_normalization(const Variable& x, const Variable& gamma, const Variable& beta,
                             const LayerNormalizationOptions& options) {
  ArgumentCheck check("layer_normalization");
  check.argument("x", array_or_undefined(x), "(n..., d...)")
      .argument("gamma", array_or_undefined(gamma), "(d...)")
      .argument("beta", array_or_undefined(beta), "(d...)")
      .defined();
  const std::size_t rank = x.shape().rank();
  const std::size_t normalized = gamma.shape().rank();
  FATHOM_CHECK(check.hint("gamma has the shape of the axes of x that are normalized, the last ones"),
               normalized >= 1 && normalized <= rank, ShapeError,
               "gamma must have from 1 to {} axes, as many as x (it has {})", rank, normalized);
  Shape outer, inner;
  for (std::size_t a = 0; a < rank; ++a) (a < rank - normalized ? outer : inner).push_back(x.shape()[a]);
  for (const std::string_view name : {"gamma", "beta"}) {
    check.select(name).same_dtype().shape(inner, "that of the last axes of x");
  }
  check_eps(check, options.eps);
  return standardize(x, outer.size(), options.eps) * gamma + beta;
}

Variable group_normalization(const Variable& x, std::int64_t groups, const Variable& gamma,
                             const Variable& beta, const GroupNormalizationOptions& options) {
  ArgumentCheck check("group_normalization");
  check.argument("x", array_or_undefined(x), "(n, c, d...)")
      .argument("gamma", array_or_undefined(gamma), "(c)")
      .argument("beta", array_or_undefined(beta), "(c)")
      .defined();
  const std::size_t rank = x.shape().rank();
  FATHOM_CHECK(check.hint("axis 1 holds the channels"), rank >= 2, ShapeError,
               "x must have at least 2 axes (it has {})", rank);
  const std::int64_t channels = x.shape()[1];
  for (const std::string_view name : {"gamma", "beta"}) {
    check.select(name).same_dtype().shape({channels}, "a number for each channel of x");
  }
  check.at_least("groups", groups, 1, "1 normalizes all channels of a sample together");
  FATHOM_CHECK(check.hint("groups of neighbouring channels have all the same size"), channels % groups == 0,
               ValueError, "groups must divide the channels of x (x has {}, groups is {})", channels, groups);
  check_eps(check, options.eps);
  Shape wide{channels};
  for (std::size_t a = 2; a < rank; ++a) wide.push_back(1);
  return standardize(x, x.shape()[0] * groups, options.eps) * reshape(gamma, wide) + reshape(beta, wide);
}

Variable local_response_normalization(const Variable& x, const LocalResponseNormalizationOptions& options) {
  ArgumentCheck check("local_response_normalization");
  check.argument("x", array_or_undefined(x), "(n, c, d...)").defined();
  FATHOM_CHECK(check.hint("axis 1 holds the channels"), x.shape().rank() >= 2, ShapeError,
               "x must have at least 2 axes (it has {})", x.shape().rank());
  const std::int64_t n = options.n;
  check.at_least("n", n, 1, "it is the number of channels in a window");
  const bool is_sum = options.scale == ResponseScale::sum;
  const double alpha = is_sum ? options.alpha : options.alpha / static_cast<double>(n);
  const Variable sums = sum_channels(square(x), n / 2, is_sum ? n / 2 : (n - 1) / 2);
  return x * pow_scalar(sums * alpha + options.k, -options.beta);
}

Variable normalize(const Variable& x, const NormalizeOptions& options) {
  const ArgumentCheck check = detail::check_defined("normalize", x);
  static_cast<void>(reduced_shape(check, x.shape(), options.axis, true));
  check_eps(check, options.eps);
  const Variable squares = sum(square(x), {.axis = options.axis, .keepdims = true});
  // The root has no derivative at 0; there it is kept out of the gradient.
  const Array is_zero = equal(squares.data(), Array::zeros(squares.shape(), x.dtype()));
  const Variable zero{Array::scalar(0, x.dtype())};
  const Variable one{Array::scalar(1, x.dtype())};
  const Variable norm = where(is_zero, zero, sqrt(where(is_zero, one, squares)));
  return x / (norm + options.eps);
}

}  // namespace fathom::ops
