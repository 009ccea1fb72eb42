// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/rules/movement.hpp>

#include <algorithm>

namespace fathom::ops::detail {
namespace {

bool any_repeats(const Views& views) {
  return std::any_of(views.begin(), views.end(), [](const View& view) { return view.repeats(); });
}

/// Whether `xs` leave no element of the base unwritten, and write none twice.
bool covers(std::span<const Array> xs, const Views& views) {
  std::int64_t written = 0;
  for (const Array& x : xs) written += x.defined() ? x.size() : 0;
  return !any_repeats(views) && written == views[0].base().size();
}

}  // namespace

Arrays gather(const Array& x, const Views& views) {
  Arrays ys;
  ys.reserve(views.size());
  for (const View& view : views) ys.push_back(gather(x, view));
  return ys;
}

Variable gather(const Variable& x, const View& view) {
  return linear_map(x, Gather{"gather", {view}, {{"shape", to_string(view.shape())}}})[0];
}

Array scatter(std::span<const Array> xs, const Views& views, double fill) {
  const Shape& shape = views[0].base();
  const auto first = std::find_if(xs.begin(), xs.end(), [](const Array& x) { return x.defined(); });
  Array y =
      covers(xs, views) ? Array::empty(shape, first->dtype()) : Array::full(shape, fill, first->dtype());
  for (std::size_t k = 0; k < xs.size(); ++k) {
    if (!xs[k].defined()) continue;
    if (views[k].repeats()) {
      scatter_add(xs[k], views[k], y);
    } else {
      fathom::scatter(xs[k], views[k], y);
    }
  }
  return y;
}

Variable scatter(std::span<const Variable> xs, const Views& views) {
  Variables moved;
  Scatter rule{"scatter", {}, {{"shape", to_string(views[0].base())}}};
  for (std::size_t k = 0; k < xs.size(); ++k) {
    if (!xs[k].defined()) continue;
    moved.push_back(xs[k]);
    rule.views.push_back(views[k]);
  }
  return linear_map(std::span<const Variable>(moved), std::move(rule));
}

void Gather::add_adjoint(std::span<const Array> gys, Array& gx) const {
  for (std::size_t k = 0; k < gys.size(); ++k) {
    if (gys[k].defined()) scatter_add(gys[k], views[k], gx);
  }
}

}  // namespace fathom::ops::detail
