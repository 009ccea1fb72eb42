// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/rule.hpp>

#include <fmt/format.h>

#include <fathom/ops/convolution_2d/products.hpp>

namespace fathom::ops::detail {

std::string_view Convolution2D::name(Part made) {
  switch (made) {
    case Part::x:
      return "deconvolution_2d";
    case Part::W:
      return "convolution_2d_grad_w";
    case Part::y:
      break;
  }
  return "convolution_2d";
}

Attributes Convolution2D::attributes() const {
  return {{"kernel", to_string(geometry.kernel)},
          {"stride", to_string(geometry.stride)},
          {"pad", to_string(geometry.pad)},
          {"dilation", to_string(geometry.dilation)},
          {"groups", fmt::format("{}", geometry.groups)}};
}

Shape Convolution2D::shape(Part made, std::int64_t n) const {
  switch (made) {
    case Part::x:
      return geometry.image_shape(n);
    case Part::W:
      return geometry.weight_shape();
    case Part::y:
      break;
  }
  return geometry.map_shape(n);
}

void Convolution2D::make(Part made, const Array& first, const Array& second, const Epilogue& epilogue,
                         bool accumulates, Array& out) const {
  switch (made) {
    case Part::x:
      return deconvolve(geometry, first, second, epilogue, accumulates, out);
    case Part::W:
      return convolve_grad_w(geometry, first, second, accumulates, out);
    case Part::y:
      break;
  }
  convolve(geometry, first, second, epilogue, accumulates, out);
}

bool Convolution2D::makes_biased_weights() const { return has_biased_grad_w(geometry); }

Array Convolution2D::make_biased_weights(const Array& image, const PendingGradient& map, bool accumulates,
                                         Array& W) const {
  return convolve_biased_grad_w(geometry, image, map, accumulates, W);
}

}  // namespace fathom::ops::detail
