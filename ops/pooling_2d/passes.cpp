// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pooling_2d/passes.hpp>

#include <algorithm>
#include <string_view>
#include <type_traits>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/pooling_2d/kernel.hpp>

namespace fathom::ops::pooling {

namespace {

/// Calls run(kernels, begin, end) for pieces of [0, planes), counted as `name`, a string literal.
template <class T, class Run>
void launch(std::string_view name, std::int64_t planes, std::int64_t pixels, Run run) {
  const Isa isa = active_isa();
  fathom::detail::count_kernel(name, isa, dtype_of<T>);
  const KernelTable& table =
      fathom::detail::dispatch_isa(isa, []<Isa set>() -> const KernelTable& { return kernels<set>(); });
  const std::int64_t grain =
      std::max<std::int64_t>(1, fathom::detail::kElementGrain / std::max<std::int64_t>(1, pixels));
  parallel_for(planes, grain, [&](std::int64_t begin, std::int64_t end) {
    if constexpr (std::is_same_v<T, float>) {
      run(table.float32, begin, end);
    } else {
      run(table.float64, begin, end);
    }
  });
}

}  // namespace

Attributes attributes(const Geometry& g) {
  return {{"kernel", to_string(Pair2{g.kernel_y, g.kernel_x})},
          {"stride", to_string(Pair2{g.stride_y, g.stride_x})},
          {"pad", to_string(Pair2{g.pad_y, g.pad_x})}};
}

void find_largest(const Geometry& g, const Array& x, Array& y, Array& places) {
  dispatch_float(x.dtype(), "max_pooling_2d", [&]<class T>() {
    const auto run = [&, in = x.data<T>(), out = y.mutable_data<T>()](auto kernel, auto* place) {
      launch<T>("pooling_2d/largest", g.planes(), g.in_plane(),
                [&](const auto& kernels, auto begin, auto end) {
                  (kernels.*kernel)(g, in, out, place, begin, end);
                });
    };
    places.dtype() == DType::uint8 ? run(&Kernels<T>::largest_of_squares, places.mutable_data<std::uint8_t>())
                                   : run(&Kernels<T>::largest, places.mutable_data<std::int32_t>());
  });
}

void scatter(const Geometry& g, const Array& places, const Array& gy, bool accumulate, Array& gx) {
  dispatch_float(gy.dtype(), "max_pooling_2d", [&]<class T>() {
    const auto run = [&, in = gy.data<T>(), out = gx.mutable_data<T>()](auto kernel, const auto* place) {
      launch<T>("pooling_2d/scatter", g.planes(), g.in_plane(),
                [&](const auto& kernels, auto begin, auto end) {
                  (kernels.*kernel)(g, place, in, accumulate, out, begin, end);
                });
    };
    places.dtype() == DType::uint8 ? run(&Kernels<T>::scatter_to_squares, places.data<std::uint8_t>())
                                   : run(&Kernels<T>::scatter, places.data<std::int32_t>());
  });
}

void gather(const Geometry& g, const Array& positions, const Array& x, Array& y) {
  dispatch_float(x.dtype(), "max_pooling_2d", [&]<class T>() {
    launch<T>(
        "pooling_2d/gather", g.planes(), g.in_plane(),
        [&, in = x.data<T>(), out = y.mutable_data<T>(), position = positions.data<std::int32_t>()](
            const auto& kernels, auto begin, auto end) { kernels.gather(g, position, in, out, begin, end); });
  });
}

void average(const Geometry& g, const Array& x, bool accumulate, Array& y) {
  dispatch_float(x.dtype(), "average_pooling_2d", [&]<class T>() {
    launch<T>("pooling_2d/average", g.planes(), g.in_plane(),
              [&, in = x.data<T>(), out = y.mutable_data<T>()](const auto& kernels, auto begin, auto end) {
                kernels.average(g, in, accumulate, out, begin, end);
              });
  });
}

void spread(const Geometry& g, const Array& gy, bool accumulate, Array& gx) {
  dispatch_float(gy.dtype(), "average_pooling_2d", [&]<class T>() {
    launch<T>("pooling_2d/spread", g.planes(), g.in_plane(),
              [&, in = gy.data<T>(), out = gx.mutable_data<T>()](const auto& kernels, auto begin, auto end) {
                kernels.spread(g, in, accumulate, out, begin, end);
              });
  });
}

void plane_average(std::int64_t pixels, const Array& x, Array& y) {
  dispatch_float(x.dtype(), "global_average_pooling_2d", [&]<class T>() {
    launch<T>("pooling_2d/plane_average", y.size(), pixels,
              [&, in = x.data<T>(), out = y.mutable_data<T>()](const auto& kernels, auto begin, auto end) {
                kernels.plane_average(pixels, in, out, begin, end);
              });
  });
}

void plane_spread(std::int64_t pixels, const Array& gy, bool accumulate, Array& gx) {
  dispatch_float(gy.dtype(), "global_average_pooling_2d", [&]<class T>() {
    launch<T>("pooling_2d/plane_spread", gy.size(), pixels,
              [&, in = gy.data<T>(), out = gx.mutable_data<T>()](const auto& kernels, auto begin, auto end) {
                kernels.plane_spread(pixels, in, accumulate, out, begin, end);
              });
  });
}

}  // namespace fathom::ops::pooling
