// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name. `flatten`
// leaves no inline function of xsimd out of line, where the linker could take it for the baseline's.
#include <cstring>
#include <xsimd/xsimd.hpp>

#include <fathom/ops/softmax/exponential.hpp>
#include <fathom/ops/softmax/kernel.hpp>

namespace fathom::ops::softmax_family {
namespace {

using std::int64_t;
using Doubles = xsimd::batch<double, FATHOM_ARCH>;
constexpr int64_t kLanes = static_cast<int64_t>(Doubles::size);
constexpr int64_t kVectors = kBlock / kLanes;
constexpr double kLowest = -__builtin_huge_val();

/// As many T as a vector has doubles.
template <class T>
struct Packed {
  using Vector [[gnu::vector_size(static_cast<std::size_t>(kLanes) * sizeof(T))]] = T;
};

/// `count` <= kLanes numbers; `rest` in the lanes beyond.
template <class T>
Doubles load(const T* from, int64_t count, double rest) {
  typename Packed<T>::Vector vector;
  if (count == kLanes) {
    std::memcpy(&vector, from, sizeof vector);
  } else {
    for (int64_t i = 0; i < kLanes; ++i) vector[i] = i < count ? from[i] : static_cast<T>(rest);
  }
  return Doubles(__builtin_convertvector(vector, Packed<double>::Vector));
}

/// Writes the first `count` lanes.
template <class T>
void store(Doubles values, int64_t count, T* to) {
  const Packed<double>::Vector doubles = values.data;
  const auto vector = __builtin_convertvector(doubles, typename Packed<T>::Vector);
  if (count == kLanes) {
    std::memcpy(to, &vector, sizeof vector);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = vector[i];
  }
}

/// The vectors of a block. Where they run along its one line they share the numbers of position vector 0.
struct Block {
  bool along;
  int64_t offset;             // of the first element
  int64_t position;           // number of the first position
  int64_t steps, step;        // how many runs of elements, and from one to the next
  int64_t width, last_width;  // elements of a run, and of the last

  Block(const Lines& lines, int64_t index) : along(lines.inner == 1) {
    if (along) {
      offset = index * lines.length;
      position = index;
      step = width = kLanes;
      steps = (lines.length + kLanes - 1) / kLanes;
      last_width = lines.length - (steps - 1) * kLanes;
    } else {
      const int64_t blocks = (lines.inner + kBlock - 1) / kBlock;
      const int64_t first = index % blocks * kBlock;
      offset = index / blocks * lines.length * lines.inner + first;
      position = index / blocks * lines.inner + first;
      step = lines.inner;
      steps = lines.length;
      width = last_width = lines.inner - first < kBlock ? lines.inner - first : kBlock;
    }
  }

  /// Calls f(position vector, offset, count) for all vectors of elements.
  template <class F>
  void each_vector(F f) const {
    for (int64_t s = 0; s < steps; ++s) {
      const int64_t end = s + 1 < steps ? width : last_width;
      for (int64_t at = 0; at < end; at += kLanes) {
        f(at / kLanes, offset + s * step + at, end - at < kLanes ? end - at : kLanes);
      }
    }
  }

  /// Calls f(position vector, position, count).
  template <class F>
  void each_position_vector(F f) const {
    const int64_t positions = along ? 1 : width;
    for (int64_t at = 0; at < positions; at += kLanes) {
      f(at / kLanes, position + at, positions - at < kLanes ? positions - at : kLanes);
    }
  }

  void load_numbers(const double* numbers, Doubles* to) const {
    each_position_vector([&](int64_t v, int64_t i, int64_t count) {
      to[v] = along ? Doubles(numbers[i]) : load(numbers + i, count, 0);
    });
  }
  void store_numbers(const Doubles* from, double* numbers) const {
    each_position_vector([&](int64_t v, int64_t i, int64_t count) { store(from[v], count, numbers + i); });
  }

  /// to = join of term(position vector, offset, count) along each line, in an order that depends on the
  /// line's length alone. `neutral` stands where a line has no elements.
  template <class Join, class Term>
  void reduce(double neutral, Doubles* to, Join join, Term term) const {
    if (along) {
      *to = reduce_line(neutral, join, term);
      return;
    }
    each_position_vector([&](int64_t v, int64_t, int64_t) { to[v] = Doubles(neutral); });
    each_vector([&](int64_t v, int64_t at, int64_t count) { to[v] = join(to[v], term(v, at, count)); });
  }

