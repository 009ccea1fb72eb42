// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/format.hpp>

#include <fmt/ranges.h>
#include <catch2/catch.hpp>

using namespace fathom;

TEST_CASE("fmt prints the types of arrays as to_string does", "[format]") {
  CHECK(fmt::format("{}", DType::float32) == "float32");
  CHECK(fmt::format("{:>8}|", DType::uint8) == "   uint8|");
  CHECK(fmt::format("{}", Shape{2, 3}) == "[2, 3]");
  CHECK(fmt::format("{}", Shape{}) == "[]");
  CHECK(fmt::format("{}", Pair2{2, 1}) == "[2, 1]");
  const Array x = Array::arange(3, DType::int64);
  CHECK(fmt::format("{}", x) == to_string(x));
}
