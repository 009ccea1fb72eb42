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

/// How the sums are cut: into blocks of outer items and groups of channels whose sizes depend on the geometry
/// alone, so that results have the same bits for any number of threads. A block of one channel fits the
/// first-level cache.
struct Blocks {
  explicit Blocks(const Geometry& geometry)
      : geometry(geometry),
        items(std::max<std::int64_t>(1, 512 / std::max<std::int64_t>(1, geometry.inner))),
        count((geometry.outer + items - 1) / items),
        group(geometry.inner == 1 ? 64 : 1) {}

  /// Calls f(block, at) in the order of memory; `at` is where the results of the block's first channel belong
  /// in a table (count, channels).
  template <class F>
  void for_each(F f) const {
    const std::int64_t groups = (geometry.channels + group - 1) / group;
    const std::int64_t work = std::max<std::int64_t>(1, items * geometry.inner * group);
    parallel_for(count * groups, std::max<std::int64_t>(1, kElementGrain / work),
                 [&](std::int64_t task, std::int64_t end_task) {
                   for (; task < end_task; ++task) {
                     const std::int64_t row = task / groups;
                     const std::int64_t first = task % groups * group;
                     f(Block{row * items, std::min(geometry.outer, (row + 1) * items), first,
                             std::min(geometry.channels, first + group)},
                       row * geometry.channels + first);
                   }
                 });
  }
  /// Calls f(offset, count) for the runs of memory that a block consists of.
  template <class F>
  void for_each_row(const Block& block, F f) const {
    for (std::int64_t o = block.begin; o < block.end; ++o)
      f((o * geometry.channels + block.first) * geometry.inner, (block.last - block.first) * geometry.inner);
  }
  [[nodiscard]] double elements(std::int64_t block) const {
    return static_cast<double>((std::min(geometry.outer, (block + 1) * items) - block * items) *
                               geometry.inner);
  }
  [[nodiscard]] Array table() const { return Array::empty({count, geometry.channels}, DType::float64); }

  Geometry geometry;
  std::int64_t items;
  std::int64_t count;
  std::int64_t group;
};

void merge_moments(const Blocks& blocks, const double* means, const double* squares, Statistics& result) {
  const std::int64_t channels = blocks.geometry.channels;
  const double total = static_cast<double>(blocks.geometry.averaged());
  for (std::int64_t b = 0; b < blocks.count; ++b) {
    const double share = blocks.elements(b) / total;
    for (std::int64_t c = 0; c < channels; ++c) result.mean[index(c)] += share * means[b * channels + c];
  }
  for (std::int64_t b = 0; b < blocks.count; ++b) {
    const double count = blocks.elements(b);
    for (std::int64_t c = 0; c < channels; ++c) {
      const double deviation = means[b * channels + c] - result.mean[index(c)];
      result.variance[index(c)] += (squares[b * channels + c] + count * deviation * deviation) / total;
    }
  }
}

PerChannel add_blocks(const Blocks& blocks, const double* table) {
  const std::int64_t channels = blocks.geometry.channels;
  PerChannel result(index(channels), 0.0);
  for (std::int64_t b = 0; b < blocks.count; ++b) {
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

/// The activation's result, or, where there is none, something in its place that can be pointed into.
template <class T>
const T* result_of(const Upstream& upstream) {
  return (upstream.activation == Activation::none ? upstream.gy : upstream.y).template data<T>();
}

/// Calls run(offset, count, channel) for runs of one channel, or, when channels lie innermost, of all of them
/// from channel 0 on.
template <class Run>
void for_each_run(const Geometry& g, Run run) {
  const bool columns = g.inner == 1;
  const std::int64_t length = columns ? g.channels : g.inner;
  if (length == 0) return;
  parallel_for(columns ? g.outer : g.outer * g.channels, std::max<std::int64_t>(1, kElementGrain / length),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i)
                   run(i * length, length, columns ? 0 : i % g.channels);
               });
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
      const auto moments = geometry.inner == 1 ? kernels.column_moments : kernels.row_moments;
      const T* in = x.data<T>();
      blocks.for_each(
          [&](const Block& block, std::int64_t at) { moments(geometry, block, in, mean + at, square + at); });
    });
    merge_moments(blocks, mean, square, result);
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

