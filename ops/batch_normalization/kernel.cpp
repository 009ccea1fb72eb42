// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/kernel.hpp>

#include <algorithm>
#include <cmath>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/lanes.hpp>

namespace fathom::ops::batch_norm {

namespace {

using fathom::detail::kElementGrain;
using fathom::detail::lane_sum;

constexpr std::string_view kName = "batch_normalization";

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// How the sums are cut: into blocks of outer items and groups of channels whose sizes depend on the geometry
/// alone, so that results have the same bits for any number of threads. A block of one channel fits the
/// first-level cache.
struct Blocks {
  explicit Blocks(const Geometry& geometry)
      : geometry(geometry),
        items(std::max<std::int64_t>(1, 512 / std::max<std::int64_t>(1, geometry.inner))),
        count((geometry.outer + items - 1) / items),
        group(geometry.inner == 1 ? 64 : 1) {}

  /// Calls f(begin, end, first, last, at) in the order of memory: outer items [begin, end), channels [first,
  /// last), and where the results of channel `first` belong in a table (count, channels).
  template <class F>
  void for_each(F f) const {
    const std::int64_t groups = (geometry.channels + group - 1) / group;
    const std::int64_t work = std::max<std::int64_t>(1, items * geometry.inner * group);
    parallel_for(count * groups, std::max<std::int64_t>(1, kElementGrain / work),
                 [&](std::int64_t task, std::int64_t end_task) {
                   for (; task < end_task; ++task) {
                     const std::int64_t block = task / groups;
                     const std::int64_t first = task % groups * group;
                     f(block * items, std::min(geometry.outer, (block + 1) * items), first,
                       std::min(geometry.channels, first + group), block * geometry.channels + first);
                   }
                 });
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

/// Adds f(row) over the rows of one channel in one block; a row starts at the offset it is given.
template <class F>
double add_rows(const Geometry& g, std::int64_t begin, std::int64_t end, std::int64_t channel, F f) {
  double sum = 0;
  for (std::int64_t o = begin; o < end; ++o) sum += f((o * g.channels + channel) * g.inner);
  return sum;
}

/// Mean and sum of squared deviations of one channel in one block.
template <class T>
void row_moments(const Geometry& g, const T* x, std::int64_t begin, std::int64_t end, std::int64_t channel,
                 double& mean, double& squares) {
  const double count = static_cast<double>((end - begin) * g.inner);
  const double sum = add_rows(g, begin, end, channel, [&](std::int64_t at) {
    return lane_sum<T>(g.inner, [row = x + at](std::int64_t i) { return row[i]; });
  });
  // The rounded mean is the pivot; what it is off by is put right below.
  const T pivot = static_cast<T>(sum / count);
  const double first = add_rows(g, begin, end, channel, [&](std::int64_t at) {
    return lane_sum<T>(g.inner, [row = x + at, pivot](std::int64_t i) { return row[i] - pivot; });
  });
  const double second = add_rows(g, begin, end, channel, [&](std::int64_t at) {
    return lane_sum<T>(g.inner, [row = x + at, pivot](std::int64_t i) {
      const T deviation = row[i] - pivot;
      return deviation * deviation;
    });
  });
  mean = static_cast<double>(pivot) + first / count;
  squares = std::max(0.0, second - first * first / count);
}

/// The same for channels that lie innermost, with the block's first row as pivot; all in double.
template <class T>
void column_moments(const Geometry& g, const T* x, std::int64_t begin, std::int64_t end, std::int64_t first,
                    std::int64_t last, double* mean, double* squares) {
  const T* pivot = x + begin * g.channels + first;
  const std::int64_t width = last - first;
  std::fill_n(mean, width, 0.0);
  std::fill_n(squares, width, 0.0);
  for (std::int64_t o = begin; o < end; ++o) {
    const T* row = x + o * g.channels + first;
    for (std::int64_t c = 0; c < width; ++c) {
      const double deviation = static_cast<double>(row[c]) - static_cast<double>(pivot[c]);
      mean[c] += deviation;
      squares[c] += deviation * deviation;
    }
  }
  const double count = static_cast<double>(end - begin);
  for (std::int64_t c = 0; c < width; ++c) {
    squares[c] = std::max(0.0, squares[c] - mean[c] * mean[c] / count);
    mean[c] = static_cast<double>(pivot[c]) + mean[c] / count;
  }
}

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

/// sum(gy) and sum(gy * (x - center)) of one channel in one block.
template <class T>
void row_gradient_sums(const Geometry& g, const T* x, const T* gy, std::int64_t begin, std::int64_t end,
                       std::int64_t channel, T center, double& sum_gy, double& sum_gy_x) {
  sum_gy = add_rows(g, begin, end, channel, [&](std::int64_t at) {
    return lane_sum<T>(g.inner, [row = gy + at](std::int64_t i) { return row[i]; });
  });
  sum_gy_x = add_rows(g, begin, end, channel, [&](std::int64_t at) {
    return lane_sum<T>(g.inner, [x_row = x + at, gy_row = gy + at, center](std::int64_t i) {
      return gy_row[i] * (x_row[i] - center);
    });
  });
}

template <class T>
void column_gradient_sums(const Geometry& g, const T* x, const T* gy, std::int64_t begin, std::int64_t end,
                          std::int64_t first, std::int64_t last, const T* center, double* sum_gy,
                          double* sum_gy_x) {
  const std::int64_t width = last - first;
  std::fill_n(sum_gy, width, 0.0);
  std::fill_n(sum_gy_x, width, 0.0);
  for (std::int64_t o = begin; o < end; ++o) {
    const T* x_row = x + o * g.channels + first;
    const T* gy_row = gy + o * g.channels + first;
    for (std::int64_t c = 0; c < width; ++c) {
      sum_gy[c] += static_cast<double>(gy_row[c]);
      sum_gy_x[c] += static_cast<double>(gy_row[c]) * static_cast<double>(x_row[c] - center[first + c]);
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

/// Calls row(offset, count, channel) for runs of one channel, or, when channels lie innermost,
/// columns(offset, count) for runs of all channels.
template <class Row, class Columns>
void for_each_run(const Geometry& g, Row row, Columns columns) {
  const std::int64_t length = g.inner == 1 ? g.channels : g.inner;
  if (length == 0) return;
  const std::int64_t grain = std::max<std::int64_t>(1, kElementGrain / length);
  if (g.inner == 1) {
    parallel_for(g.outer, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) columns(o * length, length);
    });
    return;
  }
  parallel_for(g.outer * g.channels, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t run = begin; run < end; ++run) row(run * length, length, index(run % g.channels));
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
      const T* in = x.data<T>();
      blocks.for_each(
          [&](std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last, std::int64_t at) {
            if (geometry.inner == 1) {
              column_moments(geometry, in, begin, end, first, last, mean + at, square + at);
            } else {
              row_moments(geometry, in, begin, end, first, mean[at], square[at]);
            }
          });
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

void normalize(const Geometry& geometry, const Array& x, const PerChannel& center, const PerChannel& scale,
               const PerChannel& shift, Array& y) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    const std::vector<T> centers = rounded<T>(center);
    const std::vector<T> scales = rounded<T>(scale);
    const std::vector<T> shifts = corrected_shift<T>(shift, scale, center);
    for_each_run(
        geometry,
        [&](std::int64_t at, std::int64_t count, std::size_t c) {
          const T m = centers[c];
          const T a = scales[c];
          const T b = shifts[c];
          for (std::int64_t i = at; i < at + count; ++i) out[i] = (in[i] - m) * a + b;
        },
        [&, m = centers.data(), a = scales.data(), b = shifts.data()](std::int64_t at, std::int64_t count) {
          for (std::int64_t c = 0; c < count; ++c) out[at + c] = (in[at + c] - m[c]) * a[c] + b[c];
        });
  });
}

GradientSums gradient_sums(const Geometry& geometry, const Array& x, const Array& gy,
                           const PerChannel& center) {
  const Blocks blocks(geometry);
  Array sums_gy = blocks.table();
  Array sums_gy_x = blocks.table();
  double* sum_gy = sums_gy.mutable_data<double>();
  double* sum_gy_x = sums_gy_x.mutable_data<double>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* x_data = x.data<T>();
    const T* gy_data = gy.data<T>();
    const std::vector<T> centers = rounded<T>(center);
    blocks.for_each(
        [&](std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last, std::int64_t at) {
          if (geometry.inner == 1) {
            column_gradient_sums(geometry, x_data, gy_data, begin, end, first, last, centers.data(),
                                 sum_gy + at, sum_gy_x + at);
          } else {
            row_gradient_sums(geometry, x_data, gy_data, begin, end, first, centers[index(first)], sum_gy[at],
                              sum_gy_x[at]);
          }
        });
  });
  GradientSums result{add_blocks(blocks, sum_gy), add_blocks(blocks, sum_gy_x)};
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    for (std::size_t c = 0; c < center.size(); ++c)
      result.gy_x[c] -= result.gy[c] * lost_by_rounding<T>(center[c]);
  });
  return result;
}

