// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <fathom/ops/pooling_2d/passes.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops::pooling {

/// The pixels of an image at the windows' positions, or (`scatters`) what stands in the windows put back
/// there and added up: each is the other's adjoint.
struct AtPositions {
  std::string_view name, adjoint_name;
  bool scatters;
  Geometry geometry;
  Array mask;  ///< the positions, int32: LinearMap looks after it

  [[nodiscard]] Array value(const Array& x) const;
  [[nodiscard]] Array adjoint(const Array& gy) const { return transposed().value(gy); }
  [[nodiscard]] Variable adjoint(const Variable& gy) const { return detail::linear_map(gy, transposed()); }
  [[nodiscard]] Attributes attributes() const { return pooling::attributes(geometry); }

 private:
  [[nodiscard]] AtPositions transposed() const { return {adjoint_name, name, !scatters, geometry, mask}; }
};

/// Positions in the plane as numbers of the window's pixels, ky*kW + kx, and back; int32. A window that lies
/// outside altogether has the index 0, a pixel outside the position kNowhere.
[[nodiscard]] Array indexes_of(const Geometry& geometry, const Array& positions);
[[nodiscard]] Array positions_of(const Geometry& geometry, const Array& indexes);

}  // namespace fathom::ops::pooling
