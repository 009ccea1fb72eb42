// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/dropout.hpp>

#include <fmt/format.h>

#include <fathom/autograd/recomputation.hpp>
#include <fathom/core/check.hpp>

namespace fathom::nn::detail {

RandomDrop::RandomDrop(std::string_view layer, Drop drop, double ratio, Random& random)
    : drop_(drop), ratio_(ratio) {
  const ArgumentCheck check(layer);
  FATHOM_CHECK(check.hint("it is the share that is dropped, not the share that is kept"),
               ratio >= 0 && ratio < 1, ValueError, "ratio must be at least 0 and less than 1 (it is {})",
               ratio);
  const RandomKey drawn = random.key();
  key = Buffer{
      Array::from({static_cast<std::int64_t>(drawn.seed), static_cast<std::int64_t>(drawn.stream)}, {2})};
  counter = Buffer{Array::zeros({}, DType::int64)};
}

Variable RandomDrop::forward(const Variable& x) {
  if (!is_training()) return x;
  const auto* bits = key.data().data<std::int64_t>();
  const RandomKey own{static_cast<std::uint64_t>(bits[0]), static_cast<std::uint64_t>(bits[1])};
  const std::uint64_t calls = repeated(static_cast<std::uint64_t>(*counter.data().data<std::int64_t>()));
  Variable y = drop_(x, {.ratio = ratio_}, own, calls);
  if (!is_recomputing()) ++*counter.mutable_data().mutable_data<std::int64_t>();
  return y;
}

}  // namespace fathom::nn::detail