 private:
  /// In four chains, which do not wait for each other.
  template <class Join, class Term>
  Doubles reduce_line(double neutral, Join join, Term term) const {
    constexpr int kChains = 4;
    Doubles chains[kChains];
    for (Doubles& chain : chains) chain = Doubles(neutral);
    int64_t s = 0;
    for (; s + kChains < steps; s += kChains) {
      for (int k = 0; k < kChains; ++k) {
        chains[k] = join(chains[k], term(0, offset + (s + k) * kLanes, kLanes));
      }
    }
    for (; s < steps; ++s) {
      chains[0] = join(chains[0], term(0, offset + s * kLanes, s + 1 < steps ? kLanes : last_width));
    }
    double lanes[kLanes];
    join(join(chains[0], chains[1]), join(chains[2], chains[3])).store_unaligned(lanes);
    Doubles joined(lanes[0]);
    for (int64_t i = 1; i < kLanes; ++i) joined = join(joined, Doubles(lanes[i]));
    return joined;
  }
};

constexpr auto larger = [](Doubles a, Doubles b) { return xsimd::max(a, b); };
constexpr auto plus = [](Doubles a, Doubles b) { return a + b; };

template <class T>
[[gnu::flatten, gnu::noinline]] void normalizers(const Lines& lines, const T* x, double* largest,
                                                 double* log_sum, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const Block block(lines, i);
    Doubles top[kVectors], sum[kVectors];
    const auto scores = [&](int64_t at, int64_t count) { return load(x + at, count, kLowest); };
    block.reduce(kLowest, top, larger, [&](int64_t, int64_t at, int64_t count) { return scores(at, count); });
    block.reduce(0, sum, plus, [&](int64_t v, int64_t at, int64_t count) {
      return exponential(scores(at, count) - top[v]);
    });
    block.each_position_vector([&](int64_t v, int64_t, int64_t) { sum[v] = xsimd::log(sum[v]); });
    block.store_numbers(top, largest);
    block.store_numbers(sum, log_sum);
  }
}

template <class T>
[[gnu::flatten, gnu::noinline]] void softmax(const Lines& lines, const T* x, const double* largest,
                                             const double* log_sum, const double* factors, T* y,
                                             int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const Block block(lines, i);
    Doubles top[kVectors], log[kVectors], factor[kVectors];
    block.load_numbers(largest, top);
    block.load_numbers(log_sum, log);
    if (factors != nullptr) block.load_numbers(factors, factor);
    block.each_vector([&](int64_t v, int64_t at, int64_t count) {
      Doubles value = exponential(load(x + at, count, 0) - top[v] - log[v]);
      if (factors != nullptr)
        value = xsimd::select(factor[v] == Doubles(0.0), Doubles(0.0), factor[v] * value);
      store(value, count, y + at);
    });
  }
}

template <class T>
[[gnu::flatten, gnu::noinline]] void log_softmax(const Lines& lines, const T* x, const double* largest,
                                                 const double* log_sum, T* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const Block block(lines, i);
    Doubles top[kVectors], log[kVectors];
    block.load_numbers(largest, top);
    block.load_numbers(log_sum, log);
    block.each_vector([&](int64_t v, int64_t at, int64_t count) {
      store(load(x + at, count, 0) - top[v] - log[v], count, y + at);
    });
  }
}

/// gx (+)= gradient(y, gy, sum) where sum is that of term(y, gy) along the line.
template <class T, class Term, class Gradient>
void gradient_of_lines(const Lines& lines, const T* y, const T* gy, bool accumulate, T* gx, int64_t begin,
                       int64_t end, Term term, Gradient gradient) {
  for (int64_t i = begin; i < end; ++i) {
    const Block block(lines, i);
    Doubles sum[kVectors];
    block.reduce(0, sum, plus, [&](int64_t, int64_t at, int64_t count) {
      return term(load(y + at, count, 0), load(gy + at, count, 0));
    });
    block.each_vector([&](int64_t v, int64_t at, int64_t count) {
      Doubles value = gradient(load(y + at, count, 0), load(gy + at, count, 0), sum[v]);
      if (accumulate) value += load(gx + at, count, 0);
      store(value, count, gx + at);
    });
  }
}

template <class T>
[[gnu::flatten, gnu::noinline]] void softmax_gradient(const Lines& lines, const T* y, const T* gy,
                                                      bool accumulate, T* gx, int64_t begin, int64_t end) {
  gradient_of_lines(
      lines, y, gy, accumulate, gx, begin, end, [](Doubles p, Doubles g) { return p * g; },
      [](Doubles p, Doubles g, Doubles sum) { return p * (g - sum); });
}

template <class T>
[[gnu::flatten, gnu::noinline]] void log_softmax_gradient(const Lines& lines, const T* y, const T* gy,
                                                          bool accumulate, T* gx, int64_t begin,
                                                          int64_t end) {
  gradient_of_lines(
      lines, y, gy, accumulate, gx, begin, end, [](Doubles, Doubles g) { return g; },
      [](Doubles log_p, Doubles g, Doubles sum) { return g - exponential(log_p) * sum; });
}

template <class T>
constexpr Kernels<T> kKernels{&normalizers<T>, &softmax<T>, &log_softmax<T>, &softmax_gradient<T>,
                              &log_softmax_gradient<T>};
constexpr KernelTable kTable{kKernels<float>, kKernels<double>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return kTable;
}

}  // namespace fathom::ops::softmax_family
