// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/activation.hpp>
#include <fathom/core/dtype.hpp>
#include <fathom/core/shape.hpp>

#include "benchmarks/measure.hpp"

namespace fathom::benchmarks {

enum class Pass : std::uint8_t {
  forward,     ///< the op, with all inputs that can have gradients requiring them, as in training
  backward_x,  ///< the engine's grad() with respect to x alone
  backward_w   ///< the same with respect to the op's parameters, without its bias
};
[[nodiscard]] std::string_view to_string(Pass pass);

/// What one measurement is about; an option that was not given has the op's default.
struct OpSettings {
  std::string op;
  Shape shape;
  std::optional<std::int64_t> out_channels, kernel, stride, pad;
  std::int64_t dilation = 1, multiplier = 1, groups = 1;
  bool bias = false;
  Activation activation = Activation::none;
  bool residual = false;
  bool cover_all = false;
  Pass pass = Pass::forward;
  int threads = 1;
  DType dtype = DType::float32;
  Budget budget;
};

/// Settings from the words of a command line. Throws ValueError for words that are no options or not the
/// op's.
[[nodiscard]] OpSettings parse_op_settings(const std::vector<std::string>& words);

}  // namespace fathom::benchmarks
