// SPDX-License-Identifier: BSD-3-Clause
// Looking into a network: what its layers cost, where its time and memory go, its graph, and where a NaN
// began. Times and bytes differ from machine to machine and go to the standard error; the rest is the same
// everywhere.
#include <algorithm>
#include <fstream>
#include <iostream>

#include <fathom/fathom.hpp>

using namespace fathom;

namespace {

/// Depthwise and pointwise convolution. The number of channels is that of what comes in.
struct Block : nn::Module {
  nn::DepthwiseConv2D depthwise;
  nn::Conv2D pointwise;
  nn::BatchNorm2D bn;
  FATHOM_MODULE(depthwise, pointwise, bn)
  Block(std::int64_t out, std::int64_t stride, Random& random)
      : depthwise{{.kernel = 3, .stride = stride, .pad = 1, .bias = false}, random},
        pointwise{out, {.kernel = 1, .bias = false}, random} {}
  Variable forward(const Variable& x) override { return ops::relu(bn(pointwise(depthwise(x)))); }
};

struct Net : nn::Module {
  nn::Conv2D conv;
  nn::Sequential blocks;
  nn::Dropout dropout;
  nn::Linear classify;
  FATHOM_MODULE(conv, blocks, dropout, classify)
  explicit Net(Random& random)
      : conv{8, {.kernel = 3, .pad = 1}, random},
        blocks{Block{16, 2, random}, Block{32, 2, random}},
        dropout{0.2, random},
        classify{10, {}, random} {}
  Variable forward(const Variable& x) override {
    return classify(dropout(ops::global_average_pooling_2d(blocks(ops::relu(conv(x))))));
  }
};

/// The distance of each sample from a centre. Where the two meet it has no gradient.
struct Distance : nn::Module {
  Parameter centre;
  FATHOM_MODULE(centre)
  explicit Distance(std::int64_t size) : centre{Array::zeros({size}, DType::float32)} {}
  Variable forward(const Variable& x) override {
    return ops::sqrt(ops::sum(ops::square(x - centre), {.axis = Axes{1}}));
  }
};

void title(const char* text) { std::cout << "\n== " << text << '\n'; }

}  // namespace

int main(int argc, char** argv) {
  Random random{1};
  Net net{random};

  title("parameters wait for the size of the first image");
  try {
    std::cout << nn::summary(net, {1, 28, 28});
  } catch (const GraphError& error) {
    std::cout << error.what() << '\n';
  }
  net.reset_parameters({1, 28, 28});

  title("what each layer costs");
  std::cout << nn::summary(net, {1, 28, 28});

  title("every call, of one small module");
  const Variable images{normal(random.key(), {4, 1, 28, 28}, 0, 1, DType::float32)};
  const Array labels = Array::arange(4, DType::int64);
  {
    PrintHook print{std::cout};
    const HookScope scope{print};
    backward(ops::sum(net.classify(Variable{Array::ones({1, 32}, DType::float32)})));
  }

  // One training step, watched.
  TimeHook times;
  MemoryHook memory;
  Variable loss;
  {
    const HookScope time_scope{times};
    const HookScope memory_scope{memory};
    loss = ops::softmax_cross_entropy(net(images), labels);
    backward(loss);
  }
  std::cerr << "\n== time by function and module\n" << times.table();
  std::cerr << "\n== time by function\n" << times.table(CallGroup::function);
  std::cerr << "\n== memory by function and module\n" << memory.table();

  title("the graph behind the loss");
  const std::string dot = graph_dot(loss, {.names = net.named_parameters()});
  std::cout << std::count(dot.begin(), dot.end(), '\n') << " lines for dot -Tsvg\n";
  if (argc > 1) std::ofstream(argv[1]) << dot;

  title("where an infinity began");
  nn::Sequential model{nn::Flatten{}, Distance{2}};
  const Variable points{Array::from({0.F, 0.F, 3.F, 4.F}, {2, 2})};
  try {
    const DebugScope debug;
    backward(ops::sum(model(points)));
  } catch (const NumericError& error) {
    std::cout << error.what() << '\n';
  }
}
