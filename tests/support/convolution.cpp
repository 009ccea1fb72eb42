// SPDX-License-Identifier: BSD-3-Clause
#include <support/convolution.hpp>

#include <cmath>

#include <support/tolerance.hpp>

namespace fathom::test {
namespace {

/// Calls visit(image element, weight element, map element) for every product of the definition.
template <class Visit>
void for_each_product(const ConvolutionCase& c, Visit visit) {
  const Pair2 map = c.map();
  const std::int64_t inputs = c.image_channels / c.groups;
  const std::int64_t outputs = c.map_channels / c.groups;
  for (std::int64_t i = 0; i < c.n; ++i) {
    for (std::int64_t o = 0; o < c.map_channels; ++o) {
      for (std::int64_t at = 0; at < map.y * map.x; ++at) {
        for (std::int64_t w = 0; w < inputs * c.kernel.y * c.kernel.x; ++w) {
          const std::int64_t channel = o / outputs * inputs + w / (c.kernel.y * c.kernel.x);
          const std::int64_t ky = w / c.kernel.x % c.kernel.y;
          const std::int64_t y = at / map.x * c.stride.y - c.pad.y + ky * c.dilation.y;
          const std::int64_t x = at % map.x * c.stride.x - c.pad.x + w % c.kernel.x * c.dilation.x;
          if (y < 0 || y >= c.image.y || x < 0 || x >= c.image.x) continue;
          visit(((i * c.image_channels + channel) * c.image.y + y) * c.image.x + x,
                o * inputs * c.kernel.y * c.kernel.x + w, (i * c.map_channels + o) * map.y * map.x + at);
        }
      }
    }
  }
}

Array as_double(const Array& array, bool magnitudes) {
  Array result = array.astype(DType::float64).copy();
  double* values = result.mutable_data<double>();
  for (std::int64_t i = 0; magnitudes && i < result.size(); ++i) values[i] = std::abs(values[i]);
  return result;
}

}  // namespace

Pair2 ConvolutionCase::map() const {
  const auto size = [&](std::int64_t in, std::int64_t k, std::int64_t s, std::int64_t p, std::int64_t d) {
    return (in + 2 * p - (k - 1) * d - 1 + (cover_all ? s - 1 : 0)) / s + 1;
  };
  return {size(image.y, kernel.y, stride.y, pad.y, dilation.y),
          size(image.x, kernel.x, stride.x, pad.x, dilation.x)};
}

std::ostream& operator<<(std::ostream& out, const ConvolutionCase& c) {
  return out << "image " << c.image_shape() << " W " << c.weight_shape() << " map " << c.map_shape()
             << " stride " << to_string(c.stride) << " pad " << to_string(c.pad) << " dilation "
             << to_string(c.dilation) << " groups " << c.groups << (c.cover_all ? " cover_all" : "");
}

std::vector<ConvolutionCase> convolution_cases() {
  return {
      {2, 3, 4, 1, {5, 7}, 3, 1, 1, 1},
      {1, 1, 1, 1, 1, 1, 1, 0, 1},
      {2, 5, 7, 1, {6, 5}, 1, 1, 0, 1},
      {3, 4, 3, 1, {5, 6}, 1, 2, 0, 1},
      {2, 3, 2, 1, {6, 5}, 1, 1, 1, 1},
      {2, 1, 6, 1, {9, 8}, 3, 2, 1, 1},
      {2, 3, 5, 1, {8, 9}, {3, 2}, {2, 1}, {1, 0}, 1},
      {1, 2, 3, 1, {3, 3}, 3, 1, 2, 1},
      {2, 2, 3, 1, {4, 3}, {4, 3}, 1, 0, 1},
      {1, 2, 2, 1, {7, 8}, 2, 3, 1, 1},
      {1, 2, 3, 1, {7, 8}, 2, {4, 3}, 2, 1},
      {2, 2, 3, 1, {9, 8}, 3, 1, 2, 2},
      {1, 2, 3, 1, {9, 11}, {3, 2}, {2, 3}, {1, 3}, {2, 3}},
      {2, 4, 6, 2, {5, 5}, 3, 1, 1, 1},
      {1, 4, 8, 4, {6, 5}, 3, 2, 1, 1},
      {1, 6, 6, 3, {5, 4}, 1, 1, 0, 1},
      {1, 2, 2, 1, {7, 8}, 3, 3, 1, 1, true},
      {1, 2, 4, 2, {7, 6}, 2, {3, 2}, 0, {1, 2}, true},
      {2, 3, 2, 1, {7, 1}, {3, 1}, {3, 1}, {0, 2}, 2, true},
      {2, 20, 19, 1, {9, 10}, 3, 1, 1, 1},
      {3, 40, 18, 1, {4, 4}, 1, 1, 0, 1},
      {2, 18, 35, 1, {17, 19}, 3, 2, 1, 1},
      // Read in place: few image channels or, for gx, few of them behind many map channels; few of both.
      {2, 3, 13, 1, {4, 31}, 3, 1, 1, 1},
      {1, 3, 9, 1, {7, 64}, 3, 2, 1, 1},
      {2, 1, 9, 1, {2, 300}, 3, 1, 1, 1},
      {2, 4, 26, 2, {4, 16}, 3, 1, 1, 1},
      {2, 3, 40, 1, {5, 13}, 3, 1, 1, 1},
      {2, 2, 9, 1, {4, 4}, 1, 1, 0, 1},
      {2, 14, 17, 1, {5, 19}, 1, 1, 0, 1},
      {3, 260, 5, 1, {4, 6}, 1, 1, 0, 1},  // vectors that lie apart, with depths in two parts
      {2, 12, 18, 2, {3, 16}, 1, 1, 0, 1},
      {2, 6, 10, 1, {6, 62}, 1, 2, 0, 1},
      {2, 100, 30, 1, {9, 7}, 1, 1, 0, 1},
      {1, 24, 80, 1, {12, 12}, 1, 1, 0, 1},
      // First layers: rows computed one by one, in strips.
      {2, 4, 7, 1, {11, 60}, 5, 2, 2, 1},
      {1, 3, 5, 1, {22, 140}, {3, 2}, {2, 3}, {1, 2}, {2, 1}},
      {2, 1, 5, 1, {4, 29}, 3, 1, 2, 1},
      {2, 3, 6, 1, {5, 8}, 3, 1, 1, 1},
      {1, 2, 13, 1, {6, 33}, 3, {1, 2}, 1, 1},
      // Their rows end in a vector or less, of which two rows make a tile; the last row may be alone.
      {1, 3, 14, 1, {23, 90}, 3, 2, 1, 1},
      {1, 3, 14, 1, {9, 43}, 3, 1, 1, 1},
      {2, 2, 7, 1, {5, 16}, 3, 1, 1, 1},
      {1, 2, 24, 1, {7, 23}, 3, 1, 1, 1},
      // Stride 1, in blocks of rows, of images, with depths in two parts; one that is too wide for them.
      {2, 31, 9, 1, {20, 31}, 3, 1, 1, 1},
      {9, 20, 30, 1, {7, 7}, 3, 1, 1, 1},
      {5, 6, 8, 1, {6, 7}, 5, 1, 2, 1},
      {2, 6, 9, 1, {12, 13}, {5, 3}, 1, 0, 1},
      {3, 5, 6, 1, {6, 5}, {3, 2}, 1, {1, 2}, {3, 2}},
      {2, 5, 7, 1, {4, 3}, 3, 1, 4, 4},
      {2, 16, 24, 4, {9, 21}, 3, 1, 1, 1},
      {1, 5, 6, 1, {2, 1100}, 3, 1, 1, 1},
      // Images of a batch side by side.
      {32, 36, 40, 1, {4, 4}, 3, 1, 1, 1},
      // gW from transposed images: strides, dilation, groups, pixels that nothing sees, images in a border.
      {3, 5, 6, 1, {17, 19}, 3, 2, 1, 1},
      {4, 20, 19, 1, {9, 18}, 3, 1, 1, 1},
      {3, 9, 8, 1, {17, 23}, 2, 3, 1, 1},
      {4, 16, 8, 2, {11, 13}, {3, 2}, {1, 2}, {2, 3}, {2, 3}},
      {40, 4, 5, 1, {3, 2}, 3, 1, 3, 1},
      // Fewer image channels than map channels, though enough to be transposed for gW.
      {2, 34, 37, 1, {4, 5}, 1, 1, 0, 1},
      {1, 72, 76, 2, {3, 4}, 1, 1, 0, 1},
  };
}

Array reference_convolution(const ConvolutionCase& c, const Array& image, const Array& W, bool magnitudes) {
  const Array images = as_double(image, magnitudes);
  const Array weights = as_double(W, magnitudes);
  Array map = Array::zeros(c.map_shape(), DType::float64);
  double* out = map.mutable_data<double>();
  for_each_product(c, [&, x = images.data<double>(), w = weights.data<double>()](auto i, auto j, auto o) {
    out[o] += x[i] * w[j];
  });
  return map;
}

Array reference_deconvolution(const ConvolutionCase& c, const Array& map, const Array& W, bool magnitudes) {
  const Array maps = as_double(map, magnitudes);
  const Array weights = as_double(W, magnitudes);
  Array image = Array::zeros(c.image_shape(), DType::float64);
  double* out = image.mutable_data<double>();
  for_each_product(c, [&, y = maps.data<double>(), w = weights.data<double>()](auto i, auto j, auto o) {
    out[i] += y[o] * w[j];
  });
  return image;
}

Array reference_grad_w(const ConvolutionCase& c, const Array& image, const Array& map, bool magnitudes) {
  const Array images = as_double(image, magnitudes);
  const Array maps = as_double(map, magnitudes);
  Array W = Array::zeros(c.weight_shape(), DType::float64);
  double* out = W.mutable_data<double>();
  for_each_product(c, [&, x = images.data<double>(), y = maps.data<double>()](auto i, auto j, auto o) {
    out[j] += x[i] * y[o];
  });
  return W;
}

std::int64_t count_far(const Array& result, const Array& expected, const Array& magnitudes,
                       std::int64_t terms) {
  if (result.shape() != expected.shape()) return result.size() + 1;
  const double tolerance = sum_tolerance(result.dtype(), terms);
  const Array values = result.astype(DType::float64);
  std::int64_t far = 0;
  for (std::int64_t i = 0; i < values.size(); ++i) {
    const double distance = std::abs(values.data<double>()[i] - expected.data<double>()[i]);
    if (!(distance <= tolerance * magnitudes.data<double>()[i])) ++far;
  }
  return far;
}

}  // namespace fathom::test
