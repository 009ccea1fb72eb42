// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pooling_2d.hpp>

#include <support/op_table.hpp>
#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Geometry {
  Shape x;
  Pair2 kernel;
  Pair2 stride;
  Pair2 pad;
};

std::int64_t output_size(std::int64_t size, std::int64_t k, std::int64_t s, std::int64_t p, bool cover_all) {
  std::int64_t count = 0;
  // Windows start every s pixels: all that fit, and with cover_all one more if pixels are left.
  while (count * s - p + k <= size + p) ++count;
  if (cover_all && (count == 0 || (count - 1) * s - p + k < size + p)) ++count;
  return count;
}

/// Pools by the definition, all in double: y, and gx for the output gradient gy.
struct Reference {
  Shape shape;
  std::vector<double> y, gx;
};

Reference reference(const Geometry& g, const Array& x_array, const Array& gy_array, bool max,
                    bool cover_all) {
  const Array doubles = x_array.astype(DType::float64);
  const Array gys = gy_array.defined() ? gy_array.astype(DType::float64) : Array{};
  const double* x = doubles.data<double>();
  Reference r{{g.x[0], g.x[1], output_size(g.x[2], g.kernel.y, g.stride.y, g.pad.y, cover_all),
               output_size(g.x[3], g.kernel.x, g.stride.x, g.pad.x, cover_all)},
              {},
              std::vector<double>(static_cast<std::size_t>(g.x.size()), 0.0)};
  for (std::int64_t plane = 0; plane < g.x[0] * g.x[1]; ++plane) {
    for (std::int64_t i = 0; i < r.shape[2]; ++i) {
      for (std::int64_t j = 0; j < r.shape[3]; ++j) {
        const double gy = gys.defined() ? gys.data<double>()[r.y.size()] : 0;
        double result = max ? -kInfinity : 0;
        std::int64_t winner = -1;
        for (std::int64_t p = 0; p < g.kernel.y; ++p) {
          for (std::int64_t q = 0; q < g.kernel.x; ++q) {
            const std::int64_t row = i * g.stride.y + p - g.pad.y;
            const std::int64_t column = j * g.stride.x + q - g.pad.x;
            if (row < 0 || row >= g.x[2] || column < 0 || column >= g.x[3]) continue;
            const std::int64_t at = (plane * g.x[2] + row) * g.x[3] + column;
            if (!max) {
              result += x[at];
              r.gx[static_cast<std::size_t>(at)] += gy / static_cast<double>(g.kernel.y * g.kernel.x);
            } else if (winner < 0 || x[at] > result) {
              result = x[at];
              winner = at;
            }
          }
        }
        if (winner >= 0) r.gx[static_cast<std::size_t>(winner)] += gy;
        r.y.push_back(max ? result : result / static_cast<double>(g.kernel.y * g.kernel.x));
      }
    }
  }
  return r;
}

Variable pool(const Geometry& g, const Variable& x, bool max, bool cover_all) {
  return max ? ops::max_pooling_2d(x, {g.kernel, g.stride, g.pad, cover_all})
             : ops::average_pooling_2d(x, {g.kernel, g.stride, g.pad});
}

struct Pooled {
  Array y, gx;
};

Pooled pooled(const Geometry& g, const Array& x, const Array& gy, bool max, bool cover_all) {
  const Variable xv(x, true);
  const Variable y = pool(g, xv, max, cover_all);
  return {y.data(), grad({y}, {xv}, {Variable(gy)})[0].data()};
}

Array image(std::initializer_list<double> pixels, std::int64_t height, std::int64_t width) {
  return Array::from(pixels, {1, 1, height, width});
}

}  // namespace

TEST_CASE("max_pooling_2d of a small image", "[pooling_2d]") {
  const Variable x(image({1, 5, 2, 0, 3, 9, 4, 8, 7}, 3, 3), true);
  const Variable y = ops::max_pooling_2d(x, {.kernel = 2, .cover_all = false});
  CHECK(identical(y.data(), image({5}, 1, 1)));
  const Variable covered = ops::max_pooling_2d(x, {.kernel = 2});
  CHECK(identical(covered.data(), image({5, 9, 8, 7}, 2, 2)));
  const Variables gx = grad({covered}, {x}, {Variable(image({1, 2, 3, 4}, 2, 2))});
  CHECK(identical(gx[0].data(), image({0, 1, 0, 0, 0, 2, 0, 3, 4}, 3, 3)));
}

