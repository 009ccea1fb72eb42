// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <limits>

#include <fathom/core/elementwise.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>

namespace fathom::ops::cross_entropy {

namespace {

constexpr std::string_view kName = "softmax_cross_entropy";

/// Calls f(position, at) for every position; its scores are the elements at, at + inner, ... of x.
template <class F>
void for_each_position(const Problem& p, F f) {
  const std::int64_t grain = std::max<std::int64_t>(1, fathom::detail::kElementGrain / 8 / p.classes);
  parallel_for(p.positions(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i, i / p.inner * p.classes * p.inner + i % p.inner);
  });
}

/// log softmax of a score, from what `normalizers` found.
class LogSoftmax {
 public:
  explicit LogSoftmax(const Array& normalizers) : pairs_(normalizers.data<double>()) {}
  double operator()(std::int64_t position, double score) const {
    return score - pairs_[2 * position] - pairs_[2 * position + 1];
  }

 private:
  const double* pairs_;
};

/// Class weights times scale, in double.
template <class T>
std::vector<double> class_factors(const Problem& p) {
  std::vector<double> factors(static_cast<std::size_t>(p.classes), p.scale);
  if (p.class_weight.defined()) {
    const T* weights = p.class_weight.data<T>();
    for (std::size_t k = 0; k < factors.size(); ++k) factors[k] *= static_cast<double>(weights[k]);
  }
  return factors;
}

/// Calls f(q), where q(position, at, k) is the weight of class k at a position, for labels or soft targets.
template <class T, class F>
void with_targets(const Problem& p, F f) {
  const std::vector<double> factors = class_factors<T>(p);
  const double* factor = factors.data();
  if (p.soft) {
    f([t = p.t.data<T>(), inner = p.inner, factor](std::int64_t, std::int64_t at, std::int64_t k) {
      return factor[k] * static_cast<double>(t[at + k * inner]);
    });
    return;
  }
  dispatch_index(p.t.dtype(), kName, [&]<class L>() {
    f([t = p.t.data<L>(), ignored = p.options.ignore_label, factor](std::int64_t position, std::int64_t,
                                                                    std::int64_t k) {
      return t[position] == k && k != ignored ? factor[k] : 0.0;
    });
  });
}

}  // namespace

Array normalizers(const Problem& p, const Array& x) {
  Array result = Array::empty({p.positions(), 2}, DType::float64);
  double* out = result.mutable_data<double>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    for_each_position(p, [&](std::int64_t position, std::int64_t at) {
      double largest = -std::numeric_limits<double>::infinity();
      for (std::int64_t k = 0; k < p.classes; ++k)
        largest = std::max(largest, static_cast<double>(in[at + k * p.inner]));
      double sum = 0;
      for (std::int64_t k = 0; k < p.classes; ++k)
        sum += std::exp(static_cast<double>(in[at + k * p.inner]) - largest);
      out[2 * position] = largest;
      out[2 * position + 1] = std::log(sum);
    });
  });
  return result;
}

Array softmax(const Problem& p, const Array& x, const Array& normalizers) {
  Array y = Array::empty(x.shape(), x.dtype());
  const LogSoftmax log_softmax(normalizers);
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    for_each_position(p, [&](std::int64_t position, std::int64_t at) {
      for (std::int64_t k = 0; k < p.classes; ++k) {
        const std::int64_t i = at + k * p.inner;
        out[i] = static_cast<T>(std::exp(log_softmax(position, in[i])));
      }
    });
  });
  return y;
}

Array losses(const Problem& p, const Array& x, const Array& normalizers) {
  Array result = Array::empty(p.labels_shape, DType::float64);
  const LogSoftmax log_softmax(normalizers);
  double* out = result.mutable_data<double>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    with_targets<T>(p, [&](auto q) {
      for_each_position(p, [&](std::int64_t position, std::int64_t at) {
        double loss = 0;
        for (std::int64_t k = 0; k < p.classes; ++k) {
          // A class without weight does not count, though its score be minus infinity.
          const double weight = q(position, at, k);
          if (weight != 0) loss -= weight * log_softmax(position, in[at + k * p.inner]);
        }
        out[position] = loss;
      });
    });
  });
  return result;
}

void input_gradient(const Problem& p, const Array& x, const Array& normalizers, const Array& gy,
                    bool accumulate, Array& gx) {
  const LogSoftmax log_softmax(normalizers);
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    const T* gy_data = gy.data<T>();
    const std::int64_t gy_step = p.options.reduce == Reduce::no ? 1 : 0;
    T* out = gx.mutable_data<T>();
    with_targets<T>(p, [&](auto q) {
      for_each_position(p, [&](std::int64_t position, std::int64_t at) {
        const double factor = static_cast<double>(gy_data[position * gy_step]);
        double total = 0;
        for (std::int64_t k = 0; k < p.classes; ++k) total += q(position, at, k);
        for (std::int64_t k = 0; k < p.classes; ++k) {
          const std::int64_t i = at + k * p.inner;
          const double share = total == 0 ? 0.0 : total * std::exp(log_softmax(position, in[i]));
          const T value = static_cast<T>(factor * (share - q(position, at, k)));
          out[i] = accumulate ? out[i] + value : value;
        }
      });
    });
  });
}

Targets targets(const Problem& p, DType dtype) {
  Shape totals = p.x_shape;
  totals[1] = 1;
  Targets result{Array::empty(p.x_shape, dtype), Array::empty(totals, dtype)};
  dispatch_float(dtype, kName, [&]<class T>() {
    T* q_out = result.q.mutable_data<T>();
    T* total_out = result.total.mutable_data<T>();
    with_targets<T>(p, [&](auto q) {
      for_each_position(p, [&](std::int64_t position, std::int64_t at) {
        double total = 0;
        for (std::int64_t k = 0; k < p.classes; ++k) {
          const double weight = q(position, at, k);
          total += weight;
          q_out[at + k * p.inner] = static_cast<T>(weight);
        }
        total_out[position] = static_cast<T>(total);
      });
    });
  });
  return result;
}

}  // namespace fathom::ops::cross_entropy
