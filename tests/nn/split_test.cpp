// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/nn/data/split.hpp>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <vector>

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

/// Images whose one pixel is their number; of classes 0, 1, 2 there are 3, 30 and 67.
nn::ImageSet numbered() {
  std::vector<std::int64_t> labels(100, 2);
  std::fill_n(labels.begin() + 20, 30, 1);
  for (const std::size_t i : {0U, 50U, 99U}) labels[i] = 0;
  return {Array::arange(100, DType::uint8).reshape({100, 1, 1}), Array::from(labels, {100})};
}

std::vector<int> numbers(const nn::ImageSet& set) {
  const auto* pixels = set.images.data<std::uint8_t>();
  return {pixels, pixels + set.images.size()};
}

std::array<int, 3> class_counts(const nn::ImageSet& set) {
  std::array<int, 3> counts{};
  for (std::int64_t i = 0; i < set.labels.size(); ++i)
    ++counts[static_cast<std::size_t>(set.labels.data<std::int64_t>()[i])];
  return counts;
}

}  // namespace

TEST_CASE("a split has every image once, in the set's order, with its label", "[split]") {
  const bool stratified = GENERATE(false, true);
  const double share = GENERATE(0.0, 0.1, 0.336, 1.0);
  CAPTURE(stratified, share);
  const nn::ImageSet set = numbered();
  const nn::Split parts = nn::split(set, {.validation = share, .stratified = stratified});
  CHECK(parts.validation.labels.size() == std::llround(100 * share));
  CHECK(parts.train.images.shape() == Shape{100 - std::llround(100 * share), 1, 1});
  std::vector<int> all = numbers(parts.train);
  const std::vector<int> others = numbers(parts.validation);
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(std::is_sorted(others.begin(), others.end()));
  all.insert(all.end(), others.begin(), others.end());
  std::sort(all.begin(), all.end());
  for (int i = 0; i < 100; ++i) REQUIRE(all[static_cast<std::size_t>(i)] == i);
  for (const nn::ImageSet& part : {parts.train, parts.validation}) {
    for (std::int64_t i = 0; i < part.labels.size(); ++i) {
      REQUIRE(part.labels.data<std::int64_t>()[i] ==
              set.labels.data<std::int64_t>()[part.images.data<std::uint8_t>()[i]]);
    }
  }
}

TEST_CASE("the seed decides, and a stratified split takes its share of each class", "[split]") {
  const nn::ImageSet set = numbered();
  const std::vector<int> first = numbers(nn::split(set, {.validation = 0.2}).validation);
  CHECK(numbers(nn::split(set, {.validation = 0.2}).validation) == first);
  CHECK(numbers(nn::split(set, {.validation = 0.2, .seed = 2}).validation) != first);
  // 0.6, 6 and 13.4 images of the classes: the first has the largest remainder.
  const nn::Split parts = nn::split(set, {.validation = 0.2, .stratified = true});
  CHECK(class_counts(parts.validation) == std::array{1, 6, 13});
  CHECK(class_counts(parts.train) == std::array{2, 24, 54});
  CHECK(numbers(nn::split(set, {.validation = 0.2, .seed = 2, .stratified = true}).validation) !=
        numbers(parts.validation));
}

TEST_CASE("select takes images in any order, also twice", "[split]") {
  const std::vector<std::int64_t> wanted{99, 20, 99};
  const nn::ImageSet part = nn::select(numbered(), wanted);
  CHECK(numbers(part) == std::vector<int>{99, 20, 99});
  CHECK(identical(part.labels, Array::from<std::int64_t>({0, 1, 0}, {3})));
}

TEST_CASE("wrong arguments of split and select are errors", "[split]") {
  const nn::ImageSet set = numbered();
  CHECK_THROWS_WITH(nn::split(set, {.validation = 1.5}),
                    Contains("split: validation must be a share of the images, 0 ... 1 (it is 1.5)"));
  CHECK_THROWS_AS(nn::split(set, {.validation = -0.5}), ValueError);
  CHECK_THROWS_AS(nn::split({set.images, Array::arange(3, DType::int64)}), ShapeError);
  CHECK_THROWS_AS(nn::split({set.images, Array{}}), GraphError);
  const std::vector<std::int64_t> outside{0, 100};
  CHECK_THROWS_WITH(nn::select(set, outside),
                    Contains("select: there must be an image of each number (100 of 100 images)"));
}
