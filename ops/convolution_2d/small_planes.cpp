// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/small_planes.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <vector>

#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/convolution_2d/planes.hpp>

namespace fathom::ops::detail {

using fathom::detail::GemmEpilogue;
using fathom::detail::GemmKernels;
using fathom::detail::GemmLeft;
using fathom::detail::GemmScratch;
using fathom::detail::kGemmDepth;
using fathom::detail::kGemmPackSlack;
using fathom::detail::kGemmRowStep;
using fathom::detail::round_up;
using fathom::detail::run_gemm;

namespace {

/// Images that are transposed together: a vector of any instruction set, or several.
constexpr std::int64_t kTogether = 16;

/// Pixels [first, first + count) of an axis, which see something through weights [weight, weight + weights).
struct Band {
  std::int64_t first, count;
  std::int64_t weight, weights;
};

/// The axis cut where other weights see something.
std::vector<Band> bands(std::int64_t grid, std::int64_t planes, const std::vector<std::int64_t>& shifts) {
  std::vector<Band> result;
  for (std::int64_t i = 0; i < grid; ++i) {
    const auto sees = [&](std::int64_t shift) { return i + shift >= 0 && i + shift < planes; };
    // Shifts rise or fall evenly, so that those which see something follow each other.
    const auto first = std::find_if(shifts.begin(), shifts.end(), sees);
    const Band band{i, 1, first - shifts.begin(), std::count_if(first, shifts.end(), sees)};
    if (!result.empty() && result.back().weight == band.weight && result.back().weights == band.weights) {
      ++result.back().count;
    } else {
      result.push_back(band);
    }
  }
  return result;
}

/// Some weights of each channel, in runs that lie side by side; parts of the depths are whole channels.
template <class T>
class WeightsLeft final : public GemmLeft<T> {
 public:
  WeightsLeft(const T* weights, const ShiftedProduct& product, const Band& y, const Band& x)
      : product_(product),
        runs_(y.weights),
        run_(x.weights),
        step_(static_cast<std::int64_t>(product.shift_x.size())) {
    first_ = weights + y.weight * step_ + x.weight;
    if (run_ < step_) return;
    run_ *= runs_;
    runs_ = 1;
  }

  void pack(const GemmKernels<T>&, std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t p,
            std::int64_t depth, T* strip) const override {
    constexpr std::int64_t kStep = 16 / sizeof(T);
    if (depth == 0) return;
    for (std::int64_t r = 0; r < rows; ++r, strip += kGemmRowStep) {
      const std::int64_t row = (group * product_.results + i + r) * product_.channels;
      const T* from = first_ + (row + p / (runs_ * run_)) * product_.taps();
      // Run after run: each is written with some elements more.
      for (T* to = strip; to < strip + depth; from += product_.taps()) {
        for (std::int64_t y = 0; y < runs_; ++y, to += run_) {
          for (std::int64_t x = 0; x < run_; x += kStep) std::memcpy(to + x, from + y * step_ + x, 16);
        }
      }
    }
  }

 private:
  const ShiftedProduct& product_;
  const T* first_;
  std::int64_t runs_, run_, step_;
};

/// to[(plane, pixel), image] = images[image, (plane, pixel)].
template <class T>
void interleave(const GemmKernels<T>& kernels, const T* images, std::int64_t count, std::int64_t planes,
                std::int64_t pixels, T* to) {
  const std::vector<std::int64_t> offsets = group_offsets(kTogether, planes * pixels);
  parallel_for(count / kTogether, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin * kTogether; n < end * kTogether; n += kTogether) {
      for (std::int64_t p = 0; p < planes; ++p) {
        kernels.pack_transposed(images + n * planes * pixels + p * pixels, offsets.data(), kTogether, pixels,
                                to + p * pixels * count + n, count);
      }
    }
  });
}

/// The other way round; adds to the images when `accumulate`.
template <class T>
void separate(const GemmKernels<T>& kernels, const T* from, std::int64_t count, std::int64_t planes,
              std::int64_t pixels, bool accumulate, T* images) {
  const std::vector<std::int64_t> offsets = group_offsets(pixels, count);
  const std::int64_t width = round_up(pixels, kTogether);
  const std::int64_t each = kTogether * width + kGemmPackSlack;
  const int threads = num_threads();
  const GemmScratch<T> scratch(fathom::detail::piece_count(count / kTogether, 1, threads) * each);
  std::atomic<std::int64_t> next{0};
  parallel_for(
      count / kTogether, 1,
      [&](std::int64_t begin, std::int64_t end) {
        T* const square = scratch.data() + next++ * each;
        for (std::int64_t n = begin * kTogether; n < end * kTogether; n += kTogether) {
          for (std::int64_t p = 0; p < planes; ++p) {
            kernels.pack_transposed(from + p * pixels * count + n, offsets.data(), pixels, kTogether, square,
                                    width);
            for (std::int64_t i = 0; i < kTogether; ++i) {
              const T* const row = square + i * width;
              T* const out = images + ((n + i) * planes + p) * pixels;
              if (!accumulate) {
                std::copy_n(row, pixels, out);
                continue;
              }
              for (std::int64_t x = 0; x < pixels; ++x) out[x] += row[x];
            }
          }
        }
      },
      threads);
}

