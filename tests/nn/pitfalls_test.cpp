// SPDX-License-Identifier: BSD-3-Clause
// The snippets of docs/pitfalls.md and docs/from_pytorch.md, and what the pages say about them.
#include <fathom/fathom.hpp>
using namespace fathom;

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

namespace {

Array numbers(std::initializer_list<float> values) {
  return Array::from(values, {static_cast<std::int64_t>(values.size())});
}

struct SmallNet : nn::Module {
  nn::Conv2D conv;
  nn::BatchNorm2D bn;
  nn::Linear classify;
  FATHOM_MODULE(conv, bn, classify)
  explicit SmallNet(Random& random)
      : conv{1, 4, {.kernel = 3, .pad = 1}, random}, bn{4}, classify{4, 3, {}, random} {}
  Variable forward(const Variable& x) override {
    return classify(ops::global_average_pooling_2d(ops::relu(bn(conv(x)))));
  }
};

}  // namespace

TEST_CASE("copies of an array share their elements", "[pitfalls]") {
  const Array weights = numbers({1, 2, 3});
  Array best = weights;             // the same elements
  Array snapshot = weights.copy();  // elements of its own
  best.mutable_data<float>()[0] = 10;
  CHECK(weights.data<float>()[0] == 10);
  CHECK(snapshot.data<float>()[0] == 1);
}

TEST_CASE("gradients add up until they are cleared", "[pitfalls]") {
  Variable x(numbers({1, 2}), true);
  backward(ops::sum(x * x));
  backward(ops::sum(x * x));
  CHECK(allclose(x.grad().data(), numbers({4, 8})));  // twice [2, 4]
  x.zero_grad();
  backward(ops::sum(x * x));
  CHECK(allclose(x.grad().data(), numbers({2, 4})));
}

TEST_CASE("evaluation and no graph are two switches", "[pitfalls]") {
  Random random{1};
  SmallNet net{random};
  const Array images = normal(random.key(), {4, 1, 6, 6}, 0, 1, DType::float32);
  const Array before = net.bn.avg_mean.data().copy();
  {
    const NoGradScope no_graph;
    const Variable y = net(Variable(images));
    CHECK_FALSE(y.requires_grad());
    CHECK_FALSE(identical(net.bn.avg_mean.data(), before));  // still training
  }
  net.eval();
  const Array still = net.bn.avg_mean.data().copy();
  CHECK(net(Variable(images)).requires_grad());  // still recorded
  CHECK(identical(net.bn.avg_mean.data(), still));
  // Predicting takes both.
  net.eval();
  const NoGradScope no_graph;
  const Variable scores = net(Variable(images));
  CHECK_FALSE(scores.requires_grad());
  CHECK(identical(net.bn.avg_mean.data(), still));
}

TEST_CASE("what a graph has saved must not change before backward", "[pitfalls]") {
  Variable w(numbers({1, 2}), true);
  Variable loss = ops::sum(w * w);
  Array elements = w.mutable_data();
  elements.mutable_data<float>()[0] = 5;
  CHECK_THROWS_WITH(backward(loss), Catch::Contains("was changed in place after forward"));
}

TEST_CASE("a graph runs backward once", "[pitfalls]") {
  const Variable x(numbers({1, 2}), true);
  const Variable y = ops::sum(x * x);
  backward(y, {.retain_graph = true});
  backward(y);
  CHECK_THROWS_AS(backward(y), GraphError);
}

TEST_CASE("literals decide the type of an array", "[pitfalls]") {
  const Variable x(Array::from({1.0F, 2.0F}, {2}));  // float32
  const Variable y(Array::from({1.0, 2.0}, {2}));    // float64
  CHECK_THROWS_AS(x + y, DTypeError);
  const Variable z = x + Variable(y.data().astype(DType::float32));
  CHECK((x * 0.5).dtype() == DType::float32);  // a number takes the array's type
  CHECK(z.dtype() == DType::float32);
}

TEST_CASE("a pair for an optional stride says its type", "[pitfalls]") {
  const Variable x(Array::zeros({1, 1, 4, 6}, DType::float32));
  const Variable y = ops::max_pooling_2d(x, {.kernel = 2, .stride = Pair2{1, 2}, .cover_all = false});
  CHECK(y.shape() == Shape{1, 1, 3, 3});
}

