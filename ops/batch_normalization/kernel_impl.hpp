// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <algorithm>

#include <fathom/core/simd/sum.hpp>
#include <fathom/ops/batch_normalization/kernel.hpp>

namespace fathom::ops::batch_norm {
namespace {

using simd::Batch;

/// The sum of f(offset of element) over a block of one channel, vectors at a time.
template <class T, class F>
double sum_rows(const Geometry& g, const Block& block, F f) {
  simd::RowSum<T> sum;
  for (std::int64_t o = block.begin; o < block.end; ++o) {
    const std::int64_t row = (o * g.channels + block.first) * g.inner;
    sum.add(g.inner, [&](std::int64_t i) { return f(row + i); });
  }
  return sum.total();
}

template <class T>
void row_moments(const Geometry& g, const Block& block, const T* x, double* mean, double* squares) {
  const auto load = [x](std::int64_t at) { return Batch<T>::load_unaligned(x + at); };
  const double count = static_cast<double>((block.end - block.begin) * g.inner);
  // The rounded mean is the pivot; what it is off by is put right below.
  const T rounded = static_cast<T>(sum_rows<T>(g, block, load) / count);
  const Batch<T> pivot(rounded);
  const double first = sum_rows<T>(g, block, [&](std::int64_t at) { return load(at) - pivot; });
  const double second = sum_rows<T>(g, block, [&](std::int64_t at) {
    const Batch<T> deviation = load(at) - pivot;
    return deviation * deviation;
  });
  *mean = static_cast<double>(rounded) + first / count;
  *squares = std::max(0.0, second - first * first / count);
}

/// With the block's first row as pivot; all in double.
template <class T>
void column_moments(const Geometry& g, const Block& block, const T* x, double* mean, double* squares) {
  const std::int64_t width = block.last - block.first;
  const T* pivot = x + block.begin * g.channels + block.first;
  std::fill_n(mean, width, 0.0);
  std::fill_n(squares, width, 0.0);
  for (std::int64_t o = block.begin; o < block.end; ++o) {
    const T* row = x + o * g.channels + block.first;
    for (std::int64_t c = 0; c < width; ++c) {
      const double deviation = static_cast<double>(row[c]) - static_cast<double>(pivot[c]);
      mean[c] += deviation;
      squares[c] += deviation * deviation;
    }
  }
  const double count = static_cast<double>(block.end - block.begin);
  for (std::int64_t c = 0; c < width; ++c) {
    squares[c] = std::max(0.0, squares[c] - mean[c] * mean[c] / count);
    mean[c] = static_cast<double>(pivot[c]) + mean[c] / count;
  }
}

template <class T>
void row_gradient_sums(const Geometry& g, const Block& block, const T* x, const T* gy, const T* center,
                       double* sum_gy, double* sum_gy_x) {
  const auto gradients = [gy](std::int64_t at) { return Batch<T>::load_unaligned(gy + at); };
  const Batch<T> pivot(center[block.first]);
  *sum_gy = sum_rows<T>(g, block, gradients);
  *sum_gy_x = sum_rows<T>(
      g, block, [&](std::int64_t at) { return gradients(at) * (Batch<T>::load_unaligned(x + at) - pivot); });
}

template <class T>
void column_gradient_sums(const Geometry& g, const Block& block, const T* x, const T* gy, const T* center,
                          double* sum_gy, double* sum_gy_x) {
  const std::int64_t width = block.last - block.first;
  std::fill_n(sum_gy, width, 0.0);
  std::fill_n(sum_gy_x, width, 0.0);
  for (std::int64_t o = block.begin; o < block.end; ++o) {
    const T* x_row = x + o * g.channels + block.first;
    const T* gy_row = gy + o * g.channels + block.first;
    for (std::int64_t c = 0; c < width; ++c) {
      sum_gy[c] += static_cast<double>(gy_row[c]);
      sum_gy_x[c] += static_cast<double>(gy_row[c]) * static_cast<double>(x_row[c] - center[block.first + c]);
    }
  }
}

/// What the elements of a run meet: one value for all, or one of its own each.
template <class T, bool own>
class Coefficients {
 public:
  explicit Coefficients(const T* values) : values_(values), first_(*values) {}
  T operator[](std::int64_t i) const { return own ? values_[i] : first_; }

 private:
  const T* values_;
  T first_;
};

template <class T, bool own>
void normalize(std::int64_t count, const T* x, const T* center, const T* scale, const T* shift, T* y) {
  const Coefficients<T, own> m(center), a(scale), b(shift);
  for (std::int64_t i = 0; i < count; ++i) y[i] = (x[i] - m[i]) * a[i] + b[i];
}

template <class T, bool own, bool add>
void write_gradient(std::int64_t count, const T* x, const T* gy, const T* center, const T* scale,
                    const T* slope, const T* shift, T* gx) {
  const Coefficients<T, own> m(center), a(scale), k(slope), b(shift);
  for (std::int64_t i = 0; i < count; ++i) {
    const T value = (gy[i] - b[i] - (x[i] - m[i]) * k[i]) * a[i];
    gx[i] = add ? gx[i] + value : value;
  }
}

template <class T, bool own>
void gradient(std::int64_t count, const T* x, const T* gy, const T* center, const T* scale, const T* slope,
              const T* shift, bool accumulate, T* gx) {
  accumulate ? write_gradient<T, own, true>(count, x, gy, center, scale, slope, shift, gx)
             : write_gradient<T, own, false>(count, x, gy, center, scale, slope, shift, gx);
}

template <class T>
constexpr Kernels<T> kernels_of{&row_moments<T>,          &column_moments<T>,   &row_gradient_sums<T>,
                                &column_gradient_sums<T>, &normalize<T, false>, &normalize<T, true>,
                                &gradient<T, false>,      &gradient<T, true>};
constexpr KernelTable table{kernels_of<float>, kernels_of<double>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::batch_norm