TEST_CASE("average_pooling_2d counts the padding", "[pooling_2d]") {
  const Variable x(image({4, 8, 12, 16}, 2, 2), true);
  const Variable y = ops::average_pooling_2d(x, {.kernel = 2, .pad = 1});
  CHECK(identical(y.data(), image({1, 2, 3, 4}, 2, 2)));
  CHECK(identical(ops::average_pooling_2d(x, {.kernel = 2}).data(), image({10}, 1, 1)));
  const Variables gx = grad({y}, {x}, {Variable(image({4, 8, 12, 16}, 2, 2))});
  CHECK(identical(gx[0].data(), image({1, 2, 3, 4}, 2, 2)));
}

TEST_CASE("global_average_pooling_2d is the mean over the pixels", "[pooling_2d]") {
  const Variable x(Array::from({1.0, 2.0, 3.0, 6.0, 10.0, 20.0, 30.0, 20.0}, {1, 2, 2, 2}), true);
  const Variable y = ops::global_average_pooling_2d(x);
  CHECK(identical(y.data(), Array::from({3.0, 20.0}, {1, 2})));
  const Variables gx = grad({y}, {x}, {Variable(Array::from({4.0, 8.0}, {1, 2}))});
  CHECK(identical(gx[0].data(), Array::from({1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0}, {1, 2, 2, 2})));
}

TEST_CASE("global_average_pooling_2d keeps the precision of large planes", "[pooling_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  // 300 x 301 equal numbers: adding them up one by one in float32 would lose three digits.
  const Variable x(Array::full({2, 1, 300, 301}, 1.1, DType::float32));
  const double y = static_cast<double>(ops::global_average_pooling_2d(x).data().data<float>()[1]);
  CHECK(y == Approx(static_cast<double>(1.1F)).epsilon(test::sum_tolerance(DType::float32, 64)));
}

TEST_CASE("at ties the first pixel of the window gets the gradient", "[pooling_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const Variable x(image({3, 3, 3, 3}, 2, 2), true);
  const Variable y = ops::max_pooling_2d(x, {.kernel = 2});
  CHECK(identical(grad({y}, {x}, {Variable(image({5}, 1, 1))})[0].data(), image({5, 0, 0, 0}, 2, 2)));
}

TEST_CASE("a window outside altogether gives minus infinity and no gradient", "[pooling_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const ops::MaxPooling2DOptions options{.kernel = 1, .stride = 3};
  CHECK(identical(ops::max_pooling_2d(Variable(image({1, 2, 3, 4}, 2, 2)), options).data(),
                  image({1, -kInfinity, -kInfinity, -kInfinity}, 2, 2)));
  const Variable x(image({1, 2, 3, 4, 5}, 5, 1), true);
  const Variable y = ops::max_pooling_2d(x, options);
  CHECK(identical(y.data(), image({1, 4, -kInfinity}, 3, 1)));
  const Variable gy(image({10, 20, 30}, 3, 1), true);
  const Variable gx = grad({y}, {x}, {gy}, {.create_graph = true})[0];
  CHECK(identical(gx.data(), image({10, 0, 0, 20, 0}, 5, 1)));
  const Variable ggy = grad({gx}, {gy}, {Variable(image({1, 2, 3, 4, 5}, 5, 1))})[0];
  CHECK(identical(ggy.data(), image({1, 4, 0}, 3, 1)));
}

TEST_CASE("pixels of minus infinity still count as pixels", "[pooling_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const Variable x(image({-kInfinity, -kInfinity}, 1, 2), true);
  const Variable y = ops::max_pooling_2d(x, {.kernel = {1, 2}});
  CHECK(y.item() == -kInfinity);
  CHECK(identical(grad({y}, {x}, {Variable(image({1}, 1, 1))})[0].data(), image({1, 0}, 1, 2)));
}

TEST_CASE("NaN wins", "[pooling_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  for (const double first : {1.0, kNaN}) {
    const Variable x(image({first, kNaN, kInfinity, kNaN}, 2, 2), true);
    const Variable y = ops::max_pooling_2d(x, {.kernel = 2});
    CHECK(std::isnan(y.item()));
    const Array wanted = std::isnan(first) ? image({1, 0, 0, 0}, 2, 2) : image({0, 1, 0, 0}, 2, 2);
    CHECK(identical(grad({y}, {x}, {Variable(image({1}, 1, 1))})[0].data(), wanted));
  }
}

