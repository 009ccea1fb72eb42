// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/xtensor.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>
#include <xtensor/xview.hpp>

using namespace fathom;

TEST_CASE("as_xtensor sees the elements without copying", "[xtensor]") {
  const Array x = Array::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {2, 3});
  const std::uint64_t version = x.version();
  const auto view = as_xtensor<float>(x);
  REQUIRE(view.dimension() == 2);
  CHECK(view.shape(0) == 2);
  CHECK(view.shape(1) == 3);
  CHECK(view(1, 2) == 6.0F);
  CHECK(&view(0, 0) == x.data<float>());
  CHECK(x.version() == version);
  CHECK_THROWS_AS(as_xtensor<double>(x), DTypeError);
}

TEST_CASE("as_mutable_xtensor writes through to every copy and raises the version", "[xtensor]") {
  Array x = Array::zeros({2, 2}, DType::float64);
  const Array alias = x;
  const std::uint64_t version = x.version();
  auto view = as_mutable_xtensor<double>(x);
  view(1, 0) = 3;
  CHECK(alias.version() > version);
  CHECK(identical(alias, Array::from({0.0, 0.0, 3.0, 0.0}, {2, 2})));
  xt::noalias(view) = xt::ones<double>({2, 2});
  CHECK(identical(alias, Array::ones({2, 2}, DType::float64)));
}

TEST_CASE("from_xtensor evaluates an expression into a new array", "[xtensor]") {
  const Array x = Array::from({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  const Array y = from_xtensor(as_xtensor<double>(x) * 2.0 + 1.0);
  CHECK(identical(y, Array::from({3.0, 5.0, 7.0, 9.0, 11.0, 13.0}, {2, 3})));
  CHECK_FALSE(y.shares_buffer_with(x));
  CHECK(identical(from_xtensor(xt::sum(as_xtensor<double>(x), {0})), Array::from({5.0, 7.0, 9.0}, {3})));
  CHECK(identical(from_xtensor(xt::sum(as_xtensor<double>(x))), Array::scalar(21, DType::float64)));
  CHECK(identical(from_xtensor(xt::transpose(as_xtensor<double>(x))),
                  Array::from({1.0, 4.0, 2.0, 5.0, 3.0, 6.0}, {3, 2})));
  CHECK(identical(from_xtensor(xt::view(as_xtensor<double>(x), xt::all(), 1)), Array::from({2.0, 5.0}, {2})));
  {
    Array y = from_xtensor(xt::exp(as_xtensor<double>(x)) + 1.0);
    CHECK(y.data<double>()[2] == std::exp(3.0) + 1.0);
  }
  const Array none = Array::zeros({0, 3}, DType::float64);
  CHECK(identical(from_xtensor(as_xtensor<double>(none)), none));
}

TEST_CASE("from_xtensor chooses the element type by the expression's", "[xtensor]") {
  CHECK(from_xtensor(xt::xarray<float>{1.5F}).dtype() == DType::float32);
  CHECK(from_xtensor(xt::xarray<std::uint8_t>{7}).dtype() == DType::uint8);
  CHECK(from_xtensor(xt::xarray<short>{7}).dtype() == DType::int32);
  CHECK(from_xtensor(xt::xarray<long long>{7}).dtype() == DType::int64);
  const Array x = Array::from({1.0F, 3.0F, 2.0F}, {3});
  CHECK(identical(from_xtensor(as_xtensor<float>(x) > 1.5F), Array::from({false, true, true}, {3})));
  CHECK(identical(from_xtensor(xt::argmax(as_xtensor<float>(x))), Array::scalar(1, DType::int64)));
}
