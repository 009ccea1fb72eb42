// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/dropout.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/check.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops {

namespace {

/// A linear map that is its own adjoint. backward makes the random numbers again, which keeps nothing alive.
struct Dropout {
  static constexpr std::string_view name = "dropout";
  double ratio;
  RandomKey key;  ///< of this application alone
  [[nodiscard]] Array value(const Array& x) const;
  [[nodiscard]] Array adjoint(const Array& gy) const { return value(gy); }
  [[nodiscard]] Variable adjoint(const Variable& gy) const { return detail::linear_map(gy, *this); }
  [[nodiscard]] Attributes attributes() const { return {{"ratio", fmt::format("{}", ratio)}}; }
};

/// Element i looks at word i % 4 of the random bits number i / 4.
Array Dropout::value(const Array& x) const {
  constexpr std::int64_t kWords = 4;
  constexpr std::int64_t kGrain = 1 << 10;
  Array y = Array::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), name, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    const auto least_kept = static_cast<std::uint32_t>(ratio * 0x1p32);
    const T factors[] = {0, static_cast<T>(1 / (1 - ratio))};
    parallel_for((x.size() + kWords - 1) / kWords, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        const auto words = random_bits(key, static_cast<std::uint64_t>(block));
        const std::int64_t last = std::min(x.size(), (block + 1) * kWords);
        for (std::int64_t i = block * kWords; i < last; ++i) {
          // An index, not a branch, which nothing could predict.
          out[i] = in[i] * factors[words[static_cast<std::size_t>(i % kWords)] >= least_kept];
        }
      }
    });
  });
  return y;
}

/// Philox permutes 128 bits, so different counters and streams of a seed give different keys.
RandomKey key_of_application(RandomKey key, std::uint64_t counter) {
  const auto join = [](std::uint32_t upper, std::uint32_t lower) {
    return std::uint64_t{upper} << 32 | lower;
  };
  const auto words = random_bits(key, counter);
  return {join(words[0], words[1]), join(words[2], words[3])};
}

void check_ratio(const ArgumentCheck& check, double ratio) {
  FATHOM_CHECK(check.hint("it is the share that is dropped, not the share that is kept"),
               ratio >= 0 && ratio < 1, ValueError, "ratio must be at least 0 and less than 1 (it is {})",
               ratio);
}

}  // namespace

Variable dropout(const Variable& x, const DropoutOptions& options, RandomKey key, std::uint64_t counter) {
  ArgumentCheck check(Dropout::name);
  check.argument("x", detail::array_or_undefined(x)).defined();
  check_ratio(check, options.ratio);
  return detail::linear_map(x, Dropout{options.ratio, key_of_application(key, counter)});
}

Variable stochastic_depth(const Variable& x, const DropoutOptions& options, RandomKey key,
                          std::uint64_t counter) {
  ArgumentCheck check("stochastic_depth");
  check.argument("x", detail::array_or_undefined(x), "(n, ...)").floating();
  FATHOM_CHECK(check.hint("samples lie along axis 0"), x.rank() > 0, ShapeError,
               "x must have at least 1 axis (n, ...) (it has 0)");
  check_ratio(check, options.ratio);
  Shape samples = x.shape();
  std::fill_n(&samples[0] + 1, samples.rank() - 1, 1);
  const Dropout drop{options.ratio, key_of_application(key, counter)};
  return mul(x, Variable(drop.value(Array::ones(samples, x.dtype()))));
}

Variable dropout(const Variable& x, const Array& mask) {
  ArgumentCheck check(Dropout::name);
  check.argument("x", detail::array_or_undefined(x)).argument("mask", mask);
  check.same_dtype().shape(x.shape(), "that of x");
  return mul(x, Variable(mask));
}

}  // namespace fathom::ops
