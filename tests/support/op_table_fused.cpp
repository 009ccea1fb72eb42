// SPDX-License-Identifier: BSD-3-Clause
// Batch normalization with what follows it in the same pass.
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <cmath>

#include <fathom/core/random.hpp>
#include <fathom/ops/batch_normalization.hpp>

namespace fathom::test {
namespace {

using In = Variables;
using Call = std::function<Variable(const In&, Activation, const std::optional<Axes>&)>;

Variable trained(const In& in, Activation activation, const std::optional<Axes>& axis) {
  return ops::batch_normalization(
      in[0], in[1], in[2], nullptr,
      {.eps = 0.1, .axis = axis, .activation = activation, .residual = in.size() > 3 ? in[3] : Variable{}});
}

Variable fixed(const In& in, Activation activation, const std::optional<Axes>& axis) {
  return ops::fixed_batch_normalization(
      in[0], in[1], in[2], in[3], in[4],
      {.eps = 0.1, .axis = axis, .activation = activation, .residual = in.size() > 5 ? in[5] : Variable{}});
}

bool far_from_kinks(const Array& values) {
  for (std::int64_t i = 0; i < values.size(); ++i) {
    const double value = values.data<double>()[i];
    if (std::abs(value) < 0.05 || std::abs(value - 6) < 0.05) return false;
  }
  return true;
}

/// x, gamma, beta, and what else belongs to the op, from the first seed for which no value before the
/// activation is near 0 or 6. About a third of them are below 0, some above 6.
Arrays inputs_of(const Call& call, const Shape& x, const std::optional<Axes>& axis, const Shape& channels,
                 bool is_fixed, bool has_residual) {
  for (std::uint64_t seed = 100;; ++seed) {
    const auto between = [&](std::uint64_t stream, const Shape& shape, double low, double high) {
      return uniform({seed, stream}, shape, low, high, DType::float64);
    };
    Arrays result{between(0, x, -2, 2), between(1, channels, 2, 4), between(2, channels, 0, 4)};
    if (is_fixed) {
      result.push_back(between(3, channels, -1, 1));
      result.push_back(between(4, channels, 0.5, 2));
    }
    if (has_residual) result.push_back(between(5, x, -1, 1));
    In in;
    for (const Array& array : result) in.emplace_back(array);
    if (far_from_kinks(call(in, Activation::none, axis).data())) return result;
  }
}

}  // namespace

void add_fused_normalization(std::vector<OpCase>& cases) {
  struct Layout {
    std::string text;
    Shape x;
    std::optional<Axes> axis;
    Shape channels;
  };
  const std::vector<Layout> layouts{{" (n, c, h, w)", {3, 2, 2, 2}, std::nullopt, {2}},
                                    {" (n, c)", {6, 4}, std::nullopt, {4}},
                                    {" axis 0", {4, 2, 3}, Axes{0}, {2, 3}},
                                    {" axis 1, channels apart", {2, 5, 2}, Axes{1}, {2, 2}}};
  for (const Layout& layout : layouts) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      for (const bool has_residual : {false, true}) {
        if (activation == Activation::none && !has_residual) continue;
        const std::string text =
            layout.text + ", " + std::string(to_string(activation)) + (has_residual ? ", residual" : "");
        for (const bool is_fixed : {false, true}) {
          const Call call = is_fixed ? fixed : trained;
          cases.push_back(
              {(is_fixed ? "fixed_batch_normalization" : "batch_normalization") + text,
               [call, activation, axis = layout.axis](const In& in) { return call(in, activation, axis); },
               inputs_of(call, layout.x, layout.axis, layout.channels, is_fixed, has_residual)});
        }
      }
    }
  }
}

}  // namespace fathom::test
