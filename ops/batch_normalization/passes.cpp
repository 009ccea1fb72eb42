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

/// Planes too small to fill the longest vectors become columns, as channels that lie innermost are: a
/// channel's elements side by side have the same coefficients, and its sums are theirs together.
Geometry in_columns(Geometry g) {
  constexpr std::int64_t kFew = 15;
  return g.inner < 2 || g.inner > kFew ? g : Geometry{g.outer, g.channels * g.inner, 1, g.item(), g.inner};
}

/// Channels, or columns, that are worked through at once, and their data as a geometry of its own.
struct Group {
  Geometry geometry;
  std::int64_t first;
  [[nodiscard]] std::int64_t end() const { return first + geometry.channels; }
  [[nodiscard]] std::int64_t offset() const { return first * geometry.inner; }
  /// Calls f(channel, first of its columns).
  template <class F>
  void for_each_channel(F f) const {
    std::size_t channel = index(first / geometry.repeat);
    for (std::int64_t c = first; c < end(); c += geometry.repeat) f(channel++, c);
  }
};

/// How many channels are worked through at once: what a core's cache holds of the data that is read twice,
/// `bytes` for each element, unless nothing is (0). All of them where such a group would lie in short pieces
/// of memory, or where there are fewer than threads: then each pass is shared out. The results do not depend
/// on it.
std::int64_t group_width(const Geometry& g, std::int64_t bytes) {
  constexpr std::int64_t kCacheBytes = 256 << 10, kLeastBytes = 2 << 10;
  const std::int64_t channel = g.column() * bytes;
  if (g.has_columns() || channel == 0 || g.channels < num_threads()) return g.channels;
  const std::int64_t most =
      std::clamp<std::int64_t>(kCacheBytes / channel, 1, parts_of(g.channels, num_threads()));
  const std::int64_t width = parts_of(g.channels, parts_of(g.channels, most));  // groups of about one size
  return width * g.inner * bytes < kLeastBytes ? g.channels : width;
}

/// Calls f(group), the groups shared out among threads.
template <class F>
void for_each_group(const Geometry& g, std::int64_t bytes, F f) {
  const std::int64_t width = group_width(g, bytes);
  if (width == 0) return;
  const std::int64_t grain =
      std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, width * g.column()));
  parallel_for(parts_of(g.channels, width), grain, [&](std::int64_t begin, std::int64_t end) {
    for (; begin < end; ++begin) {
      const std::int64_t first = begin * width;
      f(Group{{g.outer, std::min(width, g.channels - first), g.inner, g.item(), g.repeat}, first});
    }
  });
}

/// How the sums are cut: into blocks whose sizes depend on the geometry alone, so that results have the same
/// bits for any number of threads. A block sees some thousand elements of each of its channels at most, which
/// is what sums in the data's own type stand. It has several channels where planes are small, so that it is
/// read along memory; no channel's sums depend on those that come with it.
class Blocks {
 public:
  explicit Blocks(const Geometry& geometry)
      : geometry_(geometry),
        parts_(std::max<std::int64_t>(1, parts_of(geometry.inner, 4096))),
        part_((parts_of(geometry.inner, parts_) + 63) / 64 * 64),
        items_(geometry.has_columns()
                   ? 128
                   : std::max<std::int64_t>(1, 1024 / std::max<std::int64_t>(1, geometry.inner))),
        width_(geometry.has_columns()
                   ? kMostChannels
                   : std::clamp<std::int64_t>(4096 / std::max<std::int64_t>(1, geometry.inner), 1,
                                              kMostChannels)),
        rows_(parts_of(geometry.outer, items_)) {}

