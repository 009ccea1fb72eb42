// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <algorithm>

#include <fathom/core/simd/sum.hpp>
#include <fathom/ops/batch_normalization/activation.hpp>
#include <fathom/ops/batch_normalization/kernel.hpp>

namespace fathom::ops::batch_norm {
namespace {

using simd::Batch;

/// Adds f(offset of element) over a block of one channel, vectors at a time.
template <class T, int count, class F>
[[gnu::always_inline]] inline void sum_rows(const Geometry& g, const Block& block,
                                            simd::RowSum<T, count>& sum, F f) {
  for (std::int64_t o = block.begin; o < block.end; ++o) {
    const std::int64_t row = (o * g.channels + block.first) * g.inner;
    sum.add(g.inner, [&](std::int64_t i) { return f(row + i); });
  }
}
template <class T, class F>
double sum_rows(const Geometry& g, const Block& block, F f) {
  simd::RowSum<T> sum;
  sum_rows(g, block, sum, f);
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

/// g: gy behind the activation, element by element or as vectors.
template <class T, Activation activation>
struct Upstream {
  const T* gy;
  const T* y;
  T operator[](std::int64_t i) const {
    const T given = gy[i];
    if constexpr (activation == Activation::none) {
      return given;
    } else {
      return rule_of<activation>().gradient(given, y[i]);
    }
  }
  [[nodiscard]] Batch<T> vector(std::int64_t i) const {
    const auto given = Batch<T>::load_unaligned(gy + i);
    if constexpr (activation == Activation::none) {
      return given;
    } else {
      return rule_of<activation>().gradient(given, Batch<T>::load_unaligned(y + i));
    }
  }
};

// `flatten` leaves no function of a rule out of line, where the linker could take it for the baseline's.

template <class T, Activation activation>
[[gnu::flatten]] void row_gradient_sums(const Geometry& g, const Block& block, const T* x, const T* gy,
                                        const T* y, const T* center, double* sum_g, double* sum_g_x) {
  const Upstream<T, activation> upstream{gy, y};
  const Batch<T> pivot(center[block.first]);
  simd::RowSum<T, 2> sums;
  sum_rows(g, block, sums, [&](std::int64_t at) {
    const Batch<T> gradient = upstream.vector(at);
    return
        typename simd::RowSum<T, 2>::Terms{gradient, gradient * (Batch<T>::load_unaligned(x + at) - pivot)};
  });
  *sum_g = sums.total(0);
  *sum_g_x = sums.total(1);
}

template <class T, Activation activation>
[[gnu::flatten]] void column_gradient_sums(const Geometry& g, const Block& block, const T* x, const T* gy,
                                           const T* y, const T* center, double* sum_g, double* sum_g_x) {
  const std::int64_t width = block.last - block.first;
  std::fill_n(sum_g, width, 0.0);
  std::fill_n(sum_g_x, width, 0.0);
  for (std::int64_t o = block.begin; o < block.end; ++o) {
    const std::int64_t row = o * g.channels + block.first;
    const Upstream<T, activation> upstream{gy + row, y + row};
    for (std::int64_t c = 0; c < width; ++c) {
      const auto gradient = static_cast<double>(upstream[c]);
      sum_g[c] += gradient;
      sum_g_x[c] += gradient * static_cast<double>(x[row + c] - center[block.first + c]);
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

template <class T, Activation activation, bool own, bool add>
void write_y(std::int64_t count, const T* x, const T* residual, const T* center, const T* scale,
             const T* shift, T* y) {
  const Coefficients<T, own> m(center), a(scale), b(shift);
  for (std::int64_t i = 0; i < count; ++i) {
    T value = (x[i] - m[i]) * a[i] + b[i];
    if constexpr (add) value += residual[i];
    if constexpr (activation != Activation::none) value = rule_of<activation>().value(value);
    y[i] = value;
  }
}

template <class T, Activation activation, bool own>
[[gnu::flatten]] void normalize(std::int64_t count, const T* x, const T* residual, const T* center,
                                const T* scale, const T* shift, T* y) {
  residual == nullptr ? write_y<T, activation, own, false>(count, x, residual, center, scale, shift, y)
                      : write_y<T, activation, own, true>(count, x, residual, center, scale, shift, y);
}

template <class T, Activation activation, bool own, bool add>
void write_gradient(std::int64_t count, const T* x, const T* gy, const T* y, const T* center, const T* scale,
                    const T* slope, const T* shift, T* gx) {
  const Upstream<T, activation> g{gy, y};
  const Coefficients<T, own> m(center), a(scale), k(slope), b(shift);
  for (std::int64_t i = 0; i < count; ++i) {
    const T value = (g[i] - b[i] - (x[i] - m[i]) * k[i]) * a[i];
    gx[i] = add ? gx[i] + value : value;
  }
}

template <class T, Activation activation, bool own>
[[gnu::flatten]] void gradient(std::int64_t count, const T* x, const T* gy, const T* y, const T* center,
                               const T* scale, const T* slope, const T* shift, bool accumulate, T* gx) {
  accumulate ? write_gradient<T, activation, own, true>(count, x, gy, y, center, scale, slope, shift, gx)
             : write_gradient<T, activation, own, false>(count, x, gy, y, center, scale, slope, shift, gx);
}

template <class T, Activation activation>
[[gnu::flatten]] void through_activation(std::int64_t count, const T* gy, const T* y, T* g) {
  const Upstream<T, activation> upstream{gy, y};
  for (std::int64_t i = 0; i < count; ++i) g[i] = upstream[i];
}

template <class T, Activation activation>
constexpr ActivationKernels<T> kernels_with{
    &row_gradient_sums<T, activation>, &column_gradient_sums<T, activation>, &normalize<T, activation, false>,
    &normalize<T, activation, true>,   &gradient<T, activation, false>,      &gradient<T, activation, true>,
    &through_activation<T, activation>};
template <class T>
constexpr Kernels<T> kernels_of{&row_moments<T>,
                                &column_moments<T>,
                                {kernels_with<T, Activation::none>, kernels_with<T, Activation::relu>,
                                 kernels_with<T, Activation::relu6>}};
constexpr KernelTable table{kernels_of<float>, kernels_of<double>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::batch_norm
