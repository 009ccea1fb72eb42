// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/resize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include <fathom/core/check.hpp>
#include <fathom/nn/data/transform/images.hpp>

namespace fathom::nn {

namespace {

/// What each pixel of the result takes along one axis.
struct Axis {
  struct Taps {
    std::int64_t first, count, at;  // pixels [first, first + count) with weights[at] ...
  };
  std::vector<Taps> taps;
  std::vector<float> weights;

  Axis(std::int64_t from, std::int64_t to) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double reach = std::max(1.0, scale);
    for (std::int64_t i = 0; i < to; ++i) {
      const double center = (static_cast<double>(i) + 0.5) * scale;
      const auto first = std::max<std::int64_t>(0, std::llround(center - reach));
      const auto last = std::min<std::int64_t>(from, std::llround(center + reach));
      double sum = 0;
      const auto weight = [&](std::int64_t j) {
        return std::max(0.0, 1 - std::abs(static_cast<double>(j) + 0.5 - center) / reach);
      };
      for (std::int64_t j = first; j < last; ++j) sum += weight(j);
      taps.push_back({first, last - first, static_cast<std::int64_t>(weights.size())});
      for (std::int64_t j = first; j < last; ++j) weights.push_back(static_cast<float>(weight(j) / sum));
    }
  }
};

template <class T>
T rounded(float value) {
  if constexpr (std::is_same_v<T, float>)
    return value;
  else
    return static_cast<T>(std::lround(value));
}

template <class T>
void resize_plane(const T* in, std::int64_t width, const Axis& vertical, const Axis& horizontal, float* row,
                  T* out) {
  for (const Axis::Taps& rows : vertical.taps) {
    std::fill_n(row, width, 0.0F);
    for (std::int64_t k = 0; k < rows.count; ++k) {
      const float weight = vertical.weights[static_cast<std::size_t>(rows.at + k)];
      const T* source = in + (rows.first + k) * width;
      for (std::int64_t x = 0; x < width; ++x) row[x] += weight * static_cast<float>(source[x]);
    }
    for (const Axis::Taps& columns : horizontal.taps) {
      const float* weights = horizontal.weights.data() + columns.at;
      float sum = 0;
      for (std::int64_t k = 0; k < columns.count; ++k) sum += weights[k] * row[columns.first + k];
      *out++ = rounded<T>(sum);
    }
  }
}

template <class T>
Array resize_all(const Array& images, Pair2 from, Pair2 to) {
  const std::size_t outer = images.rank() - 2;
  Shape shape = images.shape();
  shape[outer] = to.y;
  shape[outer + 1] = to.x;
  Array result = Array::empty(shape, images.dtype());
  const Axis vertical(from.y, to.y), horizontal(from.x, to.x);
  const T* in = images.data<T>();
  T* out = result.mutable_data<T>();
  const std::int64_t in_size = from.y * from.x, out_size = to.y * to.x;
  detail::each_image(images.size() / in_size, std::max(in_size, out_size), [&](std::int64_t i) {
    std::vector<float> row(static_cast<std::size_t>(from.x));
    resize_plane(in + i * in_size, from.x, vertical, horizontal, row.data(), out + i * out_size);
  });
  return result;
}

void check_size(Pair2 size) {
  ArgumentCheck("resize").at_least("size", size, 1, "it is height and width of the result");
}

}  // namespace

Array resize(const Array& images, Pair2 size) {
  ArgumentCheck check("resize");
  check.argument("images", images, "(..., h, w)").defined();
  check_size(size);
  FATHOM_CHECK(check.hint("convert them with astype(DType::float32)"),
               images.dtype() == DType::uint8 || images.dtype() == DType::float32, DTypeError,
               "images must be uint8 or float32 (they are {})", to_string(images.dtype()));
  FATHOM_CHECK(check.hint("channels come before height and width"),
               images.rank() >= 2 && images.shape(-2) > 0 && images.shape(-1) > 0, ShapeError,
               "images must have a height and a width of at least 1");
  const Pair2 from{images.shape(-2), images.shape(-1)};
  if (from == size) return images;
  return images.dtype() == DType::uint8 ? resize_all<std::uint8_t>(images, from, size)
                                        : resize_all<float>(images, from, size);
}

Transform resize(Pair2 size) {
  check_size(size);
  return [size](Batch& batch, const BatchKey&) { batch.images = resize(batch.images, size); };
}

}  // namespace fathom::nn
