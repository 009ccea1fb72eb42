// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/embed_id.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/embed_id.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;

TEST_CASE("an embedding passes its options on and learns the rows that were used", "[layers]") {
  Random random{1};
  nn::EmbedID layer{4, 3, {.ignore_label = -1}, random};
  REQUIRE(layer.W.shape() == Shape{4, 3});
  const Array ids = Array::from<std::int32_t>({2, -1, 2}, {3});
  const Variable y = layer(ids);
  CHECK(identical(y.data(), ops::embed_id(ids, layer.W, {.ignore_label = -1}).data()));
  backward(ops::sum(y));
  const Array expected = Array::from<float>({0, 0, 0, 0, 0, 0, 2, 2, 2, 0, 0, 0}, {4, 3});
  CHECK(identical(layer.W.grad().data(), expected));
  REQUIRE(layer.named_parameters().size() == 1);
  CHECK(layer.named_parameters()[0].name == "W");
  CHECK_THROWS_AS(nn::EmbedID(4, 3, {}, random)(ids), ValueError);
}

TEST_CASE("an embedding starts from the normal distribution unless told", "[layers]") {
  Random random{1};
  const nn::EmbedID usual{1000, 50, {}, random};
  CHECK(ops::mean(usual.W * usual.W).item() == Approx(1).margin(0.05));
  const nn::EmbedID ones{2, 2, {.initial_W = nn::init::constant(1)}, random};
  CHECK(identical(ones.W.data(), Array::ones({2, 2}, DType::float32)));
  CHECK_THROWS_AS(nn::EmbedID(0, 3, {}, random), ValueError);
  CHECK_THROWS_WITH(nn::EmbedID(4, 0, {}, random),
                    "EmbedID: out_size must be at least 1 (it is 0)\n"
                    "  hint: it is the length of the vector of an id");
}
