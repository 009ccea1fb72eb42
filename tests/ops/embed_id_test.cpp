// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/embed_id.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("embed_id looks rows up and leaves out the ignored label", "[embed_id]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto id_dtype = GENERATE(DType::int32, DType::int64);
  const Variable W{Array::arange(6, dtype).reshape({3, 2}), true};
  const Array ids = Array::from<std::int64_t>({2, 0, 2, 1}, {2, 2}).astype(id_dtype);
  const Variable y = ops::embed_id(ids, W);
  CHECK(identical(y.data(), Array::from({4.0, 5.0, 0.0, 1.0, 4.0, 5.0, 2.0, 3.0}, {2, 2, 2}).astype(dtype)));
  const Variable ones{Array::ones({2, 2, 2}, dtype)};
  CHECK(identical(grad({y}, {W}, {ones})[0].data(),
                  Array::from({1.0, 1.0, 1.0, 1.0, 2.0, 2.0}, {3, 2}).astype(dtype)));

  const auto ignored = GENERATE(-1, 2, 7);
  Array some = ids.copy().astype(DType::int64);
  some.mutable_data<std::int64_t>()[0] = ignored;
  some.mutable_data<std::int64_t>()[2] = ignored;
  const Variable z = ops::embed_id(some.astype(id_dtype), W, {.ignore_label = ignored});
  CHECK(identical(z.data(), Array::from({0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 3.0}, {2, 2, 2}).astype(dtype)));
  CHECK(identical(grad({z}, {W}, {ones})[0].data(),
                  Array::from({1.0, 1.0, 1.0, 1.0, 0.0, 0.0}, {3, 2}).astype(dtype)));
}

TEST_CASE("embed_id refuses ids without a row", "[embed_id][errors]") {
  const Variable W{Array::zeros({3, 2}, DType::float32)};
  const auto ids = [](std::initializer_list<std::int64_t> values) {
    return Array::from(values, {static_cast<std::int64_t>(values.size())});
  };
  CHECK_THROWS_MATCHES(ops::embed_id(ids({0, 3}), W, {.ignore_label = -1}), ValueError,
                       Message("embed_id: labels must lie in [0, 3) or be the ignored -1 (x[1] is 3)\n"
                               "  x: int64 [2]       (i...)\n  W: float32 [3, 2]  (ids, size)\n"
                               "  hint: W has a row for each id; ids without: {.ignore_label = -1}"));
  CHECK_THROWS_AS(ops::embed_id(ids({-1}), W), ValueError);
  CHECK_THROWS_AS(ops::embed_id(Array::scalar(0, DType::int64), W), ShapeError);
  CHECK_THROWS_AS(ops::embed_id(ids({0}), Variable{Array::zeros({3}, DType::float32)}), ShapeError);
  CHECK_THROWS_AS(
      ops::embed_id(ids({-1}), Variable{Array::zeros({0, 2}, DType::float32)}, {.ignore_label = -1}),
      ShapeError);
  CHECK_THROWS_AS(ops::embed_id(Array::zeros({2}, DType::float32), W), DTypeError);
  CHECK_THROWS_AS(ops::embed_id(Array{}, W), GraphError);
}
