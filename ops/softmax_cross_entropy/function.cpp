// SPDX-License-Identifier: BSD-3-Clause
#include <utility>

#include <fmt/format.h>

#include <fathom/autograd/function.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/softmax.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::ops {

namespace {

using cross_entropy::Problem;

class SoftmaxCrossEntropy final : public Function {
 public:
  explicit SoftmaxCrossEntropy(Problem problem)
      : problem_(std::move(problem)), weighted_(problem_.class_weight.defined()) {}
  std::string_view name() const override { return "softmax_cross_entropy"; }
  Attributes attributes() const override {
    const SoftmaxCrossEntropyOptions& options = problem_.options;
    return {{"ignore_label", fmt::format("{}", options.ignore_label)},
            {"normalize", fmt::format("{}", options.normalize)},
            {"reduce", std::string(to_string(options.reduce))},
            {"label_smoothing", fmt::format("{}", options.label_smoothing)},
            {"soft_target_loss",
             options.soft_target_loss == SoftTargetLoss::cross_entropy ? "cross_entropy" : "kl_divergence"}};
  }

  Arrays forward(std::span<const Array> inputs) override {
    retain_input(0);
    const Array normalizers = softmax_family::normalizers(problem_.lines, inputs[0]);
    const Array losses = cross_entropy::losses(problem_, inputs[0], normalizers);
    // t and class_weight are no inputs of the graph; retained, they are looked after all the same.
    retain("normalizers", normalizers);
    retain("t", std::exchange(problem_.t, {}));
    if (weighted_) retain("class_weight", std::exchange(problem_.class_weight, {}));
    return {(problem_.options.reduce == Reduce::no ? losses : fathom::sum(losses)).astype(inputs[0].dtype())};
  }

  /// gx = gy * (sum(q) * softmax(x) - q)
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const DType dtype = gys[0].dtype();
    const cross_entropy::Targets targets = cross_entropy::targets(kept_problem(), dtype);
    // Where nothing counts the score may be NaN, which no factor 0 would undo.
    const Variable x =
        where(targets.total.astype(DType::boolean), input(0), Variable(Array::scalar(0, dtype)));
    const Variable difference = softmax(x) * Variable(targets.total) - Variable(targets.q);
    const bool each = problem_.options.reduce == Reduce::no;
    return {difference * (each ? reshape(gys[0], targets.total.shape()) : gys[0])};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    into[0].give(
        cross_entropy::input_gradient(kept_problem(), input_array(0), retained("normalizers"), gys[0]));
  }

 private:
  /// With t and class_weight as they were, or a GraphError.
  [[nodiscard]] Problem kept_problem() const {
    Problem problem = problem_;
    problem.t = retained("t");
    if (weighted_) problem.class_weight = retained("class_weight");
    return problem;
  }

  Problem problem_;  // after forward without its arrays, which are retained
  bool weighted_;
};

}  // namespace

Variable softmax_cross_entropy(const Variable& x, const Array& t, const SoftmaxCrossEntropyOptions& options,
                               const Array& class_weight) {
  return apply<SoftmaxCrossEntropy>(
      {x}, cross_entropy::check(detail::array_or_undefined(x), t, options, class_weight));
}

}  // namespace fathom::ops
