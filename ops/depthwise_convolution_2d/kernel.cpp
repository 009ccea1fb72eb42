// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>

#include <algorithm>
#include <string_view>

#include <fathom/core/dtype.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::ops::depthwise {
namespace {

enum class Pass { forward, grad_x, grad_w };

constexpr std::string_view kNames[][kVariants] = {
    {"depthwise_convolution_2d/forward/k3s1", "depthwise_convolution_2d/forward/k3s2",
     "depthwise_convolution_2d/forward/k5s1", "depthwise_convolution_2d/forward/k5s2",
     "depthwise_convolution_2d/forward/general"},
    {"depthwise_convolution_2d/grad_x/k3s1", "depthwise_convolution_2d/grad_x/k3s2",
     "depthwise_convolution_2d/grad_x/k5s1", "depthwise_convolution_2d/grad_x/k5s2",
     "depthwise_convolution_2d/grad_x/general"},
    {"depthwise_convolution_2d/grad_w/k3s1", "depthwise_convolution_2d/grad_w/k3s2",
     "depthwise_convolution_2d/grad_w/k5s1", "depthwise_convolution_2d/grad_w/k5s2",
     "depthwise_convolution_2d/grad_w/general"}};

/// Multiply-adds below which a thread costs more than it brings: some 20 microseconds of work.
constexpr std::int64_t kGrain = 1 << 18;

/// Calls `run(kernel, begin, end)` for pieces of [0, count), each item being `planes` output planes of work;
/// `tables` gives the table of an instruction set.
template <class T, class Tables, class Run>
void launch(Pass pass, Tables tables, const Geometry& g, std::int64_t count, std::int64_t planes, Run run) {
  const Variant variant = select(g);
  const Isa isa = active_isa();
  const auto& kernel = detail::dispatch_isa(isa, tables).template get<T>(variant);
  detail::count_kernel(kNames[static_cast<int>(pass)][static_cast<int>(variant)], isa, dtype_of<T>);
  const std::int64_t work = std::max<std::int64_t>(1, planes * g.out_plane() * g.kernel_plane());
  parallel_for(count, std::max<std::int64_t>(1, kGrain / work),
               [&](std::int64_t begin, std::int64_t end) { run(kernel, begin, end); });
}

constexpr auto kernels_of = []<Isa set>() -> const auto& { return kernels<set>(); };
constexpr auto grad_w_kernels_of = []<Isa set>() -> const auto& { return grad_w_kernels<set>(); };

}  // namespace

Variant select(const Geometry& g) {
  const std::int64_t size = g.kernel_y;
  const bool is_square = g.kernel_x == size && g.stride_x == g.stride_y;
  const bool is_dense = g.dilation_y == 1 && g.dilation_x == 1;
  // The fast loops read vectors of up to 64 bytes that begin left of the image. With less padding than taps
  // and two columns at least, these end within the slack around an array.
  const bool is_near = g.pad_x < size && g.width > 1;
  if (!is_square || !is_dense || !is_near) return Variant::general;
  if (size == 3 && g.stride_x == 1) return Variant::k3s1;
  if (size == 3 && g.stride_x == 2) return Variant::k3s2;
  if (size == 5 && g.stride_x == 1) return Variant::k5s1;
  if (size == 5 && g.stride_x == 2) return Variant::k5s2;
  return Variant::general;
}

void run_forward(const Geometry& g, const Array& x, const Array& W, const Array& b, Array& y) {
  dispatch_float(x.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    const T* px = x.data<T>();
    const T* pw = W.data<T>();
    const T* pb = b.defined() ? b.data<T>() : nullptr;
    T* py = y.mutable_data<T>();
    launch<T>(Pass::forward, kernels_of, g, g.images * g.out_channels(), 1,
              [&](const Kernel<T>& kernel, std::int64_t begin, std::int64_t end) {
                kernel.forward(g, px, pw, pb, py, begin, end);
              });
  });
}

void run_grad_x(const Geometry& g, const Array& gy, const Array& W, Array& gx) {
  dispatch_float(gy.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    const T* pgy = gy.data<T>();
    const T* pw = W.data<T>();
    T* pgx = gx.mutable_data<T>();
    launch<T>(Pass::grad_x, kernels_of, g, g.images * g.channels, g.multiplier,
              [&](const Kernel<T>& kernel, std::int64_t begin, std::int64_t end) {
                kernel.grad_x(g, pgy, pw, pgx, begin, end);
              });
  });
}

void run_grad_w(const Geometry& g, const Array& x, const Array& gy, Array& gW, bool accumulate) {
  dispatch_float(x.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    const T* px = x.data<T>();
    const T* pgy = gy.data<T>();
    T* pgw = gW.mutable_data<T>();
    launch<T>(Pass::grad_w, grad_w_kernels_of, g, g.out_channels(), g.images,
              [&](const GradWKernel<T>& kernel, std::int64_t begin, std::int64_t end) {
                kernel.grad_w(g, px, pgy, pgw, accumulate, begin, end);
              });
  });
}

}  // namespace fathom::ops::depthwise
