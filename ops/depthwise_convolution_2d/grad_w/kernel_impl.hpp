// SPDX-License-Identifier: BSD-3-Clause
// gW(x, gy). Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <fathom/ops/depthwise_convolution_2d/grad_w/flat_4x4.hpp>
#include <fathom/ops/depthwise_convolution_2d/grad_w/flat_planes.hpp>
#include <fathom/ops/depthwise_convolution_2d/grad_w/general.hpp>
#include <fathom/ops/depthwise_convolution_2d/grad_w/planes_2x2.hpp>
#include <fathom/ops/depthwise_convolution_2d/grad_w/strided.hpp>
#include <fathom/ops/depthwise_convolution_2d/grad_w/strips.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Images whose planes of a channel are summed up in one go, so that starting and ending sums costs little.
template <class T>
std::int64_t images_at_once(const Geometry& g) {
  constexpr std::int64_t kBytes = 3200, kMost = 16;
  const auto bytes = static_cast<std::int64_t>(sizeof(T)) * (g.plane() + g.out_plane());
  return std::clamp<std::int64_t>(kBytes / bytes, 1, kMost);
}

template <class Plan, class T>
void grad_w_by(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
               std::int64_t end) {
  // A block of channels at a time: their planes lie side by side in memory, and their sums stay in the cache.
  constexpr std::int64_t kBlock = 32;
  const Plan plan(g);
  const std::int64_t at_once = images_at_once<T>(g);
  for (std::int64_t block = begin; block < end; block += kBlock) {
    const std::int64_t channels = std::min(kBlock, end - block);
    typename Plan::Totals totals[kBlock];
    for (std::int64_t n = 0; n < g.images; n += at_once) {
      for (std::int64_t i = 0; i < channels; ++i) {
        const std::int64_t plane = n * g.out_channels() + block + i;
        // Without a division where there is none, as it takes as long as a small plane.
        const std::int64_t image = g.multiplier == 1 ? plane : plane / g.multiplier;
        const ImagePlanes<T> planes{.x = x + image * g.plane(),
                                    .gy = gy + plane * g.out_plane(),
                                    .images = std::min(at_once, g.images - n),
                                    .step_x = g.channels * g.plane(),
                                    .step_gy = g.out_channels() * g.out_plane()};
        plan.add(planes, totals[i]);
      }
    }
    for (std::int64_t i = 0; i < channels; ++i) totals[i].write(gW + g.kernel_offset(block + i), accumulate);
  }
}

/// Whether strips are AlongOutput.
template <int K, int S>
inline constexpr bool is_along_output = S == 2 && K != 3;
/// Whether there are shorter vectors than the longest.
template <class T>
inline constexpr bool has_narrow = lanes_of<NarrowBatch<T>> < lanes<T>;

/// Whether the longest vectors are too long: for rows of floats that would leave half of one empty, and where
/// the two that are read from a column's last tap on would end behind the slack around an array.
template <class T, int K, int S>
bool is_narrow(const Geometry& g) {
  const bool is_short = sizeof(T) == sizeof(float) && g.out_width <= lanes_of<NarrowBatch<T>>;
  return is_short || (is_along_output<K, S> && g.width + g.pad_x < K - 1 + lanes<T>);
}

template <class V, int K, int S, class T>
void grad_w_by_strips(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
                      std::int64_t end) {
  if constexpr (is_along_output<K, S>) {
    grad_w_by<StripPlan<AlongOutput<V, K>, K, S>>(g, x, gy, gW, accumulate, begin, end);
  } else {
    if constexpr (S == 2) {
      if (g.pad_x == 1 && g.out_width > lanes_of<V> / 2) {
        return grad_w_by<StripPlan<AlongPairs<V>, K, S>>(g, x, gy, gW, accumulate, begin, end);
      }
    }
    grad_w_by<StripPlan<AlongImage<V, K, S>, K, S>>(g, x, gy, gW, accumulate, begin, end);
  }
}

template <class T, int K, int S>
void grad_w(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
            std::int64_t end, std::byte* /*scratch*/) {
  if constexpr (K == 3 && S == 1 && sizeof(T) == sizeof(float)) {
    if (g.multiplier == 1 && is_2x2<T>(Stride1::forward(g))) {
      return grad_w_2x2(g, x, gy, gW, accumulate, begin, end);
    }
  }
#if defined(__AVX512F__)
  if constexpr (K == 3 && sizeof(T) == sizeof(float)) {
    if (FlatPlan::fits(g)) return grad_w_by<FlatPlan>(g, x, gy, gW, accumulate, begin, end);
    if (S == 1 && FlatPlanesPlan::fits(g)) {
      return grad_w_by<FlatPlanesPlan>(g, x, gy, gW, accumulate, begin, end);
    }
    if (S == 2 && SquaresPlan::fits(g)) {
      return grad_w_by<SquaresPlan>(g, x, gy, gW, accumulate, begin, end);
    }
  }
#elif defined(__AVX2__)
  if constexpr (K == 3 && S == 1 && sizeof(T) == sizeof(float)) {
    if (Plan4x4::fits(g)) return grad_w_by<Plan4x4>(g, x, gy, gW, accumulate, begin, end);
  }
#endif
  if constexpr (has_narrow<T> && (sizeof(T) == sizeof(float) || is_along_output<K, S>)) {
    if (is_narrow<T, K, S>(g)) {
      return grad_w_by_strips<NarrowBatch<T>, K, S>(g, x, gy, gW, accumulate, begin, end);
    }
  }
  grad_w_by_strips<Batch<T>, K, S>(g, x, gy, gW, accumulate, begin, end);
}

template <class T, int K, int S>
constexpr GradWKernel<T> fast{&grad_w<T, K, S>, nullptr};
template <class T>
constexpr GradWKernel<T> general{&general_grad_w<T>, &general_grad_w_scratch_size<T>};

#if defined(__AVX512F__)
void strided_grad_w(const Geometry& g, const float* x, const float* gy, float* gW, bool accumulate,
                    std::int64_t begin, std::int64_t end, std::byte* /*scratch*/) {
  grad_w_by<StridedPlan>(g, x, gy, gW, accumulate, begin, end);
}
constexpr GradWKernel<float> strided{&strided_grad_w, nullptr};
#else
constexpr GradWKernel<float> strided = general<float>;
#endif

/// In the order of Variant.
constexpr KernelTable<GradWKernel> table{.f32 = {fast<float, 3, 1>, fast<float, 3, 2>, fast<float, 5, 1>,
                                                 fast<float, 5, 2>, strided, general<float>},
                                         .f64 = {fast<double, 3, 1>, fast<double, 3, 2>, fast<double, 5, 1>,
                                                 fast<double, 5, 2>, general<double>, general<double>}};

}  // namespace

template <>
const KernelTable<GradWKernel>& grad_w_kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::depthwise
