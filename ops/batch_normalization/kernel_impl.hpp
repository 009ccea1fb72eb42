// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <algorithm>
#include <type_traits>

#include <fathom/core/simd/lanes.hpp>
#include <fathom/core/simd/sum.hpp>
#include <fathom/ops/batch_normalization/activation.hpp>
#include <fathom/ops/batch_normalization/kernel.hpp>
#include <fathom/ops/batch_normalization/kernel_vectors.hpp>

namespace fathom::ops::batch_norm {
namespace {

using simd::load_lanes;
using simd::multiply_add;
using simd::store_lanes;

/// A coefficient of the channels: one for a whole run, or (`own`) one for each of its elements.
template <class T, bool own>
class Coefficient {
 public:
  explicit Coefficient(const T* values) : values_(values), first_(*values) {}
  [[nodiscard]] Batch<T> at(std::int64_t i, std::int64_t count) const {
    if constexpr (own) return load_lanes<T>(values_ + i, count);
    return first_;
  }

 private:
  const T* values_;
  Batch<T> first_;
};

/// The normalization of a run.
template <class T, bool own>
struct Normalizer {
  Normalizer(const Normalization<T>& n, std::int64_t channel)
      : center(n.center + channel), scale(n.scale + channel), shift(n.shift + channel) {}
  [[nodiscard]] Batch<T> centered(Batch<T> x, std::int64_t i, std::int64_t count) const {
    return x - center.at(i, count);
  }
  [[nodiscard]] Batch<T> normalized(Batch<T> centered_x, std::int64_t i, std::int64_t count) const {
    return multiply_add<T>(centered_x, scale.at(i, count), shift.at(i, count));
  }
  Coefficient<T, own> center, scale, shift;
};

/// Where the activation's gradient is taken from.
enum class Mask : std::uint8_t { none, from_x, from_y };

template <class T, Activation activation, Mask mask>
[[gnu::always_inline]] inline Batch<T> through_activation(Batch<T> gy, auto normalized, auto y) {
  if constexpr (mask == Mask::none) {
    return gy;
  } else if constexpr (mask == Mask::from_x) {
    return rule_of<activation>().gradient(gy, normalized());
  } else {
    return rule_of<activation>().gradient(gy, y());
  }
}

/// Calls f(channel, offset) for runs [begin, end), those of the last item first: of what was read just
/// before, that is what a cache still holds. Within an item they ascend, as the processor's own prefetching
/// expects.
template <class F>
[[gnu::always_inline]] inline void for_each_run(const Geometry& g, std::int64_t begin, std::int64_t end,
                                                F f) {
  const std::int64_t width = g.has_columns() ? 1 : g.channels;
  for (std::int64_t stop = end; stop > begin;) {
    const std::int64_t item = (stop - 1) / width, start = std::max(begin, item * width);
    for (std::int64_t channel = start - item * width; channel < stop - item * width; ++channel)
      f(channel, item * g.item() + channel * g.inner);
    stop = start;
  }
}

template <class T, Activation activation, bool own, bool add>
void normalize_runs(const Geometry& g, std::int64_t begin, std::int64_t end, const T* x, const T* residual,
                    const Normalization<T>& normalization, T* y) {
  for_each_run(g, begin, end, [&](std::int64_t channel, std::int64_t at) {
    const Normalizer<T, own> n(normalization, channel);
    const Ahead<T, own> ahead(g, -1);
    const T* const in = x + at;
    const T* const added = add ? residual + at : residual;
    T* const out = y + at;
    const auto vector = [&](std::int64_t i, auto count) {
      ahead.fetch(out + i);
      Batch<T> value = n.normalized(n.centered(load_lanes<T>(in + i, count), i, count), i, count);
      if constexpr (add) value += load_lanes<T>(added + i, count);
      if constexpr (activation != Activation::none) value = rule_of<activation>().value(value);
      store_lanes<T>(out + i, value, count);
    };
    for_each_vector<T>(g.run_length(), vector, lead_of(y + at, g.run_length()));
  });
}

// `flatten` leaves no function of xsimd or of a rule out of line, where the linker could take it for the
// baseline's.

template <class T, Activation activation>
[[gnu::flatten]] void normalize(const Geometry& g, std::int64_t begin, std::int64_t end, const T* x,
                                const T* residual, const Normalization<T>& n, T* y) {
  const auto run = g.has_columns() ? (residual == nullptr ? &normalize_runs<T, activation, true, false>
                                                          : &normalize_runs<T, activation, true, true>)
                                   : (residual == nullptr ? &normalize_runs<T, activation, false, false>
                                                          : &normalize_runs<T, activation, false, true>);
  run(g, begin, end, x, residual, n, y);
}

template <class T, Activation activation, Mask mask, bool own, bool add>
void gradient_runs(const Geometry& g, std::int64_t begin, std::int64_t end, const T* x,
                   const Upstream<T>& upstream, const InputGradient<T>& gradient, T* gx) {
  for_each_run(g, begin, end, [&](std::int64_t channel, std::int64_t at) {
    const Normalizer<T, own> n(upstream.normalization, channel);
    const Coefficient<T, own> slope(gradient.slope + channel), shift(gradient.shift + channel),
        scale(gradient.scale + channel);
    const Ahead<T, own> ahead(g, -1);
    const T *const in = x + at, *const gy = upstream.gy + at;
    const T* const y = mask == Mask::from_y ? upstream.y + at : upstream.y;
    T* const out = gx + at;
    const auto vector = [&](std::int64_t i, auto count) {
      ahead.fetch(out + i);
      const Batch<T> centered = n.centered(load_lanes<T>(in + i, count), i, count);
      const Batch<T> passed = through_activation<T, activation, mask>(
          load_lanes<T>(gy + i, count), [&] { return n.normalized(centered, i, count); },
          [&] { return load_lanes<T>(y + i, count); });
      const Batch<T> level = passed - shift.at(i, count);
      Batch<T> value = multiply_add<T>(-centered, slope.at(i, count), level) * scale.at(i, count);
      if constexpr (add) value += load_lanes<T>(out + i, count);
      store_lanes<T>(out + i, value, count);
    };
    for_each_vector<T>(g.run_length(), vector, lead_of(gx + at, g.run_length()));
  });
}

template <class T, Activation activation, Mask mask>
void gradient_masked(const Geometry& g, std::int64_t begin, std::int64_t end, const T* x,
                     const Upstream<T>& upstream, const InputGradient<T>& gradient, bool accumulate, T* gx) {
  const auto run = g.has_columns() ? (accumulate ? &gradient_runs<T, activation, mask, true, true>
                                                 : &gradient_runs<T, activation, mask, true, false>)
                                   : (accumulate ? &gradient_runs<T, activation, mask, false, true>
                                                 : &gradient_runs<T, activation, mask, false, false>);
  run(g, begin, end, x, upstream, gradient, gx);
}

template <class T, Activation activation>
[[gnu::flatten]] void input_gradient(const Geometry& g, std::int64_t begin, std::int64_t end, const T* x,
                                     const Upstream<T>& upstream, const InputGradient<T>& gradient,
                                     bool accumulate, T* gx) {
  if constexpr (activation == Activation::none) {
    gradient_masked<T, activation, Mask::none>(g, begin, end, x, upstream, gradient, accumulate, gx);
  } else if (upstream.y == nullptr) {
    gradient_masked<T, activation, Mask::from_x>(g, begin, end, x, upstream, gradient, accumulate, gx);
  } else {
    gradient_masked<T, activation, Mask::from_y>(g, begin, end, x, upstream, gradient, accumulate, gx);
  }
}

/// `count` sums of as many terms, in lanes.
template <class T, int count>
struct Terms {
  Batch<T> of[count];
  [[gnu::always_inline]] void operator+=(const Terms& other) {
    for (int k = 0; k < count; ++k) of[k] += other.of[k];
  }
  [[gnu::always_inline]] void clear() {
    for (int k = 0; k < count; ++k) of[k] = Batch<T>(T(0));
  }
};

/// Adds f(i, elements), which are Terms, over [0, length) to `total`. Four additions of each sum are under
/// way at once.
template <class T, int count, class F>
[[gnu::always_inline]] inline void add_up(std::int64_t length, F f, Terms<T, count>& total) {
  constexpr std::int64_t L = lanes<T>;
  constexpr std::integral_constant<std::int64_t, L> whole{};
  std::int64_t i = 0;
  if (length == L) {  // as below, without what is zero
    total += f(i, whole);
    return;
  }
  Terms<T, count> a = total, b, c, d;
  b.clear(), c.clear(), d.clear();
  for (; i + 4 * L <= length; i += 4 * L) {
    a += f(i, whole);
    b += f(i + L, whole);
    c += f(i + 2 * L, whole);
    d += f(i + 3 * L, whole);
  }
  for (; i + L <= length; i += L) a += f(i, whole);
  if (i < length) {
    const Batch<T> mask = simd::lane_mask<T>(0, length - i);
    const Terms<T, count> last = f(i, length - i);
    for (int k = 0; k < count; ++k) d.of[k] += last.of[k] & mask;
  }
  for (int k = 0; k < count; ++k) total.of[k] = (a.of[k] + b.of[k]) + (c.of[k] + d.of[k]);
}

/// Sums f(channel - first)(offset, elements), which are Terms, over a block into totals[channel - first],
/// going along memory.
template <class T, int count, class F>
[[gnu::always_inline]] inline void sum_rows(const Geometry& g, const Block& block, double (*totals)[count],
                                            F f) {
  Terms<T, count> sums[kMostChannels];
  const std::int64_t width = block.last - block.first;
  for (std::int64_t c = 0; c < width; ++c) sums[c].clear();
  for (std::int64_t o = block.begin; o < block.end; ++o) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t row = o * g.item() + (block.first + c) * g.inner + block.from;
      add_up<T, count>(
          block.to - block.from,
          [terms = f(c), row](std::int64_t i, auto elements) { return terms(row + i, elements); }, sums[c]);
    }
  }
  for (std::int64_t c = 0; c < width; ++c) {
    for (int k = 0; k < count; ++k) totals[c][k] = simd::sum_of_lanes<T>(sums[c].of[k]);
  }
}

