// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <fathom/ops/rules/linear_map.hpp>

/// Maps that are linear along each spatial axis by itself: means over windows or bins, unpooling, resizing.
/// An op says which matrix acts along which axis, and has its gradients of every order:
///
///     return linear_map(x, Separable{"resize_images", "resize_images_grad", {vertical, horizontal}});
namespace fathom::ops::detail {

/// A sparse matrix that acts along one axis: y[i] = sum of weight * x[column] over the taps of row i.
struct AxisMatrix {
  struct Tap {
    std::int64_t column;
    double weight;
  };
  std::int64_t columns;
  std::vector<std::vector<Tap>> rows;
  double of_nothing = 0;  ///< the result of a row without taps

  /// One more row, with the same weight for the columns [first, last).
  void add_row(std::int64_t first, std::int64_t last, double weight);
  [[nodiscard]] AxisMatrix transposed() const;
};

/// One matrix for each of the last axes of x, in their order. The adjoint has the transposed ones.
struct Separable {
  std::string_view name, adjoint_name;
  std::vector<AxisMatrix> axes;
  Attributes options = {};

  [[nodiscard]] Array value(const Array& x) const;
  [[nodiscard]] Array adjoint(const Array& gy) const { return transposed().value(gy); }
  [[nodiscard]] Variable adjoint(const Variable& gy) const { return linear_map(gy, transposed()); }
  [[nodiscard]] Attributes attributes() const { return options; }

 private:
  [[nodiscard]] Separable transposed() const;
};

/// What a window's pixels are multiplied by: 1, 1 / (its pixels), 1 / (those of them inside the image).
enum class WindowWeight : std::uint8_t { one, share, inner_share };

/// Row i adds up window i, `before` pixels outside for i = 0, over an axis of `size` pixels.
[[nodiscard]] AxisMatrix window_matrix(std::int64_t size, std::int64_t count, std::int64_t extent,
                                       std::int64_t stride, std::int64_t before, WindowWeight weight);

}  // namespace fathom::ops::detail
