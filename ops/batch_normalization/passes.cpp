// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/passes.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::ops::batch_norm {

namespace {

using fathom::detail::kElementGrain;

constexpr std::string_view kName = "batch_normalization";

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The kernels in use, counted as `name`, a string literal.
template <class T>
const Kernels<T>& choose_kernels(std::string_view name) {
  const Isa isa = active_isa();
  fathom::detail::count_kernel(name, isa, dtype_of<T>);
  const KernelTable& table =
      fathom::detail::dispatch_isa(isa, []<Isa set>() -> const KernelTable& { return kernels<set>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

std::int64_t parts_of(std::int64_t whole, std::int64_t most) { return (whole + most - 1) / most; }

/// How the sums are cut: into blocks whose sizes depend on the geometry alone, so that results have the same
/// bits for any number of threads. A block sees some thousand elements of each of its channels at most, which
/// is what sums in the data's own type stand, and is read twice: it fits the second-level cache. It has
/// several channels where planes are small, so that it is read along memory.
class Blocks {
 public:
  explicit Blocks(const Geometry& geometry)
      : geometry_(geometry),
        parts_(std::max<std::int64_t>(1, parts_of(geometry.inner, 4096))),
        part_((parts_of(geometry.inner, parts_) + 63) / 64 * 64),
        items_(geometry.has_columns()
                   ? 128
                   : std::max<std::int64_t>(1, 1024 / std::max<std::int64_t>(1, geometry.inner))),
        group_(geometry.has_columns()
                   ? kMostChannels
                   : std::clamp<std::int64_t>(4096 / std::max<std::int64_t>(1, geometry.inner), 1,
                                              kMostChannels)),
        rows_(parts_of(geometry.outer, items_)) {}

  /// Calls f(block, at) in the order of memory; `at` is where the results of the block's first channel belong
  /// in a table (count(), channels).
  template <class F>
  void for_each(F f) const {
    const std::int64_t groups = parts_of(geometry_.channels, group_);
    const std::int64_t work = std::max<std::int64_t>(1, items_ * std::min(part_, geometry_.inner) * group_);
    parallel_for(rows_ * groups * parts_, std::max<std::int64_t>(1, kElementGrain / work),
                 [&](std::int64_t task, std::int64_t end_task) {
                   for (; task < end_task; ++task) {
                     const std::int64_t part = task % parts_;
                     const std::int64_t first = task / parts_ % groups * group_;
                     const std::int64_t row = task / parts_ / groups;
                     f(Block{row * items_, std::min(geometry_.outer, (row + 1) * items_), first,
                             std::min(geometry_.channels, first + group_), part * part_,
                             std::min(geometry_.inner, (part + 1) * part_)},
                       (row * parts_ + part) * geometry_.channels + first);
                   }
                 });
  }
  /// Rows of a table, and how many elements of each channel one of them stands for.
  [[nodiscard]] std::int64_t count() const { return rows_ * parts_; }
  [[nodiscard]] double elements(std::int64_t table_row) const {
    const std::int64_t row = table_row / parts_;
    const std::int64_t from = table_row % parts_ * part_;
    return static_cast<double>((std::min(geometry_.outer, (row + 1) * items_) - row * items_) *
                               (std::min(geometry_.inner, from + part_) - from));
  }
  [[nodiscard]] std::int64_t channels() const { return geometry_.channels; }
  [[nodiscard]] Array table() const { return Array::empty({count(), geometry_.channels}, DType::float64); }

 private:
  Geometry geometry_;
  std::int64_t parts_, part_;  // an item's inner elements are cut into parts
  std::int64_t items_;         // outer items of a block
  std::int64_t group_;         // channels of a block
  std::int64_t rows_;
};

void merge_moments(const Blocks& blocks, double total, const double* means, const double* squares,
                   Statistics& result) {
  const std::int64_t channels = blocks.channels();
  for (std::int64_t b = 0; b < blocks.count(); ++b) {
    const double share = blocks.elements(b) / total;
    for (std::int64_t c = 0; c < channels; ++c) result.mean[index(c)] += share * means[b * channels + c];
  }
  for (std::int64_t b = 0; b < blocks.count(); ++b) {
    const double count = blocks.elements(b);
    for (std::int64_t c = 0; c < channels; ++c) {
      const double deviation = means[b * channels + c] - result.mean[index(c)];
      result.variance[index(c)] += (squares[b * channels + c] + count * deviation * deviation) / total;
    }
  }
}

PerChannel add_blocks(const Blocks& blocks, const double* table) {
  const std::int64_t channels = blocks.channels();
  PerChannel result(index(channels), 0.0);
  for (std::int64_t b = 0; b < blocks.count(); ++b) {
    for (std::int64_t c = 0; c < channels; ++c) result[index(c)] += table[b * channels + c];
  }
  return result;
}

template <class T>
std::vector<T> rounded(const PerChannel& values) {
  std::vector<T> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), [](double v) { return static_cast<T>(v); });
  return result;
}

template <class T>
double lost_by_rounding(double value) {
  return value - static_cast<double>(static_cast<T>(value));
}

/// The shift for a center that is rounded to T: with a large mean and a small variance the rounding would
/// show.
template <class T>
std::vector<T> corrected_shift(const PerChannel& shift, const PerChannel& scale, const PerChannel& center) {
  std::vector<T> result(shift.size());
  for (std::size_t c = 0; c < shift.size(); ++c) {
    result[c] = static_cast<T>(shift[c] - scale[c] * lost_by_rounding<T>(center[c]));
  }
  return result;
}

/// A normalization in the type of the data.
template <class T>
struct Rounded {
  explicit Rounded(const Affine& n)
      : center(rounded<T>(n.center)),
        scale(rounded<T>(n.scale)),
        shift(corrected_shift<T>(n.shift, n.scale, n.center)) {}
  [[nodiscard]] Normalization<T> view() const { return {center.data(), scale.data(), shift.data()}; }
  std::vector<T> center, scale, shift;
};

template <class T>
Upstream<T> upstream_of(const OutputGradient& gradient, const Rounded<T>& normalization) {
  return {gradient.gy.data<T>(), gradient.y.defined() ? gradient.y.data<T>() : nullptr, normalization.view()};
}

/// Calls run(begin, end) for parts of the geometry's runs, together all of them.
template <class Run>
void for_runs(const Geometry& g, Run run) {
  if (g.run_length() == 0) return;
  parallel_for(g.runs(), std::max<std::int64_t>(1, kElementGrain / g.run_length()), run);
}

}  // namespace

Statistics statistics(const Geometry& geometry, const Array& x, double eps) {
  Statistics result{PerChannel(index(geometry.channels), 0.0), PerChannel(index(geometry.channels), 0.0), {}};
  if (geometry.averaged() > 0) {
    const Blocks blocks(geometry);
    Array means = blocks.table();
    Array squares = blocks.table();
    double* mean = means.mutable_data<double>();
    double* square = squares.mutable_data<double>();
    dispatch_float(x.dtype(), kName, [&]<class T>() {
      const Kernels<T>& kernels = choose_kernels<T>("batch_normalization/statistics");
      const T* in = x.data<T>();
      blocks.for_each([&](const Block& block, std::int64_t at) {
        kernels.moments(geometry, block, in, mean + at, square + at);
      });
    });
    merge_moments(blocks, static_cast<double>(geometry.averaged()), mean, square, result);
  }
  result.inverse = inverse_deviation(result.variance, eps);
  return result;
}

PerChannel inverse_deviation(const PerChannel& variance, double eps) {
  PerChannel result(variance.size());
  std::transform(variance.begin(), variance.end(), result.begin(),
                 [eps](double v) { return 1 / std::sqrt(v + eps); });
  return result;
}

void normalize(const Geometry& geometry, const Array& x, const Array& residual, const Affine& normalization,
               Activation activation, Array& y) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const ActivationKernels<T>& kernels = choose_kernels<T>("batch_normalization/normalize").of(activation);
    const T* in = x.data<T>();
    const T* added = residual.defined() ? residual.data<T>() : nullptr;
    T* out = y.mutable_data<T>();
    const Rounded<T> coefficients(normalization);
    for_runs(geometry, [&](std::int64_t begin, std::int64_t end) {
      kernels.normalize(geometry, begin, end, in, added, coefficients.view(), out);
    });
  });
}

