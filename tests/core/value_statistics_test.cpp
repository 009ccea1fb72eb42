// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/value_statistics.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace fathom;

TEST_CASE("all_finite finds a NaN or an infinity anywhere", "[value_statistics]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const std::int64_t size : {1, 7, 64, 131}) {
    Array array = Array::full({size}, dtype == DType::float32 ? 3e38 : 1e308, dtype);
    CHECK(all_finite(array));
    for (std::int64_t at = 0; at < size; ++at) {
      for (const double bad : {kInfinity, -kInfinity, std::nan(""), -std::nan("")}) {
        const auto put = [&](double value) {
          dispatch_float(dtype, "test",
                         [&]<class T>() { array.mutable_data<T>()[at] = static_cast<T>(value); });
        };
        put(bad);
        REQUIRE_FALSE(all_finite(array));
        put(-1);
      }
    }
  }
  CHECK(all_finite(Array::zeros({0}, dtype)));
  CHECK(all_finite(Array::full({3}, 255, DType::uint8)));
}
