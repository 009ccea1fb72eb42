// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/mistakes.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <fathom/core/error.hpp>
#include <fathom/nn/data/png.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/flatten.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/nn/train/log/mistakes/font.hpp>

#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;
namespace font = fathom::nn::train::detail;

namespace {

Array floats(const std::vector<float>& values, const Shape& shape) { return Array::from(values, shape); }
Array labels(const std::vector<std::int64_t>& values) {
  return Array::from(values, {static_cast<std::int64_t>(values.size())});
}

/// Images of one pixel, whose value is their number.
Array numbered(std::int64_t count, std::int64_t first = 0) {
  Array images = Array::empty({count, 1, 1, 1}, DType::uint8);
  auto* pixels = images.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i) pixels[i] = static_cast<std::uint8_t>(first + i);
  return images;
}

std::vector<std::int64_t> indices(const WorstMistakes& mistakes) {
  std::vector<std::int64_t> result;
  for (const Mistake& mistake : mistakes.list()) result.push_back(mistake.index);
  return result;
}

/// RGB of a pixel of a picture.
std::vector<int> pixel(const Array& picture, std::int64_t row, std::int64_t column) {
  const auto* at = picture.data<std::uint8_t>() + 3 * (row * picture.shape(1) + column);
  return {at[0], at[1], at[2]};
}

/// Where the first image of a picture starts, inside its frame.
constexpr std::int64_t kTop = 52, kLeft = 16;

Mistake mistake_with(Array image) {
  return {.label = 0, .taken_for = 1, .loss = 1, .confidence = 0.5, .image = std::move(image)};
}

}  // namespace

TEST_CASE("WorstMistakes keeps the greatest losses of what is wrong", "[train][mistakes]") {
  WorstMistakes mistakes(3);
  // Losses by the distance of the scores; the second and the last are right.
  mistakes.add(numbered(4), floats({1, 0, 0, 5, 2, 0, 3, 0}, {4, 2}), labels({1, 1, 1, 1}));
  mistakes.add(numbered(3, 4), floats({2, 0, 9, 0, 0, 1}, {3, 2}), labels({1, 1, 1}));
  CHECK(mistakes.images() == 7);
  CHECK(mistakes.wrong() == 5);
  REQUIRE(indices(mistakes) == std::vector<std::int64_t>{5, 3, 2});  // 2 and 4 are alike: the first
  const Mistake& worst = mistakes.list()[0];
  CHECK(worst.label == 1);
  CHECK(worst.taken_for == 0);
  CHECK(worst.loss == Approx(9 + std::log1p(std::exp(-9.0))).epsilon(1e-12));
  CHECK(worst.confidence == Approx(1 / (1 + std::exp(-9.0))).epsilon(1e-12));
  CHECK(identical(worst.image, Array::from<std::uint8_t>({5}, {1, 1, 1})));
}

TEST_CASE("WorstMistakes takes scores and images of each kind", "[train][mistakes]") {
  WorstMistakes mistakes;
  const Array images = Array::arange(2 * 3 * 4, DType::float32).reshape({2, 3, 4});
  mistakes.add(images, Array::from<double>({0, 1000, -1000, 0}, {2, 2}), labels({0, 1}));
  REQUIRE(mistakes.list().size() == 1);
  CHECK(mistakes.list()[0].loss == 1000);
  CHECK(identical(mistakes.list()[0].image, Array::arange(12, DType::float32).reshape({1, 3, 4})));
  mistakes.add(numbered(0), floats({}, {0, 2}), labels({}));
  CHECK(mistakes.images() == 2);
}

TEST_CASE("WorstMistakes takes a score that is NaN for the highest", "[train][mistakes]") {
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  WorstMistakes mistakes(3);
  mistakes.add(numbered(4), floats({9, 0, 0, nan, nan, 0, inf, 0}, {4, 2}), labels({1, 0, 0, 1}));
  CHECK(mistakes.wrong() == 3);  // the third is taken for its label
  REQUIRE(indices(mistakes) == std::vector<std::int64_t>{1, 3, 0});
  CHECK(mistakes.list()[0].taken_for == 1);
  CHECK(std::isinf(mistakes.list()[0].loss));
  CHECK(mistake_picture(mistakes.list()).defined());
}