TEST_CASE("pooling agrees with the definition over odd sizes", "[pooling_2d]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  const auto g = GENERATE(values<Geometry>({{{1, 1, 1, 1}, 1, 1, 0},
                                            {{2, 3, 7, 6}, 2, 2, 0},
                                            {{2, 3, 7, 6}, 3, 2, 1},
                                            {{1, 2, 9, 11}, 3, 1, 1},
                                            {{1, 2, 9, 11}, {2, 3}, {1, 2}, {0, 1}},
                                            {{3, 1, 8, 7}, 2, 3, 0},
                                            {{1, 2, 5, 5}, {4, 2}, {2, 3}, {2, 0}},
                                            {{1, 1, 3, 3}, 3, 1, 2},
                                            {{1, 1, 4, 5}, {4, 5}, 1, 0},
                                            {{2, 1, 6, 6}, {6, 1}, {1, 2}, 0},
                                            {{1, 1, 5, 4}, 1, 3, 0},
                                            {{1, 2, 5, 37}, 3, 1, 1},
                                            {{1, 2, 5, 71}, 3, 2, 1},
                                            {{1, 1, 3, 67}, {2, 4}, {1, 3}, 0},
                                            {{1, 1, 4, 300}, 2, 1, 1},
                                            {{1, 40, 28, 28}, 5, 2, 2}}));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool max = GENERATE(true, false);
  const bool cover_all = max && GENERATE(true, false);
  INFO(to_string(g.x) << " kernel " << to_string(g.kernel) << " stride " << to_string(g.stride) << " pad "
                      << to_string(g.pad) << (max ? " max " : " average ") << cover_all << " " << dtype << " "
                      << to_string(isa));
  const Array x = test::distinct(g.x, 1).astype(dtype);
  const Shape shape = reference(g, x, {}, max, cover_all).shape;
  const Array gy = uniform({2, 0}, shape, -1, 1, dtype);
  const Reference wanted = reference(g, x, gy, max, cover_all);
  const Pooled got = pooled(g, x, gy, max, cover_all);
  REQUIRE(got.y.shape() == shape);
  const double tolerance = test::sum_tolerance(dtype, g.kernel.y * g.kernel.x);
  const double largest = 0.04 * static_cast<double>(g.x.size());
  CHECK(allclose(got.y.astype(DType::float64), Array::from(wanted.y, shape), tolerance,
                 max ? 0 : tolerance * largest));
  CHECK(allclose(got.gx.astype(DType::float64), Array::from(wanted.gx, g.x), tolerance,
                 tolerance * static_cast<double>(g.kernel.y * g.kernel.x)));
}

TEST_CASE("global_average_pooling_2d agrees with the definition at every width", "[pooling_2d]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  const auto dtype = GENERATE(DType::float32, DType::float64);
  for (std::int64_t width = 1; width <= 150; ++width) {
    const Array x = uniform({4, 0}, {1, 3, 1, width}, 0, 1, dtype);
    const Array y = ops::global_average_pooling_2d(Variable(x)).data().astype(DType::float64);
    const Array doubles = x.astype(DType::float64);
    for (std::int64_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < width; ++i) sum += doubles.data<double>()[c * width + i];
      INFO(to_string(isa) << " " << dtype << " width " << width);
      CHECK(y.data<double>()[c] ==
            Approx(sum / static_cast<double>(width)).epsilon(test::sum_tolerance(dtype, width)));
    }
  }
}

TEST_CASE("pooling of an empty batch is empty", "[pooling_2d]") {
  const Variable x(Array::ones({0, 3, 4, 4}, DType::float32), true);
  for (const Variable& y :
       {ops::max_pooling_2d(x), ops::average_pooling_2d(x), ops::global_average_pooling_2d(x)}) {
    CHECK(y.shape(0) == 0);
    CHECK(y.shape(1) == 3);
    CHECK(grad({y}, {x}, {Variable(Array::ones(y.shape(), DType::float32))})[0].shape() == x.shape());
  }
}

