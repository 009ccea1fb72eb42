// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>

#include <algorithm>
#include <atomic>
#include <string_view>

#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::ops::depthwise {
namespace {

enum class Pass { forward, grad_x, grad_w };

constexpr std::string_view kNames[][kVariants] = {
    {"depthwise_convolution_2d/forward/k3s1", "depthwise_convolution_2d/forward/k3s2",
     "depthwise_convolution_2d/forward/k5s1", "depthwise_convolution_2d/forward/k5s2",
     "depthwise_convolution_2d/forward/k3", "depthwise_convolution_2d/forward/general"},
    {"depthwise_convolution_2d/grad_x/k3s1", "depthwise_convolution_2d/grad_x/k3s2",
     "depthwise_convolution_2d/grad_x/k5s1", "depthwise_convolution_2d/grad_x/k5s2",
     "depthwise_convolution_2d/grad_x/k3", "depthwise_convolution_2d/grad_x/general"},
    {"depthwise_convolution_2d/grad_w/k3s1", "depthwise_convolution_2d/grad_w/k3s2",
     "depthwise_convolution_2d/grad_w/k5s1", "depthwise_convolution_2d/grad_w/k5s2",
     "depthwise_convolution_2d/grad_w/k3", "depthwise_convolution_2d/grad_w/general"}};

/// Multiply-adds below which a thread costs more than it brings: some 20 microseconds of work.
constexpr std::int64_t kGrain = 1 << 18;

/// Elements of y that are activated together, soon enough to be in the first cache.
constexpr std::int64_t kActivated = 1 << 12;
/// Planes that are no fewer than the lanes of the general loops.
constexpr std::int64_t kLanes = 16;

/// Calls `run(kernel, begin, end, scratch)` for pieces of [0, count), each item being `planes` output planes
/// of work; `tables` gives the table of an instruction set.
template <class T, class Tables, class Run>
void launch(Pass pass, Tables tables, const Geometry& g, std::int64_t count, std::int64_t planes, Run run) {
  const Variant variant = select(g);
  const Isa isa = active_isa();
  const auto& kernel = detail::dispatch_isa(isa, tables).template get<T>(variant);
  detail::count_kernel(kNames[static_cast<int>(pass)][static_cast<int>(variant)], isa, dtype_of<T>);
  const std::int64_t work = std::max<std::int64_t>(1, planes * g.out_plane() * g.kernel_plane());
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / work);
  if (kernel.scratch_size == nullptr) {
    return parallel_for(count, grain,
                        [&](std::int64_t begin, std::int64_t end) { run(kernel, begin, end, nullptr); });
  }
  // All threads' scratch is one block of the pool: what it asks the system for must not depend on timing.
  const std::int64_t each = kernel.scratch_size(g);
  const int threads = num_threads();  // read once: another thread may change it
  const detail::GemmScratch<std::byte> scratch(each * detail::piece_count(count, grain, threads));
  std::atomic<std::int64_t> next{0};
  parallel_for(
      count, grain,
      [&](std::int64_t begin, std::int64_t end) { run(kernel, begin, end, scratch.data() + next++ * each); },
      threads);
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
  if (size == 5 && g.stride_x == 1) return Variant::k5s1;
  // Shorter rows leave most lanes of two vectors empty.
  if (size == 3 && 3 <= g.stride_x && g.stride_x <= 8 && g.width > 12) return Variant::k3;
  // Strips of stride 2 begin with the rows below the pad's edge that the first output row sees, those of gx
  // with the rows of gy that the image's first row sees; gW reads two vectors from a column's last tap on.
  const bool has_rows =
      g.pad_y < size && (g.height + g.pad_y) / 2 >= (size - 1) / 2 && (g.pad_y + 1) / 2 <= g.out_height;
  if (!has_rows || g.width + g.pad_x < size - 1) return Variant::general;
  if (size == 3 && g.stride_x == 2) return Variant::k3s2;
  if (size == 5 && g.stride_x == 2) return Variant::k5s2;
  return Variant::general;
}

void run_forward(const Geometry& g, const Array& x, const Array& W, const Array& b, Activation activation,
                 Array& y) {
  const std::int64_t lanes = select(g) < Variant::k3 ? 1 : kLanes;
  const std::int64_t block = activation == Activation::none ? g.images * g.out_channels()
                                                            : std::max(lanes, kActivated / g.out_plane());
  dispatch_float(x.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    const T* px = x.data<T>();
    const T* pw = W.data<T>();
    const T* pb = b.defined() ? b.data<T>() : nullptr;
    T* py = y.mutable_data<T>();
    launch<T>(Pass::forward, kernels_of, g, g.images * g.out_channels(), 1,
              [&](const Kernel<T>& kernel, std::int64_t begin, std::int64_t end, std::byte* scratch) {
                for (std::int64_t plane = begin; plane < end; plane += block) {
                  const std::int64_t last = std::min(end, plane + block);
                  kernel.forward(g, px, pw, pb, py, plane, last, scratch);
                  if (activation == Activation::none) continue;
                  kernel.activate(activation, py + plane * g.out_plane(), (last - plane) * g.out_plane());
                }
              });
  });
}

void run_grad_x(const Geometry& g, const Array& gy, const Array& W, Array& gx) {
  dispatch_float(gy.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    const T* pgy = gy.data<T>();
    const T* pw = W.data<T>();
    T* pgx = gx.mutable_data<T>();
    launch<T>(Pass::grad_x, kernels_of, g, g.images * g.channels, g.multiplier,
              [&](const Kernel<T>& kernel, std::int64_t begin, std::int64_t end, std::byte* scratch) {
                kernel.grad_x(g, pgy, pw, pgx, begin, end, scratch);
              });
  });
}

void run_grad_w(const Geometry& g, const Array& x, const Array& gy, Array& gW, bool accumulate) {
  dispatch_float(x.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    const T* px = x.data<T>();
    const T* pgy = gy.data<T>();
    T* pgw = gW.mutable_data<T>();
    launch<T>(Pass::grad_w, grad_w_kernels_of, g, g.out_channels(), g.images,
              [&](const GradWKernel<T>& kernel, std::int64_t begin, std::int64_t end, std::byte* scratch) {
                kernel.grad_w(g, px, pgy, pgw, accumulate, begin, end, scratch);
              });
  });
}

}  // namespace fathom::ops::depthwise
