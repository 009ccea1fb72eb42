// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/accuracy.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <support/restore.hpp>

#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Array labels(std::initializer_list<std::int64_t> values, const Shape& shape) {
  return Array::from(values, shape);
}

}  // namespace

TEST_CASE("accuracy is the share of right predictions", "[accuracy]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto label_dtype = GENERATE(DType::int32, DType::int64);
  // The largest scores are at 1, 0, 2, 0; the last is a tie.
  const Array y =
      Array::from({0.0, 3.0, 1.0, 9.0, 2.0, 1.0, -3.0, -2.0, -1.0, 5.0, 5.0, 1.0}, {4, 3}).astype(dtype);
  const Array t = labels({1, 1, 2, 0}, {4}).astype(label_dtype);
  const Array share = ops::accuracy(y, t);
  CHECK(share.shape() == Shape{});
  CHECK(share.dtype() == dtype);
  CHECK(share.item() == 0.75);
  CHECK(identical(ops::accuracy(Variable(y, true), t), share));
  CHECK(ops::accuracy(y, labels({1, 1, 2, 1}, {4}).astype(label_dtype)).item() == 0.5);
}

TEST_CASE("accuracy leaves ignored labels out", "[accuracy]") {
  const Array y = Array::from({0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0}, {4, 2});  // 1, 0, 0, 0
  CHECK(ops::accuracy(y, labels({1, -1, 0, 1}, {4}), {.ignore_label = -1}).item() ==
        Approx(2 / 3.0).epsilon(1e-15));
  CHECK(ops::accuracy(y, labels({1, 0, 0, 1}, {4}), {.ignore_label = 0}).item() == 0.5);
  CHECK(ops::accuracy(y, labels({-1, -1, -1, -1}, {4}), {.ignore_label = -1}).item() == 0);
}

TEST_CASE("accuracy with more dimensions takes the classes from axis 1", "[accuracy]") {
  // (1, 2, 2, 2): pixels (0, 0) and (1, 1) are of class 1.
  const Array y = Array::from({0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0}, {1, 2, 2, 2});
  CHECK(ops::accuracy(y, labels({1, 0, 0, 1}, {1, 2, 2})).item() == 1);
  CHECK(ops::accuracy(y, labels({1, 0, 1, 0}, {1, 2, 2})).item() == 0.5);
  CHECK(ops::accuracy(y, labels({1, -1, 1, -1}, {1, 2, 2}), {.ignore_label = -1}).item() == 0.5);
}

TEST_CASE("a label may be among the best few", "[accuracy]") {
  const Array y = Array::from({0.0, 3.0, 1.0, 9.0, 2.0, 1.0, -3.0, -2.0, -1.0, 5.0, 5.0, 1.0}, {4, 3});
  const Array t = labels({2, 2, 0, 1}, {4});
  CHECK(ops::accuracy(y, t).item() == 0);
  CHECK(ops::accuracy(y, t, {.top = 2}).item() == 0.5);
  CHECK(ops::accuracy(y, t, {.top = 3}).item() == 1);
  // (1, 3, 2): the best two are 0 and 2 at the first place, 1 and 2 at the second.
  const Array maps = Array::from({9.0, 0.0, 1.0, 7.0, 2.0, 6.0}, {1, 3, 2});
  CHECK(ops::accuracy(maps, labels({2, 0}, {1, 2}), {.top = 2}).item() == 0.5);
  CHECK_THROWS_MATCHES(ops::accuracy(y, t, {.top = 4}), ValueError,
                       Message("accuracy: top must lie in [1, 3], the number of classes (it is 4)\n"
                               "  y: float64 [4, 3]  (n, classes, d...)\n  t: int64 [4]       (n, d...)\n"
                               "  hint: 1 asks for the label itself, 5 for it among the five best"));
  CHECK_THROWS_AS(ops::accuracy(y, t, {.top = 0}), ValueError);
}

