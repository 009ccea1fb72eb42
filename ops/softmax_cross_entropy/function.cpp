// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/argument.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>

namespace fathom::ops {

namespace {

using cross_entropy::Problem;

/// softmax along axis 1, for the gradient's own graph.
class Softmax final : public Function {
 public:
  Softmax(Problem problem, Array normalizers)
      : problem_(std::move(problem)), normalizers_(std::move(normalizers)) {}
  std::string_view name() const override { return "softmax"; }

  Arrays forward(std::span<const Array> inputs) override {
    retain_output(0);
    return {cross_entropy::softmax(problem_, inputs[0], normalizers_)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Variable y = output(0);
    const Variable product = y * gys[0];
    return {product - y * sum(product, {.axis = Axes{1}, .keepdims = true})};
  }

 private:
  Problem problem_;
  Array normalizers_;
};

class SoftmaxCrossEntropy final : public Function {
 public:
  explicit SoftmaxCrossEntropy(Problem problem)
      : problem_(std::move(problem)),
        t_version_(problem_.t.version()),
        weight_version_(problem_.class_weight.defined() ? problem_.class_weight.version() : 0) {}
  std::string_view name() const override { return "softmax_cross_entropy"; }
  Attributes attributes() const override {
    const SoftmaxCrossEntropyOptions& options = problem_.options;
    return {{"ignore_label", fmt::format("{}", options.ignore_label)},
            {"normalize", fmt::format("{}", options.normalize)},
            {"reduce", options.reduce == Reduce::mean ? "mean" : "no"}};
  }

  Arrays forward(std::span<const Array> inputs) override {
    retain_input(0);
    normalizers_ = cross_entropy::normalizers(problem_, inputs[0]);
    const Array losses = cross_entropy::losses(problem_, inputs[0], normalizers_);
    return {(problem_.options.reduce == Reduce::no ? losses : fathom::sum(losses)).astype(inputs[0].dtype())};
  }

  /// gx = gy * (sum(q) * softmax(x) - q)
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    require_unchanged();
    const Variable x = input(0);
    const cross_entropy::Targets targets = cross_entropy::targets(problem_, x.dtype());
    const Variable difference =
        apply<Softmax>({x}, problem_, normalizers_) * Variable(targets.total) - Variable(targets.q);
    const bool mean = problem_.options.reduce == Reduce::mean;
    return {difference * (mean ? gys[0] : reshape(gys[0], targets.total.shape()))};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    require_unchanged();
    const Array& x = input_array(0);
    const bool accumulate = into[0].accumulates();
    cross_entropy::input_gradient(problem_, x, normalizers_, gys[0], accumulate, into[0].buffer());
  }

 private:
  /// t and class_weight are no inputs of the graph, so it does not look after them.
  void require_unchanged() const {
    const bool weight_changed =
        problem_.class_weight.defined() && problem_.class_weight.version() != weight_version_;
    if (problem_.t.version() == t_version_ && !weight_changed) return;
    const std::string_view changed = weight_changed ? "class_weight" : "t";
    throw GraphError(
        fmt::format("softmax_cross_entropy: {} was changed in place after forward, so its gradient would be "
                    "wrong\n  {}: {}\n  "
                    "hint: run backward before changing it, or give a copy()",
                    changed, changed, describe(weight_changed ? problem_.class_weight : problem_.t)));
  }

  Problem problem_;
  std::uint64_t t_version_;
  std::uint64_t weight_version_;
  Array normalizers_;
};

}  // namespace

Variable softmax_cross_entropy(const Variable& x, const Array& t, const SoftmaxCrossEntropyOptions& options,
                               const Array& class_weight) {
  return apply<SoftmaxCrossEntropy>(
      {x}, cross_entropy::check(detail::array_or_undefined(x), t, options, class_weight));
}

}  // namespace fathom::ops
