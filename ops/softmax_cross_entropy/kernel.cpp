// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>

#include <fathom/core/elementwise.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>

namespace fathom::ops::cross_entropy {

namespace {

constexpr std::string_view kName = "softmax_cross_entropy";

/// Calls f(position) for every position, `work` elements each.
template <class F>
void for_each_position(const Problem& p, std::int64_t work, F f) {
  const std::int64_t grain = std::max<std::int64_t>(1, fathom::detail::kElementGrain / 8 / work);
  parallel_for(p.lines.positions(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

/// Class weights times scale, in double.
template <class T>
std::vector<double> class_factors(const Problem& p) {
  std::vector<double> factors(static_cast<std::size_t>(p.lines.length), p.scale);
  if (p.class_weight.defined()) {
    const T* weights = p.class_weight.data<T>();
    for (std::size_t k = 0; k < factors.size(); ++k) factors[k] *= static_cast<double>(weights[k]);
  }
  return factors;
}

/// Calls f(for_each_target), where for_each_target(position, g) calls g(at, weight) for the classes that have
/// a weight at a position; `at` is the offset of the class's score. A class without weight does not count,
/// though its score be minus infinity.
template <class T, class F>
void with_targets(const Problem& p, F f) {
  const std::vector<double> factors = class_factors<T>(p);
  const double* factor = factors.data();
  const std::int64_t classes = p.lines.length;
  const std::int64_t inner = p.lines.inner;
  const auto first = [classes, inner](std::int64_t i) { return i / inner * classes * inner + i % inner; };
  if (p.soft) {
    f([=, t = p.t.data<T>()](std::int64_t position, auto&& g) {
      for (std::int64_t k = 0, at = first(position); k < classes; ++k, at += inner) {
        const double weight = factor[k] * static_cast<double>(t[at]);
        if (weight != 0) g(at, weight);
      }
    });
    return;
  }
  dispatch_index(p.t.dtype(), kName, [&]<class L>() {
    f([=, t = p.t.data<L>(), ignored = p.options.ignore_label](std::int64_t position, auto&& g) {
      const std::int64_t label = t[position];
      if (label != ignored && factor[label] != 0) g(first(position) + label * inner, factor[label]);
    });
  });
}

/// The sum of q at every position, float64.
template <class T>
Array totals(const Problem& p) {
  Array result = Array::empty({p.lines.positions()}, DType::float64);
  double* out = result.mutable_data<double>();
  with_targets<T>(p, [&](auto for_each_target) {
    for_each_position(p, p.soft ? p.lines.length : 1, [&](std::int64_t position) {
      double total = 0;
      for_each_target(position, [&](std::int64_t, double weight) { total += weight; });
      out[position] = total;
    });
  });
  return result;
}

}  // namespace

Array losses(const Problem& p, const Array& x, const Array& normalizers) {
  Array result = Array::empty(p.labels_shape, DType::float64);
  double* out = result.mutable_data<double>();
  const double* largest = normalizers.data<double>();
  const double* log_sum = largest + p.lines.positions();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    with_targets<T>(p, [&](auto for_each_target) {
      for_each_position(p, p.soft ? p.lines.length : 1, [&](std::int64_t position) {
        double loss = 0;
        for_each_target(position, [&](std::int64_t at, double weight) {
          loss -= weight * (static_cast<double>(in[at]) - largest[position] - log_sum[position]);
        });
        out[position] = loss;
      });
    });
  });
  return result;
}

Array input_gradient(const Problem& p, const Array& x, const Array& normalizers, const Array& gy) {
  const double* largest = normalizers.data<double>();
  const double* log_sum = largest + p.lines.positions();
  return dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    const T* gy_data = gy.data<T>();
    const std::int64_t gy_step = p.options.reduce == Reduce::no ? 1 : 0;
    Array factors = totals<T>(p);
    double* factor = factors.mutable_data<double>();
    for_each_position(p, 1, [&](std::int64_t position) {
      factor[position] *= static_cast<double>(gy_data[position * gy_step]);
    });
    Array gx = softmax_family::softmax(p.lines, x, normalizers, factors);
    T* out = gx.mutable_data<T>();
    with_targets<T>(p, [&](auto for_each_target) {
      for_each_position(p, p.soft ? p.lines.length : 1, [&](std::int64_t position) {
        const double g = static_cast<double>(gy_data[position * gy_step]);
        // Once more and in double: of a class that is nearly certain, little is left of softmax - q.
        for_each_target(position, [&](std::int64_t at, double weight) {
          const double score = static_cast<double>(in[at]) - largest[position] - log_sum[position];
          out[at] = static_cast<T>(factor[position] * std::exp(score) - g * weight);
        });
      });
    });
    return gx;
  });
}

Targets targets(const Problem& p, DType dtype) {
  Shape totals_shape = p.x_shape;
  totals_shape[1] = 1;
  return dispatch_float(dtype, kName, [&]<class T>() {
    Targets result{Array::zeros(p.x_shape, dtype), totals<T>(p).astype(dtype).reshape(totals_shape)};
    T* q = result.q.mutable_data<T>();
    with_targets<T>(p, [&](auto for_each_target) {
      for_each_position(p, p.soft ? p.lines.length : 1, [&](std::int64_t position) {
        for_each_target(position, [&](std::int64_t at, double weight) { q[at] = static_cast<T>(weight); });
      });
    });
    return result;
  });
}

}  // namespace fathom::ops::cross_entropy
