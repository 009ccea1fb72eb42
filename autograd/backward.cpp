// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/backward.hpp>

#include <fmt/format.h>

#include <fathom/autograd/engine/graph_engine.hpp>
#include <fathom/core/check.hpp>

namespace fathom {
namespace {

/// The output gradients, with ones where none is given.
Variables complete(std::string_view who, std::span<const Variable> ys, std::span<const Variable> gys) {
  if (!gys.empty() && gys.size() != ys.size()) {
    throw ValueError(
        fmt::format("{}: each output needs its gradient ({} outputs, {} gradients)\n  hint: leave all out, "
                    "or give one for each; Variable{{}} stands for ones",
                    who, ys.size(), gys.size()));
  }
  const Array undefined;
  Variables result;
  for (std::size_t i = 0; i < ys.size(); ++i) {
    ArgumentCheck check(who);
    check.argument("y", ys[i].defined() ? ys[i].data() : undefined).defined();
    if (!ys[i].requires_grad()) {
      check.fail<GraphError>(
          fmt::format("y has no graph to go back through{}",
                      ys.size() > 1 ? fmt::format(" (output {})", i) : ""),
          "it depends on no variable that requires a gradient, or it was made within NoGradScope");
    }
    if (gys.empty() || !gys[i].defined()) {
      if (ys[i].size() != 1) {
        check.fail<ShapeError>(fmt::format("y must have one element (it has {})", ys[i].size()),
                               "reduce it with ops::sum or ops::mean, or pass its gradient");
      }
      result.emplace_back(Array::ones(ys[i].shape(), ys[i].dtype()));
    } else {
      check.argument("gy", gys[i].data()).shape(ys[i].shape(), "that of y").same_dtype();
      result.push_back(gys[i]);
    }
  }
  return result;
}

}  // namespace

void backward(const Variable& y, const BackwardOptions& options) { backward(std::span(&y, 1), {}, options); }

void backward(std::span<const Variable> ys, std::span<const Variable> gys, const BackwardOptions& options) {
  const Variables gradients = complete("backward", ys, gys);
  detail::GraphEngine engine(options, {});
  engine.start(ys, gradients);
  engine.run();
  engine.commit();
}

Variables grad(std::span<const Variable> ys, std::span<const Variable> xs, std::span<const Variable> gys,
               const BackwardOptions& options) {
  const Variables gradients = complete("grad", ys, gys);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (!xs[i].requires_grad()) {
      throw GraphError(fmt::format(
          "grad: x {} does not require a gradient\n  hint: make it with requires_grad = true", i));
    }
  }
  if (xs.empty()) return {};
  detail::GraphEngine engine(options, xs);
  engine.start(ys, gradients);
  engine.run();
  Variables results;
  for (const Variable& x : xs) {
    Variable result = engine.result(x);
    // What a function passed on may be the caller's own gy, or another result.
    if (result.defined() && !options.create_graph && !result.data().is_unique())
      result = Variable(result.data().copy());
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace fathom
