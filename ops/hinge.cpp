// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/hinge.hpp>

#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/math.hpp>

namespace fathom::ops {

namespace {

constexpr std::string_view kName = "hinge";

void check_arguments(const Array& x, const Array& t) {
  ArgumentCheck check(kName);
  check.argument("x", x, "(n, classes)").argument("t", t, "(n)");
  check.select("x").floating().rank(2);
  check.select("t").index().shape({x.shape(0)}, "one label for each row of x");
  detail::check_labels(check, t, x.shape(1), std::nullopt,
                       "x has one score for each class along axis 1; labels count from 0");
}

/// -s: -1 for the class of each row, 1 for the others.
Array against(const Array& t, const Shape& shape, DType dtype) {
  Array result = Array::ones(shape, dtype);
  dispatch_float(dtype, kName, [&]<class T>() {
    T* rows = result.mutable_data<T>();
    dispatch_index(t.dtype(), kName, [&]<class L>() {
      const L* labels = t.data<L>();
      for (std::int64_t i = 0; i < t.size(); ++i) rows[i * shape[1] + labels[i]] = -1;
    });
  });
  return result;
}

}  // namespace

Variable hinge(const Variable& x, const Array& t, const HingeOptions& options) {
  check_arguments(detail::array_or_undefined(x), t);
  const Variable violations = relu(x * Variable(against(t, x.shape(), x.dtype())) + 1);
  return detail::reduced(options.norm == HingeNorm::L2 ? square(violations) : violations, options.reduce,
                         x.shape(0));
}

}  // namespace fathom::ops