GradientSums gradient_sums(const Geometry& geometry, const Array& x, const OutputGradient& gradient,
                           const Affine& normalization, Array* through) {
  const Blocks blocks(geometry);
  Array sums_g = blocks.table();
  Array sums_g_x = blocks.table();
  double* sum_g = sums_g.mutable_data<double>();
  double* sum_g_x = sums_g_x.mutable_data<double>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    T* g = through == nullptr ? nullptr : through->mutable_data<T>();
    const Rounded<T> coefficients(normalization);
    const Upstream<T> upstream = upstream_of<T>(gradient, coefficients);
    const ActivationKernels<T>& kernels =
        choose_kernels<T>("batch_normalization/gradient_sums").of(gradient.activation);
    blocks.for_each([&](const Block& block, std::int64_t at) {
      kernels.gradient_sums(geometry, block, in, upstream, g, sum_g + at, sum_g_x + at);
    });
  });
  GradientSums result{add_blocks(blocks, sum_g), add_blocks(blocks, sum_g_x)};
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    for (std::size_t c = 0; c < result.g.size(); ++c)
      result.g_x[c] -= result.g[c] * lost_by_rounding<T>(normalization.center[c]);
  });
  return result;
}

void input_gradient(const Geometry& geometry, const Array& x, const OutputGradient& gradient,
                    const Affine& normalization, const InputSlope& input, bool accumulate, Array& gx) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    const Rounded<T> coefficients(normalization);
    const Upstream<T> upstream = upstream_of<T>(gradient, coefficients);
    T* out = gx.mutable_data<T>();
    const std::vector<T> slopes = rounded<T>(input.slope);
    const std::vector<T> shifts = corrected_shift<T>(input.shift, input.slope, normalization.center);
    const InputGradient<T> to{slopes.data(), shifts.data(), coefficients.scale.data()};
    const ActivationKernels<T>& kernels =
        choose_kernels<T>("batch_normalization/input_gradient").of(gradient.activation);
    for_runs(geometry, [&](std::int64_t begin, std::int64_t end) {
      kernels.input_gradient(geometry, begin, end, in, upstream, to, accumulate, out);
    });
  });
}

PerChannel to_channels(const Array& array) {
  PerChannel result(index(array.size()));
  dispatch_float(array.dtype(), kName,
                 [&]<class T>() { std::copy_n(array.data<T>(), array.size(), result.begin()); });
  return result;
}

Array from_channels(const PerChannel& values, const Shape& shape, DType dtype) {
  return Array::from(values, shape).astype(dtype);
}

}  // namespace fathom::ops::batch_norm
