// SPDX-License-Identifier: BSD-3-Clause
// Batch normalization works through groups of channels; each channel's result is its own.
#include <fathom/ops/batch_normalization.hpp>

#include <support/restore.hpp>

#include <catch2/catch.hpp>
#include <span>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/get_item.hpp>

using namespace fathom;

namespace {

struct Case {
  Shape x;
  Activation activation;
  bool has_residual;
};

/// x, gamma, beta, residual and gy, of which the channels [first, last) are taken.
struct Inputs {
  Array x, gamma, beta, residual, gy;
  [[nodiscard]] Inputs channels(std::int64_t first, std::int64_t last) const {
    const auto wide = [&](const Array& a) { return ops::get_item(a, {Slice{}, Slice{first, last}}); };
    const auto narrow = [&](const Array& a) { return ops::get_item(a, {Slice{first, last}}); };
    return {wide(x), narrow(gamma), narrow(beta), wide(residual), wide(gy)};
  }
};

/// y, the running statistics and the gradients.
std::vector<Array> results(const Case& c, const Inputs& in) {
  const Variable x(in.x, true), gamma(in.gamma, true), beta(in.beta, true), residual(in.residual, true);
  ops::RunningStatistics running{Array::zeros(in.gamma.shape(), in.x.dtype()),
                                 Array::ones(in.gamma.shape(), in.x.dtype())};
  const Variable y = ops::batch_normalization(
      x, gamma, beta, &running,
      {.activation = c.activation, .residual = c.has_residual ? residual : Variable{}});
  Variables inputs{x, gamma, beta};
  if (c.has_residual) inputs.push_back(residual);
  std::vector<Array> all{y.data(), running.mean, running.variance};
  const Variable gy(in.gy);
  for (const Variable& gradient : grad(std::span(&y, 1), inputs, std::span(&gy, 1)))
    all.push_back(gradient.data());
  return all;
}

}  // namespace

TEST_CASE("a channel's batch normalization does not depend on the channels it comes with",
          "[batch_normalization]") {
  const test::RestoreSettings restore;
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const int threads = GENERATE(1, 2, 5);
  // groups of one channel, of several, and of all, whose passes are shared out
  const Case c =
      GENERATE(Case{{9, 3, 130, 121}, Activation::relu, false}, Case{{64, 41, 9, 9}, Activation::relu6, true},
               Case{{40, 33, 14, 14}, Activation::none, false}, Case{{3, 50, 6, 6}, Activation::relu, true},
               Case{{140, 21, 2, 3}, Activation::relu, true});
  for (const Isa isa : supported_isas()) {
    CAPTURE(to_string(isa), to_string(c.x), to_string(dtype), threads);
    set_isa(isa);
    const auto drawn = [&](std::uint64_t stream, const Shape& shape) {
      return uniform({5, stream}, shape, -1, 3, dtype);
    };
    const Shape channels{c.x[1]};
    const Inputs all{drawn(0, c.x), drawn(1, channels), drawn(2, channels), drawn(3, c.x), drawn(4, c.x)};
    set_num_threads(threads);
    const std::vector<Array> whole = results(c, all);
    for (const std::int64_t first : {std::int64_t{0}, c.x[1] / 2, c.x[1] - 1}) {
      set_num_threads(1);
      const std::vector<Array> single = results(c, all.channels(first, first + 1));
      for (std::size_t i = 0; i < whole.size(); ++i) {
        const Array part = whole[i].rank() == 1 ? ops::get_item(whole[i], {Slice{first, first + 1}})
                                                : ops::get_item(whole[i], {Slice{}, Slice{first, first + 1}});
        INFO("result " << i << ", channel " << first);
        CHECK(identical(part, single[i]));
      }
    }
  }
}