void input_gradient(const Geometry& geometry, const Array& x, const Array& gy, const PerChannel& center,
                    const PerChannel& scale, const PerChannel& slope, const PerChannel& shift,
                    bool accumulate, Array& gx) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* x_data = x.data<T>();
    const T* gy_data = gy.data<T>();
    T* out = gx.mutable_data<T>();
    const std::vector<T> centers = rounded<T>(center);
    const std::vector<T> scales = rounded<T>(scale);
    const std::vector<T> slopes = rounded<T>(slope);
    const std::vector<T> shifts = corrected_shift<T>(shift, slope, center);
    const auto run = [&]<bool add>() {
      for_each_run(
          geometry,
          [&](std::int64_t at, std::int64_t count, std::size_t c) {
            const T m = centers[c];
            const T a = scales[c];
            const T k = slopes[c];
            const T b = shifts[c];
            for (std::int64_t i = at; i < at + count; ++i) {
              const T value = (gy_data[i] - b - (x_data[i] - m) * k) * a;
              out[i] = add ? out[i] + value : value;
            }
          },
          [&, m = centers.data(), a = scales.data(), k = slopes.data(), b = shifts.data()](
              std::int64_t at, std::int64_t count) {
            for (std::int64_t c = 0; c < count; ++c) {
              const std::int64_t i = at + c;
              const T value = (gy_data[i] - b[c] - (x_data[i] - m[c]) * k[c]) * a[c];
              out[i] = add ? out[i] + value : value;
            }
          });
    };
    accumulate ? run.template operator()<true>() : run.template operator()<false>();
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
