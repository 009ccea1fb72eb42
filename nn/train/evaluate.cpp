// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/evaluate.hpp>

#include <cmath>

#include <fathom/core/check.hpp>
#include <fathom/nn/trial_scope.hpp>
#include <fathom/ops/accuracy.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::nn::train {

namespace {

/// total += counts, both int64.
void add(Array& total, const Array& counts) {
  if (!total.defined()) total = Array::zeros(counts.shape(), DType::int64);
  auto* to = total.mutable_data<std::int64_t>();
  const auto* from = counts.data<std::int64_t>();
  for (std::int64_t i = 0; i < total.size(); ++i) to[i] += from[i];
}

std::int64_t diagonal_sum(const Array& matrix) {
  const std::int64_t classes = matrix.shape(0);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < classes; ++i) sum += matrix.data<std::int64_t>()[i * classes + i];
  return sum;
}

}  // namespace

Evaluation evaluate(Module& net, DataLoader loader, const Loss& loss) {
  ArgumentCheck("evaluate").at_least("batches", loader.size(), 1, "the loader has no image to look at");
  constexpr std::int64_t kTop = 5;
  Evaluation result;
  double loss_sum = 0, top_sum = 0;
  const TrialScope trial{net};
  for (const auto& [images, labels] : loader) {
    const Variable scores = net(Variable{images});
    const auto count = static_cast<double>(labels.size());
    loss_sum += (loss ? loss(scores, labels) : ops::softmax_cross_entropy(scores, labels)).item() * count;
    add(result.confusion, ops::confusion_matrix(scores, labels));
    const double top = scores.shape(1) > kTop ? ops::accuracy(scores, labels, {.top = kTop}).item() : 1;
    top_sum += std::round(top * count);  // a count of images
    result.images += labels.size();
  }
  const auto images = static_cast<double>(result.images);
  result.loss = loss_sum / images;
  result.accuracy = static_cast<double>(diagonal_sum(result.confusion)) / images;
  result.top5 = top_sum / images;
  return result;
}

}  // namespace fathom::nn::train