TEST_CASE("confusion_matrix counts which class is taken for which", "[accuracy]") {
  const Array y = Array::from({0.0, 3.0, 1.0, 9.0, 2.0, 1.0, -3.0, -2.0, -1.0, 5.0, 5.0, 1.0}, {4, 3});
  const Array t = labels({1, 1, 2, 0}, {4});
  const Array m = ops::confusion_matrix(y, t);
  CHECK(identical(m, Array::from<std::int64_t>({1, 0, 0, 1, 1, 0, 0, 0, 1}, {3, 3})));
  CHECK(identical(ops::confusion_matrix(Variable(y), t), m));
  CHECK(identical(ops::confusion_matrix(y, labels({1, -1, 2, -1}, {4}), {.ignore_label = -1}),
                  Array::from<std::int64_t>({0, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3})));
  CHECK_THROWS_MATCHES(ops::confusion_matrix(y, labels({1, 3, 2, 0}, {4})), ValueError,
                       Message("confusion_matrix: labels must lie in [0, 3) (t[1] is 3)\n"
                               "  y: float64 [4, 3]  (n, classes, d...)\n  t: int64 [4]       (n, d...)\n"
                               "  hint: labels that are to count nothing: {.ignore_label = -1}"));
}

TEST_CASE("accuracy of nothing, NaN and infinity", "[accuracy]") {
  CHECK(ops::accuracy(Array::zeros({0, 3}, DType::float32), labels({}, {0})).item() == 0);
  const double infinity = std::numeric_limits<double>::infinity();
  const Array y = Array::from<double>({infinity, NAN, -infinity, -infinity}, {2, 2});  // 1, 0
  CHECK(ops::accuracy(y, labels({1, 0}, {2})).item() == 1);
}

TEST_CASE("accuracy is the same for any number of threads", "[accuracy][threads]") {
  const test::RestoreSettings restore;
  const Array y = normal({1, 0}, {50000, 10}, 0, 1, DType::float32);
  std::vector<std::int64_t> t;
  for (std::int64_t i = 0; i < 50000; ++i) t.push_back(i % 10);
  const Array label = Array::from(t, {50000});
  set_num_threads(1);
  const Array one = ops::accuracy(y, label);
  CHECK(std::abs(one.item() - 0.1) < 5 * std::sqrt(0.09 / 50000));
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CHECK(identical(ops::accuracy(y, label), one));
  }
}

TEST_CASE("accuracy refuses what does not fit", "[accuracy][errors]") {
  const Array y = Array::zeros({2, 3}, DType::float32);
  const auto call = [](const Array& scores, const Array& t, const ops::AccuracyOptions& options = {}) {
    static_cast<void>(ops::accuracy(scores, t, options));
  };
  CHECK_THROWS_MATCHES(call(y, labels({0, -1}, {2})), ValueError,
                       Message("accuracy: labels must lie in [0, 3) (t[1] is -1)\n"
                               "  y: float32 [2, 3]  (n, classes, d...)\n"
                               "  t: int64 [2]       (n, d...)\n"
                               "  hint: labels that are to count nothing: {.ignore_label = -1}"));
  CHECK_THROWS_MATCHES(call(y, labels({3, -1}, {2}), {.ignore_label = -1}), ValueError,
                       Message("accuracy: labels must lie in [0, 3) or be the ignored -1 (t[0] is 3)\n"
                               "  y: float32 [2, 3]  (n, classes, d...)\n"
                               "  t: int64 [2]       (n, d...)\n"
                               "  hint: labels that are to count nothing: {.ignore_label = -1}"));
  CHECK_THROWS_MATCHES(
      call(y, labels({0, 1, 2}, {3})), ShapeError,
      Message("accuracy: t must have the shape [2], that of y without axis 1 (it has [3])\n"
              "  y: float32 [2, 3]  (n, classes, d...)\n"
              "  t: int64 [3]       (n, d...)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(call(Array::zeros({3}, DType::float32), labels({0}, {1})), ShapeError,
                       Message("accuracy: y must have at least 2 axes (it has 1)\n"
                               "  y: float32 [3]  (n, classes, d...)\n"
                               "  t: int64 [1]    (n, d...)\n"
                               "  hint: axis 1 holds the scores; a single sample is y.reshape({1, -1})"));
  CHECK_THROWS_AS(call(Array::zeros({2, 0}, DType::float32), labels({0, 0}, {2})), ShapeError);
  CHECK_THROWS_AS(call(y, Array::zeros({2}, DType::float32)), DTypeError);
  CHECK_THROWS_AS(call(Array::zeros({2, 3}, DType::int64), labels({0, 1}, {2})), DTypeError);
  CHECK_THROWS_AS(call({}, labels({0, 1}, {2})), GraphError);
  CHECK_THROWS_AS(static_cast<void>(ops::accuracy(Variable{}, labels({0, 1}, {2}))), GraphError);
}
