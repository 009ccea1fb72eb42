// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>

#include <fathom/core/elementwise.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>

namespace fathom::ops::cross_entropy {

namespace {

constexpr std::string_view kName = "softmax_cross_entropy";
/// What keeps Chainer's divergence from log 0.
constexpr double kChainerEps = 1e-7;

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

/// One class of a position.
struct Target {
  std::int64_t at;  ///< offset of the class's score
  double share;     ///< in the target distribution
  double weight;    ///< share times class weight and scale: q
};

/// Calls f(for_each_target), where for_each_target(position, g) calls g(target) for the classes that have a
/// weight at a position. A class without weight does not count, though its score be minus infinity.
template <class T, class F>
void with_targets(const Problem& p, F f) {
  const std::vector<double> factors = class_factors<T>(p);
  const double* factor = factors.data();
  const fathom::ops::detail::Lines lines = p.lines;
  const std::int64_t classes = lines.length;
  const double even = p.options.label_smoothing / static_cast<double>(classes);
  const double rest = 1 - p.options.label_smoothing;
  // share_of(k, at) is that of class k before smoothing.
  const auto for_all = [=](std::int64_t position, auto share_of, auto&& g) {
    for (std::int64_t k = 0, at = lines.first(position); k < classes; ++k, at += lines.inner) {
      const double share = rest * share_of(k, at) + even;
      if (factor[k] * share != 0) g(Target{at, share, factor[k] * share});
    }
  };
  if (p.soft) {
    f([=, t = p.t.data<T>()](std::int64_t position, auto&& g) {
      for_all(
          position, [t](std::int64_t, std::int64_t at) { return static_cast<double>(t[at]); }, g);
    });
    return;
  }
  dispatch_index(p.t.dtype(), kName, [&]<class L>() {
    f([=, t = p.t.data<L>(), ignored = p.options.ignore_label](std::int64_t position, auto&& g) {
      const std::int64_t label = t[position];
      if (label == ignored) return;
      if (even != 0) {
        for_all(
            position, [label](std::int64_t k, std::int64_t) { return k == label ? 1.0 : 0.0; }, g);
      } else if (factor[label] != 0) {
        g(Target{lines.first(position) + label * lines.inner, 1, factor[label]});
      }
    });
  });
}

/// The sum of q at every position, float64.
template <class T>
Array totals(const Problem& p) {
  Array result = Array::empty({p.lines.positions()}, DType::float64);
  double* out = result.mutable_data<double>();
  with_targets<T>(p, [&](auto for_each_target) {
    for_each_position(p, p.targets(), [&](std::int64_t position) {
      double total = 0;
      for_each_target(position, [&](const Target& target) { total += target.weight; });
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
  const bool divergence = p.soft && p.options.soft_target_loss == SoftTargetLoss::kl_divergence;
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    with_targets<T>(p, [&](auto for_each_target) {
      for_each_position(p, p.targets(), [&](std::int64_t position) {
        double loss = 0;
        for_each_target(position, [&](const Target& target) {
          const double score = static_cast<double>(in[target.at]) - largest[position] - log_sum[position];
          loss -= target.weight * (divergence ? score - std::log(target.share + kChainerEps) : score);
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
      for_each_position(p, p.targets(), [&](std::int64_t position) {
        const double g = static_cast<double>(gy_data[position * gy_step]);
        // Once more and in double: of a class that is nearly certain, little is left of softmax - q.
        for_each_target(position, [&](const Target& target) {
          const double score = static_cast<double>(in[target.at]) - largest[position] - log_sum[position];
          out[target.at] = static_cast<T>(factor[position] * std::exp(score) - g * target.weight);
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
      for_each_position(p, p.targets(), [&](std::int64_t position) {
        for_each_target(position,
                        [&](const Target& target) { q[target.at] = static_cast<T>(target.weight); });
      });
    });
    return result;
  });
}

}  // namespace fathom::ops::cross_entropy
