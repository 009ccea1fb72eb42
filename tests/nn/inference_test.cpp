// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <catch2/catch.hpp>

#include <fathom/autograd/scopes.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/fold_batch_norm.hpp>
#include <fathom/nn/models/mobilenet_v1.hpp>
#include <fathom/nn/models/mobilenet_v2.hpp>
#include <fathom/nn/summary.hpp>

using namespace fathom;

namespace {

struct Peaks {
  std::int64_t peak, left;  // bytes above what was in use before, at most and afterwards
};

Peaks predict(nn::Module& net, const Variable& x) {
  const NoGradScope no_graph;
  static_cast<void>(net(x));
  const std::int64_t before = memory_statistics().bytes_in_use;
  reset_peak_memory();
  static_cast<void>(net(x));
  return {memory_statistics().peak_bytes - before, memory_statistics().bytes_in_use - before};
}

/// Of `count` outputs one after the other, at most.
std::int64_t largest_run(const nn::Summary& summary, std::size_t count) {
  std::int64_t largest = 0;
  for (std::size_t end = count; end <= summary.rows.size(); ++end) {
    std::int64_t bytes = 0;
    for (std::size_t i = end - count; i < end; ++i) bytes += summary.rows[i].activation_bytes;
    largest = std::max(largest, bytes);
  }
  return largest;
}

// What kernels take beside inputs and outputs, for packed operands and padded images.
constexpr std::int64_t kScratch = 1 << 20;

}  // namespace

TEST_CASE("a prediction holds a block's input and what one layer reads and writes, not all outputs",
          "[inference]") {
  Random random{1};
  const bool folded = GENERATE(true, false);
  const auto check = [&](auto net) {
    net.eval();
    if (folded) nn::fold_batch_norm(net);
    const Variable x{normal(RandomKey{2, 2}, {2, 3, 160, 160}, 0, 1, DType::float32)};
    const nn::Summary summary = nn::summary(net, {3, 160, 160}, {.batch = 2});
    const Peaks peaks = predict(net, x);
    // A net's block and, if its batch normalization is a layer of its own, a convolution's block hold what
    // they were called with; the layer reads and writes.
    CHECK(peaks.peak < largest_run(summary, folded ? 3 : 4) + kScratch);
    CHECK(2 * peaks.peak < summary.total.activation_bytes);
    CHECK(peaks.left == 0);
  };
  SECTION("MobileNetV1") { check(nn::MobileNetV1{{}, random}); }
  SECTION("MobileNetV2, whose blocks add their input") { check(nn::MobileNetV2{{}, random}); }
}
