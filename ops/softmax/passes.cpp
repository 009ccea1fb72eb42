// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/softmax/passes.hpp>

#include <algorithm>

#include <fathom/core/threads.hpp>

namespace fathom::ops::softmax_family {

namespace {

/// Elements below which a thread costs more than it brings.
constexpr std::int64_t kGrain = 1 << 11;

/// Calls `run(kernels, begin, end)` for pieces of the blocks. `name` must be a string literal.
template <class T, class Run>
void launch(std::string_view name, const Lines& lines, Run run) {
  const Isa isa = active_isa();
  const Kernels<T>& kernels = fathom::detail::dispatch_isa(isa, []<Isa set>() -> const KernelTable& {
                                return softmax_family::kernels<set>();
                              }).template get<T>();
  fathom::detail::count_kernel(name, isa, dtype_of<T>);
  const std::int64_t blocks = lines.outer * ((lines.inner + kBlock - 1) / kBlock);
  const std::int64_t work = std::max<std::int64_t>(1, lines.length * std::min(lines.inner, kBlock));
  parallel_for(blocks, std::max<std::int64_t>(1, kGrain / work),
               [&](std::int64_t begin, std::int64_t end) { run(kernels, begin, end); });
}

}  // namespace

Array normalizers(const Lines& lines, const Array& x) {
  Array result = Array::empty({2, lines.positions()}, DType::float64);
  double* largest = result.mutable_data<double>();
  double* log_sum = largest + lines.positions();
  dispatch_float(x.dtype(), "softmax", [&]<class T>() {
    launch<T>("softmax/normalizers", lines, [&, in = x.data<T>()](const auto& kernels, auto begin, auto end) {
      kernels.normalizers(lines, in, largest, log_sum, begin, end);
    });
  });
  return result;
}

Array softmax(const Lines& lines, const Array& x, const Array& normalizers, const Array& factors) {
  Array y = Array::empty(x.shape(), x.dtype());
  const double* largest = normalizers.data<double>();
  const double* factor = factors.defined() ? factors.data<double>() : nullptr;
  dispatch_float(x.dtype(), "softmax", [&]<class T>() {
    launch<T>("softmax/softmax", lines,
              [&, in = x.data<T>(), out = y.mutable_data<T>()](const auto& kernels, auto begin, auto end) {
                kernels.softmax(lines, in, largest, largest + lines.positions(), factor, out, begin, end);
              });
  });
  return y;
}

Array log_softmax(const Lines& lines, const Array& x, const Array& normalizers) {
  Array y = Array::empty(x.shape(), x.dtype());
  const double* largest = normalizers.data<double>();
  dispatch_float(x.dtype(), "log_softmax", [&]<class T>() {
    launch<T>("softmax/log_softmax", lines,
              [&, in = x.data<T>(), out = y.mutable_data<T>()](const auto& kernels, auto begin, auto end) {
                kernels.log_softmax(lines, in, largest, largest + lines.positions(), out, begin, end);
              });
  });
  return y;
}

void softmax_gradient(const Lines& lines, const Array& y, const Array& gy, bool accumulate, Array& gx) {
  dispatch_float(y.dtype(), "softmax", [&]<class T>() {
    T* out = gx.mutable_data<T>();
    launch<T>("softmax/softmax_gradient", lines, [&](const auto& kernels, auto begin, auto end) {
      kernels.softmax_gradient(lines, y.data<T>(), gy.data<T>(), accumulate, out, begin, end);
    });
  });
}

void log_softmax_gradient(const Lines& lines, const Array& y, const Array& gy, bool accumulate, Array& gx) {
  dispatch_float(y.dtype(), "log_softmax", [&]<class T>() {
    T* out = gx.mutable_data<T>();
    launch<T>("softmax/log_softmax_gradient", lines, [&](const auto& kernels, auto begin, auto end) {
      kernels.log_softmax_gradient(lines, y.data<T>(), gy.data<T>(), accumulate, out, begin, end);
    });
  });
}

}  // namespace fathom::ops::softmax_family
