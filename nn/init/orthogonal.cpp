// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/init/orthogonal.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::nn::detail {

namespace {

/// In lanes, which compilers turn into vectors without leave to reorder.
double dot(const double* a, const double* b, std::int64_t count) {
  constexpr std::int64_t kLanes = 8;
  double lanes[kLanes] = {};
  const std::int64_t whole = count - count % kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  double sum = 0;
  for (std::int64_t i = whole; i < count; ++i) sum += a[i] * b[i];
  for (const double lane : lanes) sum += lane;
  return sum;
}

/// Modified Gram-Schmidt: each row in turn gets length 1 and is taken out of those after it. No row is cut
/// among threads, so their number changes no bit.
void orthonormalise(double* rows, std::int64_t count, std::int64_t length) {
  const std::int64_t grain = std::max<std::int64_t>(1, fathom::detail::kElementGrain / length);
  for (std::int64_t i = 0; i < count; ++i) {
    double* row = rows + i * length;
    const double norm = std::sqrt(dot(row, row, length));
    for (std::int64_t k = 0; k < length; ++k) row[k] /= norm;
    parallel_for(count - i - 1, grain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        double* other = rows + (i + 1 + j) * length;
        const double share = dot(row, other, length);
        for (std::int64_t k = 0; k < length; ++k) other[k] -= share * row[k];
      }
    });
  }
}

}  // namespace

Array orthogonal(RandomKey key, const Shape& shape, double scale, DType dtype) {
  FATHOM_CHECK(ArgumentCheck("init::orthogonal").hint("use a constant for a bias"), shape.rank() >= 2,
               ShapeError, "a weight has two axes or more (its shape is {})", to_string(shape));
  Array weight = Array::empty(shape, dtype);
  dispatch_float(dtype, "init::orthogonal", [&]<class T>() {
    if (weight.size() == 0) return;
    const std::int64_t rows = shape[0], columns = weight.size() / rows;
    const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    Array matrix = normal(key, {count, length}, 0, 1, DType::float64);
    double* q = matrix.mutable_data<double>();
    // The second time takes away what rounding left after the first (twice is enough).
    for (int time = 0; time < 2; ++time) orthonormalise(q, count, length);
    T* to = weight.mutable_data<T>();
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) {
        const double value = rows <= columns ? q[r * length + c] : q[c * length + r];
        to[r * columns + c] = static_cast<T>(scale * value);
      }
    }
  });
  return weight;
}

}  // namespace fathom::nn::detail