/// The same where channels lie innermost: f(first of the channels)(offset, channels).
template <class T, int count, class F>
[[gnu::always_inline]] inline void sum_columns(const Geometry& g, const Block& block, double (*totals)[count],
                                               F f) {
  constexpr std::int64_t L = lanes<T>;
  for_each_vector<T>(block.last - block.first, [&](std::int64_t c, auto channels) {
    const auto terms = f(c);
    const std::int64_t column = block.first + c;
    Terms<T, count> even, odd;
    even.clear(), odd.clear();
    std::int64_t o = block.begin;
    for (; o + 2 <= block.end; o += 2) {
      even += terms(o * g.item() + column, channels);
      odd += terms((o + 1) * g.item() + column, channels);
    }
    if (o < block.end) even += terms(o * g.item() + column, channels);
    even += odd;
    for (int k = 0; k < count; ++k) {
      alignas(Batch<T>) T values[L];
      even.of[k].store_aligned(values);
      for (std::int64_t i = 0; i < channels; ++i) totals[c + i][k] = static_cast<double>(values[i]);
    }
  });
}

template <class T, int count, bool own, class F>
[[gnu::always_inline]] inline void sum_block(const Geometry& g, const Block& block, double (*totals)[count],
                                             F f) {
  if constexpr (own) {
    sum_columns<T, count>(g, block, totals, f);
  } else {
    sum_rows<T, count>(g, block, totals, f);
  }
}

