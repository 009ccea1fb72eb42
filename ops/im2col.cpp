// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/im2col.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/rules/movement.hpp>

namespace fathom::ops {
namespace {

/// The windows along one axis of an image.
struct Line {
  std::int64_t size, kernel, stride, pad, dilation, count;

  Line(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t pad, std::int64_t dilation,
       bool cover_all)
      : size(size), kernel(kernel), stride(stride), pad(pad), dilation(dilation) {
    count = detail::window_positions(size, detail::kernel_extent(kernel, dilation), stride, pad, cover_all);
  }
  /// Pixels after the image that the last window reaches.
  [[nodiscard]] std::int64_t after() const {
    const std::int64_t end = (count - 1) * stride + detail::kernel_extent(kernel, dilation);
    return std::max<std::int64_t>(0, end - pad - size);
  }
  [[nodiscard]] std::int64_t padded() const { return pad + size + after(); }
  /// Where tap i of window o lies, in a new axis for each of the two.
  [[nodiscard]] Array positions(const Shape& shape) const {
    Array result = Array::empty(shape, DType::int64);
    auto* at = result.mutable_data<std::int64_t>();
    for (std::int64_t i = 0; i < kernel; ++i) {
      for (std::int64_t o = 0; o < count; ++o) *at++ = i * dilation + o * stride;
    }
    return result;
  }
};

struct Windows {
  Line y, x;

  Windows(const ArgumentCheck& check, Pair2 image, const Im2ColOptions& options)
      : y(image.y, options.kernel.y, options.stride.y, options.pad.y, options.dilation.y, options.cover_all),
        x(image.x, options.kernel.x, options.stride.x, options.pad.x, options.dilation.x, options.cover_all) {
    FATHOM_CHECK(check.hint("make the kernel smaller or the pad larger"), y.count > 0 && x.count > 0,
                 ShapeError, "a window must fit the padded image (image {}, kernel {}, dilation {}, pad {})",
                 to_string(image), to_string(options.kernel), to_string(options.dilation),
                 to_string(options.pad));
  }

  /// What the windows see of padded images (n, c, h, w): (n, c, kH, kW, hO, wO).
  [[nodiscard]] View view(std::int64_t n, std::int64_t c) const {
    const Shape block{y.kernel, x.kernel, y.count, x.count};
    const Array places[] = {fathom::broadcast_to(y.positions({y.kernel, 1, y.count, 1}), block),
                            fathom::broadcast_to(x.positions({1, x.kernel, 1, x.count}), block)};
    const std::size_t axes[] = {2, 3};
    return View({n, c, y.padded(), x.padded()}).taken(axes, places);
  }
};

void check_options(ArgumentCheck& check, const Variable& x, std::string_view axes,
                   const Im2ColOptions& options) {
  check.argument("x", detail::array_or_undefined(x), axes).rank(4);
  detail::check_pixels(check, "kernel", options.kernel, 1, "1 sees single pixels");
  detail::check_window(check, {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
}

Attributes attributes_of(const Im2ColOptions& options) {
  return {{"kernel", to_string(options.kernel)},
          {"stride", to_string(options.stride)},
          {"pad", to_string(options.pad)},
          {"dilation", to_string(options.dilation)},
          {"cover_all", fmt::format("{}", options.cover_all)}};
}

}  // namespace

Variable im2col(const Variable& x, const Im2ColOptions& options) {
  ArgumentCheck check("im2col");
  check_options(check, x, "(n, c, h, w)", options);
  const std::int64_t n = x.shape(0), c = x.shape(1);
  const Windows windows(check, {x.shape(2), x.shape(3)}, options);
  const auto& [rows, columns] = windows;
  const Variable padded = pad(x, {{0, 0}, {0, 0}, {rows.pad, rows.after()}, {columns.pad, columns.after()}});
  const Variable y =
      linear_map(padded, detail::Gather{"im2col", {windows.view(n, c)}, attributes_of(options)})[0];
  return reshape(y, {n, c * rows.kernel * columns.kernel, rows.count, columns.count});
}

Variable col2im(const Variable& x, Pair2 image, const Im2ColOptions& options) {
  ArgumentCheck check("col2im");
  check_options(check, x, "(n, c*kH*kW, hO, wO)", options);
  detail::check_pixels(check, "image", image, 0, "it is the height and width of the result");
  const Windows windows(check, image, options);
  const auto& [rows, columns] = windows;
  const std::int64_t taps = rows.kernel * columns.kernel;
  FATHOM_CHECK(check.hint("x must be what im2col gives, with the same options, of an image of that size"),
               x.shape(1) % taps == 0 && x.shape(2) == rows.count && x.shape(3) == columns.count, ShapeError,
               "x must have the shape [n, c*{}, {}, {}] (it has {})", taps, rows.count, columns.count,
               to_string(x.shape()));
  const std::int64_t n = x.shape(0), c = x.shape(1) / taps;
  const Variable parts = reshape(x, {n, c, rows.kernel, columns.kernel, rows.count, columns.count});
  const Variable padded = linear_map(std::span(&parts, 1),
                                     detail::Scatter{"col2im", {windows.view(n, c)}, attributes_of(options)});
  return get_item(padded,
                  {ellipsis, Slice{rows.pad, rows.pad + image.y}, Slice{columns.pad, columns.pad + image.x}});
}

}  // namespace fathom::ops
