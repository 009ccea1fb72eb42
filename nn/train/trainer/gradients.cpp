// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/trainer/gradients.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/debug_scope.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/value_statistics.hpp>
#include <fathom/ops/accuracy.hpp>
#include <fathom/ops/arithmetic.hpp>

namespace fathom::nn::train::detail {

namespace {

/// The buffers of a module as they were when it was made.
class KeptBuffers {
 public:
  explicit KeptBuffers(const Module& net) {
    for (const NamedBuffer& buffer : net.named_buffers())
      buffers_.emplace_back(buffer.value, buffer.value.copy());
  }
  void put_back() {
    for (auto& [buffer, values] : buffers_) buffer.assign(values);
  }

 private:
  std::vector<std::pair<Array, Array>> buffers_;
};

StepSums run(Module& net, const Loss& loss, std::span<const Batch> batches) {
  std::int64_t images = 0;
  for (const Batch& batch : batches) images += batch.labels.size();
  StepSums sums{.images = images};
  for (const auto& [pixels, labels] : batches) {
    const Variable scores = net(Variable{pixels});
    const Variable mean = loss(scores, labels);
    const auto count = static_cast<double>(labels.size());
    sums.loss += mean.item() * count;
    sums.correct += std::llround(ops::accuracy(scores, labels).item() * count);
    backward(batches.size() == 1 ? mean : mean * (count / static_cast<double>(images)));
  }
  return sums;
}

bool is_finite(const StepSums& sums, const Variables& parameters) {
  return std::isfinite(sums.loss) &&
         std::all_of(parameters.begin(), parameters.end(), [](const Variable& parameter) {
           return !parameter.grad().defined() || all_finite(parameter.grad().data());
         });
}

}  // namespace

StepSums add_gradients(Module& net, const Variables& parameters, const Loss& loss,
                       std::span<const Batch> batches) {
  KeptBuffers buffers{net};
  const auto undo = [&] {
    for (Variable parameter : parameters) {
      if (parameter.defined()) parameter.zero_grad();
    }
    buffers.put_back();
  };
  try {
    const StepSums sums = run(net, loss, batches);
    if (is_finite(sums, parameters)) return sums;
    // Once more, looking at every result: too slow for each step.
    undo();
    const DebugScope debug;
    static_cast<void>(run(net, loss, batches));
    throw NumericError(
        fmt::format("loss {} or a gradient is not finite, and was finite when it was computed "
                    "again\n  hint: does the loss or a layer use numbers of its own?",
                    sums.loss));
  } catch (...) {
    undo();
    throw;
  }
}

}  // namespace fathom::nn::train::detail
