// SPDX-License-Identifier: BSD-3-Clause
#include "compare.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fathom::reference {
namespace {

/// The distance in units of what is allowed: above 1 fails.
double relative_excess(double actual, double recorded, double allowed) {
  if (actual == recorded || (std::isnan(actual) && std::isnan(recorded))) return 0;
  if (!std::isfinite(actual) || !std::isfinite(recorded)) return std::numeric_limits<double>::infinity();
  const double distance = std::abs(actual - recorded);
  if (distance <= allowed) return 0;
  return allowed > 0 ? distance / allowed : std::numeric_limits<double>::infinity();
}

std::vector<std::int64_t> index_of(std::int64_t element, const Shape& shape) {
  std::vector<std::int64_t> index(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    index[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return index;
}

}  // namespace

void Comparison::array(std::string_view what, const Array& actual, const Array& recorded) {
  if (actual.shape() != recorded.shape()) {
    fail(fmt::format("{}: shape {}, recorded {}", what, to_string(actual.shape()),
                     to_string(recorded.shape())));
  } else if ((is_float(recorded.dtype()) || is_float(actual.dtype())) && actual.dtype() != recorded.dtype()) {
    fail(fmt::format("{}: {}, recorded {}", what, to_string(actual.dtype()), to_string(recorded.dtype())));
  } else {
    values(what, actual, recorded);
  }
}

void Comparison::gradient(std::string_view what, const Variable& actual, const Array& recorded,
                          const Array& input) {
  const Array zero = Array::zeros(input.shape(), input.dtype());
  const Array& found = actual.defined() ? actual.data() : zero;
  if (found.dtype() != input.dtype()) {
    fail(fmt::format("{}: {}, its input is {}", what, to_string(found.dtype()), to_string(input.dtype())));
    return;
  }
  array(what, found, recorded.defined() ? recorded : zero);
}

void Comparison::number(std::string_view what, double actual, double recorded) {
  array(what, Array::scalar(actual, DType::float64), Array::scalar(recorded, DType::float64));
}

void Comparison::values(std::string_view what, const Array& actual, const Array& recorded) {
  const Array a = actual.astype(DType::float64);
  const Array r = recorded.astype(DType::float64);
  const double* a_data = a.data<double>();
  const double* r_data = r.data<double>();
  double worst = 0;
  std::int64_t worst_element = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double excess = relative_excess(a_data[i], r_data[i], atol_ + rtol_ * std::abs(r_data[i]));
    if (!(excess > 0)) continue;
    ++count;
    if (excess > worst) {
      worst = excess;
      worst_element = i;
    }
  }
  if (count == 0) return;
  const double reference = r_data[worst_element];
  fail(fmt::format("{}: {} of {} elements differ, worst at [{}]: {:.17g}, recorded {:.17g}, allowed {:.3g}",
                   what, count, a.size(), fmt::join(index_of(worst_element, a.shape()), ", "),
                   a_data[worst_element], reference, atol_ + rtol_ * std::abs(reference)));
}

}  // namespace fathom::reference