TEST_CASE("WorstMistakes refuses what does not fit", "[train][mistakes][error]") {
  WorstMistakes mistakes;
  const Array scores = floats({1, 0}, {1, 2});
  CHECK_THROWS_WITH(mistakes.add(numbered(1), scores, labels({2})),
                    Contains("WorstMistakes::add: labels must lie in [0, 2) (label 0 is 2)") &&
                        Contains("scores: float32 [1, 2]      (n, classes)") &&
                        Contains("hint: labels count from 0"));
  CHECK_THROWS_AS(mistakes.add(numbered(2), scores, labels({0, 0})), ShapeError);
  CHECK_THROWS_AS(mistakes.add(numbered(1), scores, labels({0, 0})), ShapeError);
  CHECK_THROWS_AS(mistakes.add(floats({1}, {1}), scores, labels({0})), ShapeError);
  CHECK_THROWS_AS(mistakes.add(numbered(1), scores.astype(DType::int32), labels({0})), DTypeError);
  CHECK_THROWS_AS(mistakes.add(numbered(1), scores, labels({0}).astype(DType::int32)), DTypeError);
  CHECK_THROWS_AS(mistakes.add(numbered(1).astype(DType::float64), scores, labels({0})), DTypeError);
  CHECK_THROWS_AS(mistakes.add(Array{}, scores, labels({0})), GraphError);
  CHECK_THROWS_AS(WorstMistakes(0), ValueError);
  CHECK(mistakes.images() == 0);
}

TEST_CASE("mistake_picture shows pixels as the loader found them", "[train][mistakes]") {
  struct Row {
    Array image;
    MistakePictureOptions options;
    std::vector<int> first, second;  // what becomes of its two pixels
  };
  const float nan = std::nanf("");
  const auto row = GENERATE_COPY(values<Row>({
      {Array::from<std::uint8_t>({10, 200}, {1, 1, 2}), {}, {10, 10, 10}, {200, 200, 200}},
      {Array::from<std::uint8_t>({1, 2, 3, 4, 5, 6}, {3, 1, 2}), {}, {1, 3, 5}, {2, 4, 6}},
      {Array::from<std::uint8_t>({1, 2, 3, 4}, {2, 1, 2}), {}, {1, 1, 1}, {2, 2, 2}},
      {floats({-3, 7}, {1, 1, 2}), {}, {0, 0, 0}, {255, 255, 255}},
      {floats({5, 5}, {1, 1, 2}), {}, {0, 0, 0}, {0, 0, 0}},
      {floats({-1, 1}, {1, 1, 2}), {.mean = {0.5}, .deviation = {0.5}}, {0, 0, 0}, {255, 255, 255}},
      {floats({0, 9}, {1, 1, 2}), {.mean = {0.2}, .deviation = {0.4}}, {51, 51, 51}, {255, 255, 255}},
      {floats({0, nan, 0, 0, 1, 0}, {3, 1, 2}),
       {.mean = {0, 0.4, 0}, .deviation = {1, 2, 0.2}},
       {0, 102, 51},
       {0, 102, 0}},
  }));
  const Mistake mistakes[] = {mistake_with(row.image)};
  const Array picture = mistake_picture(mistakes, row.options);
  constexpr std::int64_t kScale = 84;  // 168 pixels for the longer side
  CHECK(pixel(picture, kTop, kLeft) == row.first);
  CHECK(pixel(picture, kTop + kScale - 1, kLeft + kScale - 1) == row.first);
  CHECK(pixel(picture, kTop, kLeft + kScale) == row.second);
  CHECK(pixel(picture, kTop - 1, kLeft - 1) == std::vector<int>{200, 200, 200});
  CHECK(pixel(picture, kTop - 2, kLeft) == std::vector<int>{255, 255, 255});
}

TEST_CASE("mistake_picture has as many rows as it takes", "[train][mistakes]") {
  struct Row {
    std::size_t count;
    std::int64_t columns, width, height;
  };
  // Margins of 16, a title of 20, cells of 168 x 168 with 40 for text and 16 between them.
  const auto row = GENERATE(values<Row>({{1, 1, 558, 52 + 224},
                                         {5, 5, 16 + 5 * 184, 52 + 224},
                                         {6, 5, 16 + 5 * 184, 52 + 448},
                                         {7, 3, 568, 52 + 3 * 224}}));
  const std::vector<Mistake> mistakes(row.count, mistake_with(Array::zeros({1, 28, 28}, DType::uint8)));
  const Array picture = mistake_picture(mistakes, {.columns = row.columns});
  CHECK(picture.dtype() == DType::uint8);
  CHECK(picture.shape() == Shape{row.height, row.width, 3});
  // Large images keep their size, and without any there is the title alone.
  const std::vector<Mistake> large(1, mistake_with(Array::zeros({3, 300, 700}, DType::uint8)));
  CHECK(mistake_picture(large).shape() == Shape{52 + 300 + 56, 732, 3});
  CHECK(mistake_picture({}).shape(0) == 52);
}