void normalize(const Geometry& geometry, const Array& x, const Array& residual, const PerChannel& center,
               const PerChannel& scale, const PerChannel& shift, Activation activation, Array& y) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const ActivationKernels<T>& kernels = choose_kernels<T>("batch_normalization/normalize").of(activation);
    const auto run = geometry.inner == 1 ? kernels.normalize_columns : kernels.normalize_row;
    const T* in = x.data<T>();
    const T* added = residual.defined() ? residual.data<T>() : nullptr;
    T* out = y.mutable_data<T>();
    const std::vector<T> centers = rounded<T>(center);
    const std::vector<T> scales = rounded<T>(scale);
    const std::vector<T> shifts = corrected_shift<T>(shift, scale, center);
    for_each_run(geometry, [&](std::int64_t at, std::int64_t count, std::int64_t c) {
      run(count, in + at, added == nullptr ? nullptr : added + at, centers.data() + c, scales.data() + c,
          shifts.data() + c, out + at);
    });
  });
}

GradientSums gradient_sums(const Geometry& geometry, const Array& x, const Upstream& upstream,
                           const PerChannel& center, Array* through) {
  const Blocks blocks(geometry);
  Array sums_g = blocks.table();
  Array sums_g_x = blocks.table();
  double* sum_g = sums_g.mutable_data<double>();
  double* sum_g_x = sums_g_x.mutable_data<double>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* x_data = x.data<T>();
    const T* gy = upstream.gy.data<T>();
    const T* y = result_of<T>(upstream);
    T* g = through == nullptr ? nullptr : through->mutable_data<T>();
    const std::vector<T> centers = rounded<T>(center);
    const ActivationKernels<T>& kernels =
        choose_kernels<T>("batch_normalization/gradient_sums").of(upstream.activation);
    const auto sums = geometry.inner == 1 ? kernels.column_gradient_sums : kernels.row_gradient_sums;
    blocks.for_each([&](const Block& block, std::int64_t at) {
      sums(geometry, block, x_data, gy, y, centers.data(), sum_g + at, sum_g_x + at);
      if (g == nullptr) return;
      // While the block is in the cache. The sums are not taken from g: they read behind the end of a row,
      // where another thread may be writing.
      blocks.for_each_row(block, [&](std::int64_t row, std::int64_t count) {
        kernels.through_activation(count, gy + row, y + row, g + row);
      });
    });
  });
  GradientSums result{add_blocks(blocks, sum_g), add_blocks(blocks, sum_g_x)};
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    for (std::size_t c = 0; c < center.size(); ++c)
      result.g_x[c] -= result.g[c] * lost_by_rounding<T>(center[c]);
  });
  return result;
}

void input_gradient(const Geometry& geometry, const Array& x, const Upstream& upstream,
                    const PerChannel& center, const PerChannel& scale, const PerChannel& slope,
                    const PerChannel& shift, bool accumulate, Array& gx) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* x_data = x.data<T>();
    const T* gy = upstream.gy.data<T>();
    const T* y = result_of<T>(upstream);
    T* out = gx.mutable_data<T>();
    const std::vector<T> centers = rounded<T>(center);
    const std::vector<T> scales = rounded<T>(scale);
    const std::vector<T> slopes = rounded<T>(slope);
    const std::vector<T> shifts = corrected_shift<T>(shift, slope, center);
    const ActivationKernels<T>& kernels =
        choose_kernels<T>("batch_normalization/input_gradient").of(upstream.activation);
    const auto run = geometry.inner == 1 ? kernels.gradient_columns : kernels.gradient_row;
    for_each_run(geometry, [&](std::int64_t at, std::int64_t count, std::int64_t c) {
      run(count, x_data + at, gy + at, y + at, centers.data() + c, scales.data() + c, slopes.data() + c,
          shifts.data() + c, accumulate, out + at);
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