/// Mean and squared deviations of each channel of a block, `pivots` being near the means: what they are off
/// by is put right.
template <class T, bool own>
void moments_about(const Geometry& g, const Block& block, const T* x, const T* soon, const T* pivots,
                   double* means, double* squares) {
  const auto count = static_cast<double>((block.end - block.begin) * (block.to - block.from));
  double deviations[kMostChannels][2];
  sum_block<T, 2, own>(g, block, deviations, [x, soon, pivots, ahead = Ahead<T, own>(g, 1)](std::int64_t c) {
    return [x, soon, pivot = Coefficient<T, own>(pivots + c), ahead](std::int64_t at, auto elements) {
      ahead.fetch(x + at);
      ahead.fetch_here(soon + at);
      const Batch<T> deviation = load_lanes<T>(x + at, elements) - pivot.at(0, elements);
      return Terms<T, 2>{deviation, deviation * deviation};
    };
  });
  for (std::int64_t c = 0; c < block.last - block.first; ++c) {
    const auto [first, second] = deviations[c];
    means[c] = static_cast<double>(pivots[c]) + first / count;
    squares[c] = std::max(0.0, second - first * first / count);
  }
}

/// The rounded means for pivots, in one more pass over the block.
template <class T, bool own>
void careful_moments(const Geometry& g, const Block& block, const T* x, double* means, double* squares) {
  const auto count = static_cast<double>((block.end - block.begin) * (block.to - block.from));
  double totals[kMostChannels][1];
  sum_block<T, 1, own>(g, block, totals, [x](std::int64_t) {
    return [x](std::int64_t at, auto elements) { return Terms<T, 1>{load_lanes<T>(x + at, elements)}; };
  });
  T pivots[kMostChannels];
  for (std::int64_t c = 0; c < block.last - block.first; ++c)
    pivots[c] = static_cast<T>(totals[c][0] / count);
  moments_about<T, own>(g, block, x, x, pivots, means, squares);
}

