// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/data_loader.hpp>

namespace fathom::nn::detail {

/// What random numbers are for: transforms that are handed the same key do not get the same ones.
enum class Purpose : std::uint8_t { compose, horizontal_flip, random_crop, random_erasing, erased_pixels };

using Bits = std::array<std::uint32_t, 4>;

/// 128 random bits for image `image` of a batch; `attempt` is below 2^16.
inline Bits transform_bits(RandomKey key, Purpose purpose, std::int64_t image, std::int64_t attempt = 0) {
  return random_bits(key, static_cast<std::uint64_t>(purpose) << 56 |
                              static_cast<std::uint64_t>(image) << 16 | static_cast<std::uint64_t>(attempt));
}
/// Uniform in [0, 1).
inline double unit(std::uint32_t bits) { return static_cast<double>(bits) / 4294967296.0; }
/// Uniform in 0 ... count - 1, with a bias below count / 2^32.
inline std::int64_t below(std::uint32_t bits, std::int64_t count) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(bits) * static_cast<std::uint64_t>(count) >>
                                   32);
}

/// Throws unless they are float32 (n, c, h, w). Returns the number of values in an image.
std::int64_t check_images(std::string_view name, const Array& images);
/// Throws for no number.
void check_fill(std::string_view name, std::span<const double> fill);
/// One value for each channel of the images.
std::vector<float> fill_values(std::string_view name, std::span<const double> fill, const Array& images);

/// The images to write to: nobody else sees the change.
inline float* own_images(Batch& batch) {
  if (!batch.images.is_unique()) batch.images = batch.images.copy();
  return batch.images.mutable_data<float>();
}

/// Calls body(i) for each image of a batch, shared out among threads; `size` is the number of values in one.
template <class Body>
void each_image(std::int64_t count, std::int64_t size, Body&& body) {
  constexpr std::int64_t kGrain = 1 << 15;
  parallel_for(count, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, size)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) body(i);
               });
}

}  // namespace fathom::nn::detail
