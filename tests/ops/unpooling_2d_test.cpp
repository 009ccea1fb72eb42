// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/unpooling_2d.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/pooling_2d.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Array random(const Shape& shape, DType dtype) { return uniform({6, 1}, shape, -1, 1, dtype); }

}  // namespace

TEST_CASE("unpooling_2d spreads what average_pooling_2d adds up", "[unpooling_2d]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Pair2 kernel{3, 2};
  const Pair2 stride{2, 1};
  const Variable image(random({2, 3, 7, 6}, dtype), true);
  const Variable pooled = ops::average_pooling_2d(image, {.kernel = kernel, .stride = stride, .pad = {1, 0}});
  const Variable x(random(pooled.shape(), dtype), true);
  const Variable y = ops::unpooling_2d(
      x, {.kernel = kernel, .stride = stride, .pad = {1, 0}, .output_size = {{7, 6}}, .cover_all = false});
  REQUIRE(y.shape() == image.shape());
  const double tolerance = test::sum_tolerance(dtype, 6) * 6;
  const Variable adjoint = grad({pooled * 6.0}, {image}, {x})[0];
  CHECK(allclose(y.data(), adjoint.data(), 0, tolerance));
  CHECK(allclose(grad({y}, {x}, {image})[0].data(), (pooled * 6.0).data(), 0, tolerance));
}

TEST_CASE("unpooling_2d has the smallest size that pools to x, or the one asked for", "[unpooling_2d]") {
  const Variable x(Array::ones({1, 1, 3, 4}, DType::float32));
  const auto size = [&](const ops::Unpooling2DOptions& options) {
    const Shape shape = ops::unpooling_2d(x, options).shape();
    return Pair2{shape[2], shape[3]};
  };
  CHECK(size({}) == Pair2{5, 7});
  CHECK(size({.cover_all = false}) == Pair2{6, 8});
  CHECK(size({.kernel = 3, .stride = Pair2{1, 2}, .pad = {1, 0}, .cover_all = false}) == Pair2{3, 9});
  CHECK(size({.output_size = {{6, 7}}}) == Pair2{6, 7});
  // A pixel that no window sees is 0.
  const Variable y =
      ops::unpooling_2d(x, {.kernel = {1, 1}, .stride = 2, .output_size = {{6, 8}}, .cover_all = false});
  CHECK(y.data().data<float>()[0] == 1);
  CHECK(y.data().data<float>()[1] == 0);
}

TEST_CASE("max_pooling_2d tells where the largest pixels are, and upsampling_2d puts them back",
          "[unpooling_2d][pooling_2d]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x{Array::from({1.0, 5.0, 2.0, 0.0, 3.0,  //
                                4.0, 0.0, 7.0, 1.0, 9.0,  //
                                8.0, 6.0, 1.0, 2.0, 2.0},
                               {1, 1, 3, 5})
                       .astype(dtype),
                   true};
  Array indexes;
  const Variable y = ops::max_pooling_2d(x, {.kernel = 2}, &indexes);
  CHECK(indexes.dtype() == DType::int32);
  CHECK(identical(indexes, Array::from<std::int32_t>({1, 2, 2, 0, 1, 0}, {1, 1, 2, 3})));
  const Variable back = ops::upsampling_2d(y, indexes, {.output_size = {{3, 5}}});
  CHECK(identical(back.data(), Array::from({0.0, 5.0, 0.0, 0.0, 0.0,  //
                                            0.0, 0.0, 7.0, 0.0, 9.0,  //
                                            8.0, 0.0, 0.0, 2.0, 2.0},
                                           {1, 1, 3, 5})
                                   .astype(dtype)));
  // The gradient takes the pixels at the same places.
  CHECK(identical(grad({back}, {y}, {x})[0].data(), y.data()));
}

TEST_CASE("indexes with a border, overlaps and windows outside", "[unpooling_2d][pooling_2d]") {
  const Variable x(Array::from({3.0, 1.0, 2.0}, {1, 1, 1, 3}));
  Array indexes;
  (void)ops::max_pooling_2d(x, {.kernel = {1, 2}, .stride = 1, .pad = {0, 1}}, &indexes);
  CHECK(identical(indexes, Array::from<std::int32_t>({1, 0, 1, 0}, {1, 1, 1, 4})));
  const Variable ones(Array::ones({1, 1, 1, 4}, DType::float64));
  const ops::Unpooling2DOptions options{.kernel = {1, 2}, .stride = 1, .pad = {0, 1}};
  CHECK(identical(ops::upsampling_2d(ones, indexes, options).data(),
                  Array::from({2.0, 0.0, 2.0}, {1, 1, 1, 3})));
  // A place in the border is lost; int64 does as well.
  const Array outside = Array::from<std::int64_t>({0, 0, 1, 1}, {1, 1, 1, 4});
  CHECK(identical(ops::upsampling_2d(ones, outside, options).data(),
                  Array::from({1.0, 0.0, 1.0}, {1, 1, 1, 3})));
  (void)ops::max_pooling_2d(Variable(Array::ones({1, 1, 1, 4}, DType::float32)), {.kernel = 1, .stride = 3},
                            &indexes);
  CHECK(identical(indexes, Array::zeros({1, 1, 1, 2}, DType::int32)));
}

TEST_CASE("unpooling says what it refuses", "[unpooling_2d][errors]") {
  const Variable x(Array::ones({1, 1, 1, 2}, DType::float32));
  const std::string line = "\n  x: float32 [1, 1, 1, 2]  (n, c, h, w)";
  CHECK_THROWS_MATCHES(ops::unpooling_2d(x, {.output_size = {{2, 5}}}), ShapeError,
                       Message("unpooling_2d: output_size must have as many windows as x has pixels: wO must "
                               "be in [3, 4] (it is 5)" +
                               line + "\n  hint: leave output_size out to have the smallest one"));
  CHECK_THROWS_MATCHES(ops::unpooling_2d(x, {.pad = 1}), ShapeError,
                       Message("unpooling_2d: hO must be positive ((h - 1) * stride + extent - 2 * pad - "
                               "(stride - 1) is -1; x has 1, "
                               "stride is 2, the kernel's extent 2, pad 1)" +
                               line + "\n  hint: use a smaller pad, a larger stride or a larger kernel"));
  const auto upsample = [&](const Array& indexes) { (void)ops::upsampling_2d(x, indexes); };
  CHECK_THROWS_MATCHES(
      upsample(Array::from<std::int32_t>({0, 4}, {1, 1, 1, 2})), ValueError,
      Message("upsampling_2d: indexes must lie in [0, 4) (indexes[0, 0, 0, 1] is 4)\n"
              "  x:       float32 [1, 1, 1, 2]  (n, c, h, w)\n"
              "  indexes: int32 [1, 1, 1, 2]\n"
              "  hint: they are ky*kW + kx, as max_pooling_2d gives them for the same kernel"));
  CHECK_THROWS_AS(upsample(Array::from<std::int64_t>({-1, 0}, {1, 1, 1, 2})), ValueError);
  CHECK_THROWS_AS(upsample(Array::zeros({1, 1, 2, 1}, DType::int32)), ShapeError);
  CHECK_THROWS_AS(upsample(Array::zeros({1, 1, 1, 2}, DType::float32)), DTypeError);
  CHECK_THROWS_AS(upsample({}), GraphError);
}