template <class T, bool own>
void block_moments(const Geometry& g, const Block& block, const T* x, const T* soon, double* means,
                   double* squares) {
  const std::int64_t items = block.end - block.begin, length = block.to - block.from;
  T pivots[kMostChannels];
  for (std::int64_t c = 0; c < block.last - block.first; ++c) {
    T sum = 0;
    for (std::int64_t k = 0; k < 4; ++k) {  // some elements, to start with
      const std::int64_t item = block.begin + (items - 1) * k / 3, i = block.from + (length - 1) * k / 3;
      sum += x[item * g.item() + (block.first + c) * g.inner + i];
    }
    pivots[c] = sum / 4;
  }
  moments_about<T, own>(g, block, x, soon, pivots, means, squares);
  const auto count = static_cast<double>(items * length);
  for (std::int64_t c = 0; c < block.last - block.first; ++c) {
    // Further off than two standard deviations a pivot costs digits of the variance.
    const double off = means[c] - static_cast<double>(pivots[c]);
    if (off * off * count <= 4 * squares[c]) continue;
    const Block channel{block.begin, block.end, block.first + c, block.first + c + 1, block.from, block.to};
    careful_moments<T, own>(g, channel, x, means + c, squares + c);
  }
}

template <class T>
[[gnu::flatten]] void moments(const Geometry& g, const Block& block, const T* x, const T* soon, double* means,
                              double* squares) {
  g.has_columns() ? block_moments<T, true>(g, block, x, soon, means, squares)
                  : block_moments<T, false>(g, block, x, soon, means, squares);
}

template <class T, Activation activation, Mask mask, bool own>
void block_gradient_sums(const Geometry& g, const Block& block, const T* x, const Upstream<T>& upstream,
                         T* through, double* sum_g, double* sum_g_x) {
  double totals[kMostChannels][2];
  const Ahead<T, own> ahead(g, 1);
  const T *const gy = upstream.gy, *const y = upstream.y;
  sum_block<T, 2, own>(g, block, totals, [=, &upstream, &block](std::int64_t c) {
    return
        [=, n = Normalizer<T, own>(upstream.normalization, block.first + c)](std::int64_t at, auto elements) {
          ahead.fetch(x + at), ahead.fetch(gy + at);
          const Batch<T> centered = n.centered(load_lanes<T>(x + at, elements), 0, elements);
          const Batch<T> passed = through_activation<T, activation, mask>(
              load_lanes<T>(gy + at, elements), [&] { return n.normalized(centered, 0, elements); },
              [&] { return load_lanes<T>(y + at, elements); });
          if (through != nullptr) store_lanes<T>(through + at, passed, elements);
          return Terms<T, 2>{passed, passed * centered};
        };
  });
  for (std::int64_t c = 0; c < block.last - block.first; ++c) {
    sum_g[c] = totals[c][0];
    sum_g_x[c] = totals[c][1];
  }
}

template <class T, Activation activation, Mask mask>
void gradient_sums_masked(const Geometry& g, const Block& block, const T* x, const Upstream<T>& upstream,
                          T* through, double* sum_g, double* sum_g_x) {
  const auto run = g.has_columns() ? &block_gradient_sums<T, activation, mask, true>
                                   : &block_gradient_sums<T, activation, mask, false>;
  run(g, block, x, upstream, through, sum_g, sum_g_x);
}

template <class T, Activation activation>
[[gnu::flatten]] void gradient_sums(const Geometry& g, const Block& block, const T* x,
                                    const Upstream<T>& upstream, T* through, double* sum_g, double* sum_g_x) {
  if constexpr (activation == Activation::none) {
    gradient_sums_masked<T, activation, Mask::none>(g, block, x, upstream, through, sum_g, sum_g_x);
  } else if (upstream.y == nullptr) {
    gradient_sums_masked<T, activation, Mask::from_x>(g, block, x, upstream, through, sum_g, sum_g_x);
  } else {
    gradient_sums_masked<T, activation, Mask::from_y>(g, block, x, upstream, through, sum_g, sum_g_x);
  }
}

template <class T, Activation activation>
constexpr ActivationKernels<T> kernels_with{&normalize<T, activation>, &gradient_sums<T, activation>,
                                            &input_gradient<T, activation>};
template <class T>
constexpr Kernels<T> kernels_of{&moments<T>,
                                {kernels_with<T, Activation::none>, kernels_with<T, Activation::relu>,
                                 kernels_with<T, Activation::relu6>}};
constexpr KernelTable table{kernels_of<float>, kernels_of<double>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::batch_norm
