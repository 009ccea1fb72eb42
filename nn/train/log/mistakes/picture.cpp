// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <fathom/core/check.hpp>
#include <fathom/nn/train/log/mistakes.hpp>
#include <fathom/nn/train/log/mistakes/canvas.hpp>
#include <fathom/nn/train/log/mistakes/font.hpp>

namespace fathom::nn::train {

namespace {

using detail::Canvas;
using detail::Color;

constexpr Color kBlack{0, 0, 0}, kRed{190, 0, 0}, kFrame{200, 200, 200};
constexpr std::int64_t kTextScale = 2, kLine = (detail::kGlyphHeight + 2) * kTextScale, kGap = 16;
constexpr std::int64_t kWantedSide = 168;  // of an image: as wide as 14 letters
constexpr std::size_t kMostLetters = 24;

struct Labels {
  std::string label, taken_for;
};

std::string name(std::int64_t index, const std::vector<std::string>& names) {
  const auto at = static_cast<std::size_t>(index);
  return at < names.size() ? detail::printable(names[at]) : fmt::format("class {}", index);
}

std::string shortened(std::string text, std::size_t letters) {
  constexpr std::string_view kDots = "...";
  if (text.size() > letters) text.replace(letters - kDots.size(), std::string::npos, kDots);
  return text;
}

Labels labels_of(const Mistake& mistake, const std::vector<std::string>& names) {
  const std::string confidence = fmt::format(", {:.0f} %", 100 * mistake.confidence);
  return {shortened(name(mistake.label, names), kMostLetters),
          shortened(name(mistake.taken_for, names), kMostLetters - confidence.size()) + confidence};
}

/// From the values of an image to brightness: value * factor + offset, for one channel.
struct Range {
  double factor = 1, offset = 0;
};

double of_channel(const std::vector<double>& numbers, std::size_t channel, double otherwise) {
  return numbers.empty() ? otherwise : numbers[std::min(channel, numbers.size() - 1)];
}

Range range_of(const Array& image, std::int64_t channel, const MistakePictureOptions& options) {
  if (image.dtype() == DType::uint8) return {};
  if (!options.mean.empty() || !options.deviation.empty()) {
    const auto at = static_cast<std::size_t>(channel);
    return {255 * of_channel(options.deviation, at, 1), 255 * of_channel(options.mean, at, 0)};
  }
  const auto [least, greatest] = std::minmax_element(image.data<float>(), image.data<float>() + image.size());
  const double span = static_cast<double>(*greatest) - *least;
  return span > 0 ? Range{255 / span, -255 / span * *least} : Range{0, 0};
}

std::uint8_t brightness(double value, Range range) {
  const double scaled = value * range.factor + range.offset;
  return std::isnan(scaled) ? std::uint8_t{0}
                            : static_cast<std::uint8_t>(std::lround(std::clamp(scaled, 0.0, 255.0)));
}

void draw_image(Canvas& canvas, std::int64_t x, std::int64_t y, std::int64_t scale, const Array& image,
                const MistakePictureOptions& options) {
  const std::int64_t height = image.shape(1), width = image.shape(2);
  canvas.rectangle(x - 1, y - 1, width * scale + 2, height * scale + 2, kFrame);
  const Array values = image.astype(DType::float64);
  std::array<Range, 3> ranges;
  std::array<const double*, 3> planes{};
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::int64_t channel = image.shape(0) == 3 ? i : 0;
    ranges[static_cast<std::size_t>(i)] = range_of(image, channel, options);
    planes[static_cast<std::size_t>(i)] = values.data<double>() + channel * height * width;
  }
  for (std::int64_t pixel = 0; pixel < height * width; ++pixel) {
    const Color color{brightness(planes[0][pixel], ranges[0]), brightness(planes[1][pixel], ranges[1]),
                      brightness(planes[2][pixel], ranges[2])};
    canvas.rectangle(x + pixel % width * scale, y + pixel / width * scale, scale, scale, color);
  }
}

void check_arguments(std::span<const Mistake> mistakes, const MistakePictureOptions& options) {
  const ArgumentCheck check("mistake_picture");
  FATHOM_CHECK(check.hint("it is the number of images in a row"), options.columns >= 1, ValueError,
               "columns must be at least 1 (it is {})", options.columns);
  for (const Mistake& mistake : mistakes) {
    const bool has_pixels = mistake.image.defined() && mistake.image.rank() == 3 && mistake.image.size() > 0;
    FATHOM_CHECK(check.hint("take them from WorstMistakes::list"),
                 has_pixels && mistake.image.shape() == mistakes.front().image.shape(), ShapeError,
                 "images must be (c, h, w) and of one size (there are {} and {})",
                 describe(mistakes.front().image), describe(mistake.image));
  }
}

}  // namespace

Array mistake_picture(std::span<const Mistake> mistakes, const MistakePictureOptions& options) {
  check_arguments(mistakes, options);
  const std::string title = mistakes.empty() ? "No mistakes" : detail::printable(options.title);
  const auto count = static_cast<std::int64_t>(mistakes.size());
  const std::int64_t columns = std::clamp<std::int64_t>(count, 1, options.columns);
  const std::int64_t rows = (count + columns - 1) / columns;

  std::int64_t cell_width = 0, cell_height = 0, scale = 1;
  if (count > 0) {
    const std::int64_t height = mistakes[0].image.shape(1), width = mistakes[0].image.shape(2);
    scale = std::max<std::int64_t>(1, kWantedSide / std::max(height, width));
    cell_width = width * scale;
    cell_height = height * scale + 2 * kLine + kGap;
  }
  std::vector<Labels> labels;
  for (const Mistake& mistake : mistakes) {
    labels.push_back(labels_of(mistake, options.names));
    const std::size_t longest = std::max(labels.back().label.size(), labels.back().taken_for.size());
    cell_width = std::max(cell_width, Canvas::text_width(static_cast<std::int64_t>(longest), kTextScale));
  }
  const std::int64_t title_width = Canvas::text_width(static_cast<std::int64_t>(title.size()), kTextScale);
  Canvas canvas(std::max(title_width + 2 * kGap, columns * (cell_width + kGap) + kGap),
                2 * kGap + kLine + rows * cell_height);
  canvas.text(kGap, kGap, kTextScale, title, kBlack);
  for (std::int64_t i = 0; i < count; ++i) {
    const Mistake& mistake = mistakes[static_cast<std::size_t>(i)];
    const Labels& texts = labels[static_cast<std::size_t>(i)];
    const std::int64_t x = kGap + i % columns * (cell_width + kGap);
    const std::int64_t y = 2 * kGap + kLine + i / columns * cell_height;
    const std::int64_t below = y + mistake.image.shape(1) * scale + 2 * kTextScale;
    draw_image(canvas, x, y, scale, mistake.image, options);
    canvas.text(x, below, kTextScale, texts.label, kBlack);
    canvas.text(x, below + kLine, kTextScale, texts.taken_for, kRed);
  }
  return canvas.pixels();
}

}  // namespace fathom::nn::train