TEST_CASE("pooling refuses what does not fit", "[pooling_2d][errors]") {
  const Variable x(Array::ones({1, 1, 3, 3}, DType::float32));
  const auto max = [&](const Variable& input, const ops::MaxPooling2DOptions& options) {
    static_cast<void>(ops::max_pooling_2d(input, options));
  };
  const auto average = [&](const Variable& input, const ops::AveragePooling2DOptions& options) {
    static_cast<void>(ops::average_pooling_2d(input, options));
  };
  const std::string line = "\n  x: float32 [1, 1, 3, 3]  (n, c, h, w)";
  CHECK_THROWS_MATCHES(
      max(x, {.kernel = 5, .cover_all = false}), ShapeError,
      Message(
          "max_pooling_2d: a window must fit the padded image (image [3, 3], kernel [5, 5], stride [5, 5], "
          "pad [0, 0], cover_all false)" +
          line + "\n  hint: make the kernel smaller or the pad larger"));
  CHECK(ops::max_pooling_2d(x, {.kernel = 5}).shape() == Shape{1, 1, 1, 1});
  CHECK_THROWS_MATCHES(
      max(x, {.kernel = {1, 5}, .stride = 2}), ShapeError,
      Message(
          "max_pooling_2d: a window must fit the padded image (image [3, 3], kernel [1, 5], stride [2, 2], "
          "pad [0, 0], cover_all true)" +
          line + "\n  hint: make the kernel smaller or the pad larger"));
  CHECK_THROWS_MATCHES(max(x, {.kernel = 2, .stride = 0}), ValueError,
                       Message("max_pooling_2d: stride must be at least 1 (it is [0, 0])" + line +
                               "\n  hint: 1 moves the window pixel by pixel; 2 halves the size"));
  CHECK_THROWS_MATCHES(max(x, {.kernel = {2, 0}}), ValueError,
                       Message("max_pooling_2d: kernel must be at least 1 (it is [2, 0])" + line +
                               "\n  hint: global_average_pooling_2d takes whole images"));
  // `same` lets any kernel fit.
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  CHECK_THROWS_MATCHES(
      max(x, {.kernel = {2, huge}, .stride = 1, .pad = Pad::same}), ValueError,
      Message("max_pooling_2d: kernel must be at most 1048576 (it is [2, 4611686018427387904])" + line +
              "\n  hint: it counts pixels; a number like that often comes from an overflow"));
  CHECK_THROWS_AS(average(x, {.kernel = huge, .stride = 1, .pad = Pad::same}), ValueError);
  CHECK_THROWS_MATCHES(max(x, {.kernel = 2, .pad = {0, -1}}), ValueError,
                       Message("max_pooling_2d: pad must be at least 0 (it is [0, -1])" + line +
                               "\n  hint: 0 adds no border; this op does not crop x"));
  CHECK_THROWS_MATCHES(
      max(Variable(Array::ones({1, 3, 3}, DType::float32)), {}), ShapeError,
      Message("max_pooling_2d: x must have 4 axes (n, c, h, w) (it has 3)\n"
              "  x: float32 [1, 3, 3]  (n, c, h, w)\n"
              "  hint: reshape gives it the right number of axes; an axis of size 1 counts too"));
  const std::string undefined =
      "\n  hint: Variable{} is legal for optional arguments only; give a deferred parameter its data with "
      "initialize";
  CHECK_THROWS_MATCHES(
      max({}, {}), GraphError,
      Message("max_pooling_2d: x must not be undefined\n  x: undefined  (n, c, h, w)" + undefined));
  CHECK_THROWS_MATCHES(average(x, {.kernel = 5, .stride = 1}), ShapeError,
                       Message("average_pooling_2d: a window must fit the padded image (image [3, 3], kernel "
                               "[5, 5], stride [1, 1], "
                               "pad [0, 0])" +
                               line + "\n  hint: make the kernel smaller or the pad larger"));
  CHECK_THROWS_MATCHES(average(x, {.kernel = 2, .stride = Pair2{1, -1}}), ValueError,
                       Message("average_pooling_2d: stride must be at least 1 (it is [1, -1])" + line +
                               "\n  hint: 1 moves the window pixel by pixel; 2 halves the size"));
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::global_average_pooling_2d(Variable(Array::ones({2, 3}, DType::float64)))),
      ShapeError,
      Message("global_average_pooling_2d: x must have 4 axes (n, c, h, w) (it has 2)\n"
              "  x: float64 [2, 3]  (n, c, h, w)\n"
              "  hint: reshape gives it the right number of axes; an axis of size 1 counts too"));
}
