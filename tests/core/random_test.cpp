// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

using namespace fathom;
using Catch::Matchers::Equals;

namespace {

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0, least = 0, most = 0;
};

Moments moments(const Array& array) {
  const Array values = array.astype(DType::float64);
  const double* x = values.data<double>();
  const auto count = static_cast<double>(values.size());
  Moments m;
  m.least = *std::min_element(x, x + values.size());
  m.most = *std::max_element(x, x + values.size());
  for (std::int64_t i = 0; i < values.size(); ++i) m.mean += x[i] / count;
  for (std::int64_t i = 0; i < values.size(); ++i) {
    const double d = x[i] - m.mean;
    m.variance += d * d / count;
    m.skewness += d * d * d / count;
    m.kurtosis += d * d * d * d / count;
  }
  m.skewness /= std::pow(m.variance, 1.5);
  m.kurtosis /= m.variance * m.variance;
  return m;
}

class ThreadScope {
 public:
  ThreadScope() : before_(num_threads()) {}
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;
  ~ThreadScope() { set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

TEST_CASE("random_bits gives the published Philox 4x32-10 vectors", "[random]") {
  // Random123, kat_vectors: counter words 0 to 3 are the counter, then the stream; the key is the seed.
  struct Known {
    std::uint64_t counter, stream, seed;
    std::array<std::uint32_t, 4> bits;
  };
  const auto known = GENERATE(values<Known>({
      {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {~0ULL, ~0ULL, ~0ULL, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {0x85a308d3243f6a88,
       0x0370734413198a2e,
       0x299f31d0a4093822,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  }));
  CHECK(random_bits({known.seed, known.stream}, known.counter) == known.bits);
}

TEST_CASE("a Random hands out each key once", "[random]") {
  Random random{7};
  const RandomKey first = random.key(), second = random.key();
  CHECK(first == RandomKey{7, 0});
  CHECK(second == RandomKey{7, 1});
  CHECK_FALSE(
      identical(uniform(first, {100}, 0, 1, DType::float32), uniform(second, {100}, 0, 1, DType::float32)));
}

TEST_CASE("uniform numbers have the moments of their distribution", "[random]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(dtype);
  const std::int64_t count = 200000;
  const Array x = uniform({11, 3}, {count}, -1, 3, dtype);
  CHECK(x.dtype() == dtype);
  const Moments m = moments(x);
  // Five standard errors: of the mean 4 / sqrt(12 n), of the variance (16 / 12) * sqrt(0.8 / n).
  const double n = static_cast<double>(count);
  CHECK(std::abs(m.mean - 1) < 5 * 4 / std::sqrt(12 * n));
  CHECK(std::abs(m.variance - 16.0 / 12) < 5 * 16.0 / 12 * std::sqrt(0.8 / n));
  CHECK(m.least >= -1);
  CHECK(m.most < 3);
  CHECK(m.most > 2.99);
}

TEST_CASE("normal numbers have the moments of their distribution", "[random]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(dtype);
  const std::int64_t count = 200000;
  const Moments m = moments(normal({5, 9}, {count / 10, 10}, 2, 0.5, dtype));
  // Five standard errors, which are sigma * sqrt(k / n) with k = 1, 2, 6, 24 for the four moments.
  const double error = 5 / std::sqrt(static_cast<double>(count));
  CHECK(std::abs(m.mean - 2) < 0.5 * error);
  CHECK(std::abs(m.variance - 0.25) < 0.25 * std::sqrt(2) * error);
  CHECK(std::abs(m.skewness) < std::sqrt(6) * error);
  CHECK(std::abs(m.kurtosis - 3) < std::sqrt(24) * error);
}

TEST_CASE("an element depends on key and number alone", "[random]") {
  const ThreadScope scope;
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(dtype);
  const RandomKey key{123456789, 42};
  set_num_threads(1);
  const Array u = uniform(key, {40003}, -2, 2, dtype);
  const Array n = normal(key, {40003}, 0, 1, dtype);
  for (const int threads : {2, 3, 7}) {
    CAPTURE(threads);
    set_num_threads(threads);
    CHECK(identical(u, uniform(key, {40003}, -2, 2, dtype)));
    CHECK(identical(n, normal(key, {40003}, 0, 1, dtype)));
  }
  const Array fewer = normal(key, {5}, 0, 1, dtype);
  CHECK(std::equal(fewer.raw_data(), fewer.raw_data() + fewer.byte_size(), n.raw_data()));
}

TEST_CASE("uniform never reaches its upper end", "[random]") {
  // Between 1 and the next float lies nothing: every number must round down to 1.
  const double next = std::nextafter(1.0F, 2.0F);
  const Array x = uniform({1, 1}, {1000}, 1, next, DType::float32);
  CHECK(std::all_of(x.data<float>(), x.data<float>() + x.size(), [](float v) { return v == 1.0F; }));
  CHECK(uniform({1, 1}, {1}, 2, 2, DType::float64).item() == 2);
}

TEST_CASE("permutation holds every number once, in an order that the key decides", "[random]") {
  const std::int64_t count = GENERATE(0, 1, 2, 1000);
  CAPTURE(count);
  const Array order = permutation({3, 4}, count);
  CHECK(order.shape() == Shape{count});
  std::vector<std::int64_t> sorted(order.data<std::int64_t>(), order.data<std::int64_t>() + count);
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t i = 0; i < count; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
  CHECK(identical(order, permutation({3, 4}, count)));
  if (count == 1000) CHECK_FALSE(identical(order, permutation({3, 5}, count)));
}

TEST_CASE("every permutation of three is equally likely", "[random]") {
  std::array<int, 27> counts{};
  const int draws = 6000;
  for (int draw = 0; draw < draws; ++draw) {
    const Array order = permutation({99, static_cast<std::uint64_t>(draw)}, 3);
    const auto* p = order.data<std::int64_t>();
    ++counts[static_cast<std::size_t>(9 * p[0] + 3 * p[1] + p[2])];
  }
  // Five standard deviations of a binomial count with p = 1/6.
  const double allowed = 5 * std::sqrt(draws * 5.0 / 36);
  CHECK(std::count_if(counts.begin(), counts.end(), [](int c) { return c > 0; }) == 6);
  for (const int count : counts) {
    if (count > 0) CHECK(std::abs(count - draws / 6) < allowed);
  }
}

TEST_CASE("wrong arguments of random arrays are errors", "[random]") {
  CHECK_THROWS_WITH(uniform({}, {2}, 1, 0, DType::float32),
                    Equals("uniform: low must not be greater than high, both finite (low 1, high 0)\n"
                           "  hint: swap the two"));
  CHECK_THROWS_AS(uniform({}, {2}, 1, 0, DType::float32), ValueError);
  CHECK_THROWS_AS(uniform({}, {2}, 0, 1, DType::int64), DTypeError);
  CHECK_THROWS_AS(normal({}, {2}, 0, -1, DType::float32), ValueError);
  CHECK_THROWS_WITH(normal({}, {2}, 0, 1, DType::uint8),
                    Catch::Matchers::Contains("normal") && Catch::Matchers::Contains("uint8"));
  CHECK_THROWS_WITH(permutation({}, -1), Catch::Matchers::Contains("count must be at least 0 (it is -1)"));
}