  /// Calls f(block, at) for the blocks of a group in the order of memory; `at` is where the results of the
  /// block's first channel belong in a table (count(), channels of all groups).
  template <class F>
  void for_each(const Group& group, F f) const {
    const std::int64_t channels = group.geometry.channels, across = parts_of(channels, width_);
    const std::int64_t work = std::max<std::int64_t>(1, items_ * std::min(part_, geometry_.inner) * width_);
    parallel_for(rows_ * across * parts_, std::max<std::int64_t>(1, kElementGrain / work),
                 [&](std::int64_t task, std::int64_t end_task) {
                   for (; task < end_task; ++task) {
                     const std::int64_t part = task % parts_;
                     const std::int64_t first = task / parts_ % across * width_;
                     const std::int64_t row = task / parts_ / across;
                     f(Block{row * items_, std::min(geometry_.outer, (row + 1) * items_), first,
                             std::min(channels, first + width_), part * part_,
                             std::min(geometry_.inner, (part + 1) * part_)},
                       (row * parts_ + part) * geometry_.channels + group.first + first);
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
  [[nodiscard]] std::int64_t table_size() const { return count() * geometry_.channels; }

 private:
  Geometry geometry_;
  std::int64_t parts_, part_;  // an item's inner elements are cut into parts
  std::int64_t items_;         // outer items of a block
  std::int64_t width_;         // channels of a block
  std::int64_t rows_;
};

/// Two sums of each block and channel.
struct Tables {
  explicit Tables(const Blocks& blocks)
      : arrays{Array::empty({blocks.table_size()}, DType::float64),
               Array::empty({blocks.table_size()}, DType::float64)},
        first(arrays[0].mutable_data<double>()),
        second(arrays[1].mutable_data<double>()) {}
  Array arrays[2];
  double *first, *second;
};

/// Of a group's channels, from means and squared deviations of the blocks.
void merge_moments(const Blocks& blocks, const Group& group, const Tables& moments, Statistics& result) {
  const auto total = static_cast<double>(group.geometry.averaged());
  const std::int64_t repeat = group.geometry.repeat;
  for (std::int64_t b = 0; b < blocks.count(); ++b) {
    const double share = blocks.elements(b) / total;
    const double* const means = moments.first + b * blocks.channels();
    group.for_each_channel([&](std::size_t channel, std::int64_t c) {
      for (std::int64_t i = c; i < c + repeat; ++i) result.mean[channel] += share * means[i];
    });
  }
  for (std::int64_t b = 0; b < blocks.count(); ++b) {
    const double count = blocks.elements(b);
    const double* const means = moments.first + b * blocks.channels();
    const double* const squares = moments.second + b * blocks.channels();
    group.for_each_channel([&](std::size_t channel, std::int64_t c) {
      for (std::int64_t i = c; i < c + repeat; ++i) {
        const double deviation = means[i] - result.mean[channel];
        result.variance[channel] += (squares[i] + count * deviation * deviation) / total;
      }
    });
  }
}

void add_blocks(const Blocks& blocks, const Group& group, const double* table, PerChannel& result) {
  for (std::int64_t b = 0; b < blocks.count(); ++b, table += blocks.channels()) {
    group.for_each_channel([&](std::size_t channel, std::int64_t c) {
      for (std::int64_t i = c; i < c + group.geometry.repeat; ++i) result[channel] += table[i];
    });
  }
}

template <class T>
double lost_by_rounding(double value) {
  return value - static_cast<double>(static_cast<T>(value));
}

/// A normalization in the type of the data, with the shift put right for the rounded center: with a large
/// mean and a small variance the rounding would show.
template <class T>
struct Rounded {
  explicit Rounded(const Geometry& g)
      : center(index(g.channels)), scale(index(g.channels)), shift(index(g.channels)) {}
  void set(const Group& group, const Statistics& s, const Affine& affine) {
    group.for_each_channel([&](std::size_t channel, std::int64_t c) {
      const double factor = affine.gamma[channel] * s.inverse[channel];
      const std::int64_t repeat = group.geometry.repeat;
      std::fill_n(&center[index(c)], repeat, static_cast<T>(s.mean[channel]));
      std::fill_n(&scale[index(c)], repeat, static_cast<T>(factor));
      std::fill_n(&shift[index(c)], repeat,
                  static_cast<T>(affine.beta[channel] - factor * lost_by_rounding<T>(s.mean[channel])));
    });
  }
  [[nodiscard]] Normalization<T> of(const Group& group) const {
    return {center.data() + group.first, scale.data() + group.first, shift.data() + group.first};
  }
  std::vector<T> center, scale, shift;
};

double inverse_deviation(double variance, double eps) { return 1 / std::sqrt(variance + eps); }

/// Calls run(begin, end) for parts of the geometry's runs, together all of them.
template <class Run>
void for_runs(const Geometry& g, Run run) {
  if (g.run_length() == 0) return;
  parallel_for(g.runs(), std::max<std::int64_t>(1, kElementGrain / g.run_length()), run);
}

/// Calls take_statistics(group) before a group is normalized. Both read x if `twice`.
template <class T, class F>
void normalize_groups(const Geometry& geometry, bool twice, const Array& x, const Array& residual,
                      const Affine& affine, Activation activation, const Statistics& statistics,
                      F take_statistics, Array& y) {
  const ActivationKernels<T>& kernels = choose_kernels<T>("batch_normalization/normalize").of(activation);
  const T* in = x.data<T>();
  const T* added = residual.defined() ? residual.data<T>() : nullptr;
  T* out = y.mutable_data<T>();
  Rounded<T> coefficients(geometry);
  for_each_group(geometry, twice ? sizeof(T) : 0, [&](const Group& group) {
    take_statistics(group);
    coefficients.set(group, statistics, affine);
    const std::int64_t at = group.offset();
    for_runs(group.geometry, [&](std::int64_t begin, std::int64_t end) {
      kernels.normalize(group.geometry, begin, end, in + at, added == nullptr ? nullptr : added + at,
                        coefficients.of(group), out + at);
    });
  });
}

}  // namespace

Statistics statistics_of(PerChannel mean, PerChannel variance, double eps) {
  Statistics result{std::move(mean), std::move(variance), {}};
  result.inverse.reserve(result.variance.size());
  for (const double v : result.variance) result.inverse.push_back(inverse_deviation(v, eps));
  return result;
}

void normalize(const Geometry& geometry, const Array& x, const Array& residual, const Statistics& statistics,
               const Affine& affine, Activation activation, Array& y) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    normalize_groups<T>(
        in_columns(geometry), false, x, residual, affine, activation, statistics, [](const Group&) {}, y);
  });
}