/// How many images to take together, so that both copies stay in the caches; 0 where that does not suit.
std::int64_t images_together(const ShiftedProduct& p, std::int64_t element_size) {
  constexpr std::int64_t kMostBytes = 1 << 22;
  const std::int64_t elements =
      (p.planes.y * p.planes.x * p.channels + p.grid.y * p.grid.x * p.results) * p.groups;
  if (elements == 0 || p.images % kTogether != 0) return 0;
  return std::min(p.images, kMostBytes / element_size / elements / kTogether * kTogether);
}

/// Where each depth, (channel, weight), of these bands lies behind the first pixel of the transposed planes.
std::vector<std::int64_t> depth_offsets(const ShiftedProduct& p, const Band& y, const Band& x) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t c = 0; c < p.channels; ++c) {
    for (std::int64_t ky = y.weight; ky < y.weight + y.weights; ++ky) {
      for (std::int64_t kx = x.weight; kx < x.weight + x.weights; ++kx) {
        const std::int64_t row = c * p.planes.y + y.first + p.shift_y[static_cast<std::size_t>(ky)];
        const std::int64_t pixel = row * p.planes.x + x.first + p.shift_x[static_cast<std::size_t>(kx)];
        offsets.push_back(pixel * p.images);
      }
    }
  }
  return offsets;
}

/// One set of pixels, of transposed planes and results.
template <class T>
void compute(std::string_view name, const ShiftedProduct& p, const Band& y, const Band& x, const T* planes,
             const T* weights, const GemmEpilogue<T>& epilogue, T* results) {
  const std::vector<std::int64_t> offsets = depth_offsets(p, y, x);
  const std::int64_t out = p.grid.y * p.grid.x;
  const std::int64_t part = depth_part(p.channels, p.taps()) / p.taps() * y.weights * x.weights;
  const PixelRows<T> rows{planes,
                          {y.count, x.count * p.images, 0, p.planes.x * p.images, 1},
                          offsets,
                          p.channels * p.planes.y * p.planes.x * p.images};
  run_gemm<T>(name,
              {p.groups, p.results, y.count * x.count * p.images, static_cast<std::int64_t>(offsets.size()),
               part > 0 ? part : kGemmDepth},
              WeightsLeft<T>(weights, p, y, x), PixelsRight<T>(rows, y.count * x.count * p.images, true),
              PixelsResult<T>(results + (y.first * p.grid.x + x.first) * p.images,
                              {y.count, x.count * p.images, 0, p.grid.x * p.images, 1}, out * p.images,
                              p.results, epilogue, false));
}

}  // namespace

double small_planes_cost(const ShiftedProduct& p, std::int64_t element_size) {
  const std::int64_t images = images_together(p, element_size);
  if (images == 0 || p.taps() > kGemmDepth) return std::numeric_limits<double>::infinity();
  std::int64_t seen = 0;    // weights, for all pixels
  std::int64_t packed = 0;  // weights, for all sets of pixels
  for (const Band& y : bands(p.grid.y, p.planes.y, p.shift_y)) {
    for (const Band& x : bands(p.grid.x, p.planes.x, p.shift_x)) {
      packed += y.weights * x.weights;
      seen += y.weights * x.weights * y.count * x.count;
    }
  }
  const auto channels = static_cast<double>(p.channels);
  const auto results = static_cast<double>(p.results);
  // A vector takes 18 to be transposed, memory included; a weight takes two thirds of a cycle to be packed.
  const double cycles = results * static_cast<double>(seen) +
                        10 * results * static_cast<double>(packed) / static_cast<double>(images);
  return cycles / static_cast<double>(p.taps() * p.grid.y * p.grid.x) +
         18 * (channels + results) / (channels * static_cast<double>(p.taps()));
}

template <class T>
void convolve_small_planes(std::string_view name, const ShiftedProduct& product, const T* planes,
                           const T* weights, GemmEpilogue<T> epilogue, bool accumulate, T* result) {
  const GemmKernels<T>& kernels = fathom::detail::gemm_kernels<T>(fathom::active_isa());
  ShiftedProduct p = product;
  p.images = images_together(product, sizeof(T));
  const std::int64_t in = p.planes.y * p.planes.x;
  const std::int64_t out = p.grid.y * p.grid.x;
  const std::int64_t channels = p.groups * p.channels;
  const std::int64_t results = p.groups * p.results;
  const GemmScratch<T> seen(p.images * channels * in);
  const GemmScratch<T> sums(p.images * results * out);
  for (std::int64_t first = 0; first < product.images; first += p.images) {
    p.images = std::min(p.images, product.images - first);
    interleave(kernels, planes + first * channels * in, p.images, channels, in, seen.data());
    for (const Band& y : bands(p.grid.y, p.planes.y, p.shift_y)) {
      for (const Band& x : bands(p.grid.x, p.planes.x, p.shift_x))
        compute<T>(name, p, y, x, seen.data(), weights, epilogue, sums.data());
    }
    separate(kernels, sums.data(), p.images, results, out, accumulate, result + first * results * out);
  }
}

template void convolve_small_planes<float>(std::string_view, const ShiftedProduct&, const float*,
                                           const float*, GemmEpilogue<float>, bool, float*);
template void convolve_small_planes<double>(std::string_view, const ShiftedProduct&, const double*,
                                            const double*, GemmEpilogue<double>, bool, double*);

}  // namespace fathom::ops::detail