TEST_CASE("keep the number of a loss, not the loss", "[pitfalls]") {
  const Variable w(numbers({1, 2}), true);
  double total = 0;
  for (int step = 0; step < 3; ++step) {
    const Variable loss = ops::sum(w * w);
    backward(loss);
    total += loss.item();  // a Variable in place of total would keep every step's graph
  }
  CHECK(total == 15);
}

TEST_CASE("a copied module has parameters of its own", "[pitfalls]") {
  Random random{2};
  SmallNet net{random};
  nn::SGD optimizer{net.parameters(), {.rate = 0.1}};
  const SmallNet copy = net;        // optimizer knows nothing of it
  SmallNet moved = std::move(net);  // optimizer changes its parameters
  const Array start = copy.conv.W.data().copy();
  const Variable x(normal(random.key(), {4, 1, 6, 6}, 0, 1, DType::float32));
  backward(ops::softmax_cross_entropy(moved(x), Array::zeros({4}, DType::int64)));
  optimizer.step();
  CHECK(identical(copy.conv.W.data(), start));
  CHECK_FALSE(identical(moved.conv.W.data(), start));
}

TEST_CASE("losses take scores", "[pitfalls]") {
  const Variable scores(Array::from({2.0, 0.0, 0.0, 1.0, 3.0, 0.0}, {2, 3}), true);
  const Array labels = Array::from<std::int64_t>({0, 1}, {2});
  const Variable loss = ops::softmax_cross_entropy(scores, labels);                // right
  const Variable flat = ops::softmax_cross_entropy(ops::softmax(scores), labels);  // softmax twice
  CHECK(loss.item() == Approx(0.2048).margin(1e-3));
  CHECK(flat.item() > 2 * loss.item());
}

TEST_CASE("a training step as PyTorch's users know it", "[pitfalls]") {
  Random random{3};
  SmallNet net{random};
  const Array images = normal(random.key(), {6, 1, 6, 6}, 0, 1, DType::float32);
  const Array labels = Array::from<std::int64_t>({0, 1, 2, 0, 1, -100}, {6});
  nn::SGD optimizer{net.parameters(), {.rate = 0.1, .momentum = 0.9}};
  const auto step = [&] {
    optimizer.zero_grad();
    Variable loss = ops::softmax_cross_entropy(net(Variable(images)), labels, {.ignore_label = -100});
    backward(loss);
    optimizer.step();
    return loss.item();
  };
  const double first = step();
  double last = first;
  for (int i = 0; i < 20; ++i) last = step();
  CHECK(last < 0.8 * first);
}

TEST_CASE("PyTorch's defaults by options", "[pitfalls]") {
  Random random{4};
  nn::BatchNorm2D bn{8, {.eps = 1e-5, .decay = 0.9}};  // PyTorch's momentum 0.1 is the decay 0.9
  const Variable x(normal(random.key(), {2, 8, 7, 7}, 0, 1, DType::float32));
  const Variable pooled = ops::max_pooling_2d(x, {.kernel = 3, .stride = 2, .cover_all = false});
  const Variable gate = ops::hard_sigmoid(x, 1.0 / 6);
  const Variable leaky = ops::leaky_relu(x, 0.01);
  CHECK(bn(x).shape() == x.shape());
  CHECK(pooled.shape() == Shape{2, 8, 3, 3});
  CHECK(ops::hard_sigmoid(Variable(numbers({3}))).item() == Approx(1));
  CHECK(ops::hard_sigmoid(Variable(numbers({1.5F})), 1.0 / 6).item() == Approx(0.75));
  CHECK(gate.shape() == leaky.shape());
}

TEST_CASE("PyTorch's weighted mean divides by the weights", "[pitfalls]") {
  const Variable scores(Array::from({2.0, 0.0, 0.0, 1.0, 3.0, 0.0}, {2, 3}), true);
  const Array labels = Array::from<std::int64_t>({0, 1}, {2});
  const Array weight = Array::from({1.0, 3.0, 2.0}, {3});
  const Variable sum = ops::softmax_cross_entropy(scores, labels, {.reduce = ops::Reduce::sum}, weight);
  const Variable as_in_pytorch = sum / (1.0 + 3.0);  // the weights of the two labels
  const Variable here = ops::softmax_cross_entropy(scores, labels, {}, weight);
  CHECK(here.item() == Approx(sum.item() / 2));
  CHECK(as_in_pytorch.item() == Approx(here.item() / 2));
}