Statistics normalize_by_own(const Geometry& whole, const Array& x, const Array& residual, double eps,
                            const Affine& affine, Activation activation, Array& y) {
  const PerChannel zeros(index(whole.channels), 0.0);
  const Geometry geometry = in_columns(whole);
  Statistics result{zeros, zeros, zeros};
  const Blocks blocks(geometry);
  const Tables moments(blocks);
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const Kernels<T>& kernels = choose_kernels<T>("batch_normalization/statistics");
    const T* in = x.data<T>();
    const T* out = y.data<T>();
    constexpr std::int64_t kSoonBytes = 512 << 10;  // of y that stay in a core's cache beside as much of x
    const auto take_statistics = [&](const Group& group) {
      const std::int64_t elements = group.geometry.channels * group.geometry.column();
      const T* const soon = (elements * std::int64_t{sizeof(T)} <= kSoonBytes ? out : in) + group.offset();
      if (elements > 0) {
        blocks.for_each(group, [&](const Block& block, std::int64_t at) {
          kernels.moments(group.geometry, block, in + group.offset(), soon, moments.first + at,
                          moments.second + at);
        });
        merge_moments(blocks, group, moments, result);
      }
      group.for_each_channel([&](std::size_t channel, std::int64_t) {
        result.inverse[channel] = inverse_deviation(result.variance[channel], eps);
      });
    };
    normalize_groups<T>(geometry, true, x, residual, affine, activation, result, take_statistics, y);
  });
  return result;
}

GradientSums gradients(const Geometry& whole, const Array& x, const OutputGradient& gradient,
                       const Statistics& statistics, StatisticsFrom from, const Affine& affine,
                       const InputGradients& to) {
  const PerChannel zeros(index(whole.channels), 0.0);
  const Geometry geometry = in_columns(whole);
  GradientSums result{zeros, zeros};
  const Blocks blocks(geometry);
  const Tables sums(blocks);
  const double share = 1.0 / static_cast<double>(std::max<std::int64_t>(1, geometry.averaged()));
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const Kernels<T>& all = choose_kernels<T>("batch_normalization/gradients");
    const ActivationKernels<T>& first = all.of(gradient.activation);
    const ActivationKernels<T>& second = to.through == nullptr ? first : all.of(Activation::none);
    const T* in = x.data<T>();
    const T* gy = gradient.gy.data<T>();
    const T* y = gradient.y.defined() ? gradient.y.data<T>() : nullptr;
    T* through = to.through == nullptr ? nullptr : to.through->mutable_data<T>();
    T* gx = to.gx == nullptr ? nullptr : to.gx->mutable_data<T>();
    Rounded<T> coefficients(geometry);
    std::vector<T> slope(index(geometry.channels)), shift(slope.size());
    const std::int64_t arrays = to.sums && gx != nullptr ? (y == nullptr ? 2 : 3) : 0;
    for_each_group(geometry, arrays * static_cast<std::int64_t>(sizeof(T)), [&](const Group& group) {
      const std::int64_t at = group.offset();
      coefficients.set(group, statistics, affine);
      Upstream<T> upstream{gy + at, y == nullptr ? nullptr : y + at, coefficients.of(group)};
      T* const g = through == nullptr ? nullptr : through + at;
      if (to.sums) {
        blocks.for_each(group, [&](const Block& block, std::int64_t entry) {
          first.gradient_sums(group.geometry, block, in + at, upstream, g, sums.first + entry,
                              sums.second + entry);
        });
        add_blocks(blocks, group, sums.first, result.g);
        add_blocks(blocks, group, sums.second, result.g_x);
      }
      group.for_each_channel([&](std::size_t channel, std::int64_t c) {
        const double lost = lost_by_rounding<T>(statistics.mean[channel]);
        const double inverse = statistics.inverse[channel];
        result.g_x[channel] -= result.g[channel] * lost;
        if (from == StatisticsFrom::elsewhere) return;
        const double factor = share * result.g_x[channel] * inverse * inverse;
        std::fill_n(&slope[index(c)], geometry.repeat, static_cast<T>(factor));
        std::fill_n(&shift[index(c)], geometry.repeat,
                    static_cast<T>(share * result.g[channel] - factor * lost));
      });
      if (gx == nullptr) return;
      if (g != nullptr) upstream = {g, nullptr, upstream.normalization};
      const InputGradient<T> input{slope.data() + group.first, shift.data() + group.first,
                                   coefficients.scale.data() + group.first};
      for_runs(group.geometry, [&](std::int64_t begin, std::int64_t end) {
        second.input_gradient(group.geometry, begin, end, in + at, upstream, input, to.accumulate, gx + at);
      });
    });
  });
  return result;
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