TEST_CASE("mistake_picture writes names and shortens long ones", "[train][mistakes]") {
  const Mistake mistakes[] = {mistake_with(Array::zeros({1, 28, 28}, DType::uint8))};
  const auto with = [&](const std::vector<std::string>& names) {
    return mistake_picture(mistakes, {.names = names, .title = ""});
  };
  CHECK(identical(with({"class 0"}), with({})));
  CHECK_FALSE(identical(with({"class 1"}), with({})));
  CHECK(identical(with({"K\u00e4se"}), with({"K?se"})));
  CHECK(identical(with({"a", std::string(30, 'x')}),
                  with({"a", std::string(15, 'x') + "..."})));  // and ", 50 %"
  CHECK(identical(with({std::string(30, 'x')}), with({std::string(21, 'x') + "..."})));
  // The label is black, the other one red.
  const Array picture = with({});
  std::set<std::vector<int>> colors;
  for (std::int64_t row = kTop + 170; row < picture.shape(0); ++row) {
    for (std::int64_t column = 0; column < picture.shape(1); ++column)
      colors.insert(pixel(picture, row, column));
  }
  CHECK(colors == std::set<std::vector<int>>{{0, 0, 0}, {190, 0, 0}, {255, 255, 255}});
}

TEST_CASE("mistake_picture refuses options and images that do not fit", "[train][mistakes][error]") {
  CHECK_THROWS_WITH(mistake_picture({}, {.columns = 0}),
                    "mistake_picture: columns must be at least 1 (it is 0)\n"
                    "  hint: it is the number of images in a row");
  const Mistake mistakes[] = {mistake_with(Array::zeros({1, 2, 2}, DType::uint8)),
                              mistake_with(Array::zeros({1, 2, 3}, DType::uint8))};
  CHECK_THROWS_WITH(mistake_picture(mistakes),
                    Contains("of one size (there are uint8 [1, 2, 2] and uint8 [1, 2, 3])"));
  const Mistake undefined[] = {Mistake{}};
  CHECK_THROWS_AS(mistake_picture(undefined), ShapeError);
}

TEST_CASE("every letter of the font looks different", "[train][mistakes]") {
  std::set<std::string> shapes;
  for (char letter = ' '; letter <= '~'; ++letter) {
    std::string shape;
    for (std::int64_t row = 0; row < font::kGlyphHeight; ++row) {
      for (std::int64_t column = 0; column < font::kGlyphWidth; ++column) {
        shape += font::has_ink(letter, row, column) ? '#' : ' ';
      }
    }
    shapes.insert(shape);
  }
  CHECK(shapes.size() == '~' - ' ' + 1);
  CHECK(font::printable("a\u00e4\n\u20acz") == "a???z");
}

TEST_CASE("MistakePicture draws at the end and leaves the net as it was", "[train][mistakes]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "mistakes.png";
  nn::Sequential net{nn::BatchNorm2D{2}, nn::Flatten{}};  // the scores are the two channels
  const Array images = floats({1, 0, 5, 0, 0, 9, 3, 0}, {4, 2, 1, 1});
  const nn::DataLoader loader(images, labels({0, 1, 1, 1}), {.batch = 3, .shuffle = false});
  MistakePicture callback(path, net, loader, {.names = {"one", "two"}});
  CHECK(directory.count() == 0);
  callback.on_end();
  CHECK(net.is_training());
  CHECK(net.named_buffers()[0].value.data<float>()[0] == 0);
  const nn::train::WorstMistakes expected = [&] {
    nn::train::WorstMistakes mistakes;
    mistakes.add(images, floats({1, 0, 5, 0, 0, 9, 3, 0}, {4, 2}), labels({0, 1, 1, 1}));
    return mistakes;
  }();
  CHECK(indices(expected) == std::vector<std::int64_t>{1, 3});
  const Array picture = nn::read_png(path);
  CHECK(picture.shape() == mistake_picture(expected.list(), {.names = {"one", "two"}}).shape());
  CHECK_THROWS_AS(MistakePicture(directory / "none/x.png", net, loader), IoError);
}
