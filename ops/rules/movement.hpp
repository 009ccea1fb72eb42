// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <fathom/core/view.hpp>
#include <fathom/ops/rules/linear_map.hpp>

/// The two maps that all ops that move elements are made of, each the other's adjoint. An op says along which
/// views it moves, and has its gradients of every order:
///
///     return linear_map(x, Gather{"get_item", {index_view("get_item", x.data(), indices)}});
///
/// The views of one map have one base, and no element of the base is in two of them.
namespace fathom::ops::detail {

using Views = std::vector<View>;

/// What the views show of x.
[[nodiscard]] Arrays gather(const Array& x, const Views& views);
using fathom::gather;
[[nodiscard]] Variable gather(const Variable& x, const View& view);

/// An array of the views' base, `fill` where nothing falls: each of `xs` that is defined goes where its view
/// says, and what falls on one element is added up.
[[nodiscard]] Array scatter(std::span<const Array> xs, const Views& views, double fill = 0);
[[nodiscard]] Variable scatter(std::span<const Variable> xs, const Views& views);

/// One input, an output for each view.
struct Gather {
  std::string_view name;
  Views views;
  Attributes options = {};

  [[nodiscard]] Arrays values(const Array& x) const { return gather(x, views); }
  template <class V>
  [[nodiscard]] V adjoint(std::span<const V> gys) const {
    return scatter(gys, views);
  }
  void add_adjoint(std::span<const Array> gys, Array& gx) const;
  [[nodiscard]] Attributes attributes() const { return options; }
};

/// An input for each view, one output. It is linear, but for `fill`, which is a constant.
struct Scatter {
  std::string_view name;
  Views views;
  Attributes options = {};
  double fill = 0;

  [[nodiscard]] Array value(std::span<const Array> xs) const { return scatter(xs, views, fill); }
  [[nodiscard]] auto adjoint(const auto& gy, std::size_t i) const { return gather(gy, views[i]); }
  [[nodiscard]] Attributes attributes() const { return options; }
};

}  // namespace fathom::ops::detail
