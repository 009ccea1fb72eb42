// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/transform.hpp>

#include <fmt/format.h>

#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/nn/data/transform/images.hpp>

namespace fathom::nn {

Transform compose(std::vector<Transform> transforms) {
  for (std::size_t i = 0; i < transforms.size(); ++i) {
    FATHOM_CHECK(ArgumentCheck("compose").hint("leave it out"), transforms[i] != nullptr, ValueError,
                 "every transform must be callable (number {} is empty)", i);
  }
  return [transforms = std::move(transforms)](Batch& batch, const BatchKey& key) {
    BatchKey own = key;
    for (std::size_t i = 0; i < transforms.size(); ++i) {
      const detail::Bits bits =
          detail::transform_bits(key, detail::Purpose::compose, static_cast<std::int64_t>(i));
      own.random.stream = static_cast<std::uint64_t>(bits[0]) << 32 | bits[1];
      transforms[i](batch, own);
    }
  };
}

namespace detail {

std::int64_t check_images(std::string_view name, const Array& images) {
  ArgumentCheck check(name);
  check.argument("images", images, "(n, c, h, w)").defined().rank(4);
  FATHOM_CHECK(check.hint("a DataLoader makes them so"), images.dtype() == DType::float32, DTypeError,
               "images must be float32 (they are {})", to_string(images.dtype()));
  return images.shape(1) * images.shape(2) * images.shape(3);
}

void check_fill(std::string_view name, std::span<const double> fill) {
  FATHOM_CHECK(ArgumentCheck(name).hint("one number serves all channels"), !fill.empty(), ShapeError,
               "fill must hold one number, or one for each channel ({} numbers)", fill.size());
}

std::vector<float> fill_values(std::string_view name, std::span<const double> fill, const Array& images) {
  const auto channels = static_cast<std::size_t>(images.shape(1));
  ArgumentCheck check(name);
  check.argument("images", images, "(n, c, h, w)");
  FATHOM_CHECK(check.hint("one number serves all channels"), fill.size() == 1 || fill.size() == channels,
               ShapeError, "fill must hold one number, or one for each channel ({} numbers, {} channels)",
               fill.size(), channels);
  std::vector<float> values(fill.begin(), fill.end());
  values.resize(channels, values.front());
  return values;
}

}  // namespace detail

}  // namespace fathom::nn
