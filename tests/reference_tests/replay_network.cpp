// SPDX-License-Identifier: BSD-3-Clause
#include <map>

#include <fmt/format.h>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "compare.hpp"
#include "params.hpp"
#include "replay.hpp"

namespace fathom::reference {
namespace {

using nlohmann::json;

Pair2 pair_of(const json& value) {
  return {value.at(0).get<std::int64_t>(), value.at(1).get<std::int64_t>()};
}

/// conv3x3-bn-relu, twice (depthwise3x3-bn-relu, pointwise-bn-relu), mean over the pixels, linear.
struct MobileNet : nn::Module {
  nn::Conv2D conv1;
  nn::BatchNorm2D bn1;
  nn::DepthwiseConv2D dw2;
  nn::BatchNorm2D bn2;
  nn::Conv2D pw2;
  nn::BatchNorm2D bn3;
  nn::DepthwiseConv2D dw3;
  nn::BatchNorm2D bn4;
  nn::Conv2D pw3;
  nn::BatchNorm2D bn5;
  nn::Linear fc;
  FATHOM_MODULE(conv1, bn1, dw2, bn2, pw2, bn3, dw3, bn4, pw3, bn5, fc)

  struct Sizes {
    explicit Sizes(const json& config)
        : in(config.at("cin")),
          c0(config.at("c0")),
          c1(config.at("c1")),
          c2(config.at("c2")),
          classes(config.at("cls")),
          multiplier2(config.at("mult").at(0)),
          multiplier3(config.at("mult").at(1)),
          stride1(pair_of(config.at("strides").at(0))),
          stride2(pair_of(config.at("strides").at(1))),
          stride3(pair_of(config.at("strides").at(2))) {}
    std::int64_t in, c0, c1, c2, classes, multiplier2, multiplier3;
    Pair2 stride1, stride2, stride3;
  };

  MobileNet(const Sizes& s, const nn::BatchNorm2DOptions& bn, Random random)
      : conv1{s.in, s.c0, {.kernel = 3, .stride = s.stride1, .pad = 1, .bias = false}, random},
        bn1{s.c0, bn},
        dw2{s.c0,
            {.multiplier = s.multiplier2, .kernel = 3, .stride = s.stride2, .pad = 1, .bias = false},
            random},
        bn2{s.c0 * s.multiplier2, bn},
        pw2{s.c0 * s.multiplier2, s.c1, {.kernel = 1, .bias = false}, random},
        bn3{s.c1, bn},
        dw3{s.c1, {.multiplier = s.multiplier3, .kernel = 3, .stride = s.stride3, .pad = 1}, random},
        bn4{s.c1 * s.multiplier3, bn},
        pw3{s.c1 * s.multiplier3, s.c2, {.kernel = 1, .bias = false}, random},
        bn5{s.c2, bn},
        fc{s.c2, s.classes, {}, random} {}

  Variable forward(const Variable& x) override {
    Variable h = ops::relu(bn1(conv1(x)));
    h = ops::relu(bn3(pw2(ops::relu(bn2(dw2(h))))));
    h = ops::relu(bn5(pw3(ops::relu(bn4(dw3(h))))));
    return fc(ops::global_average_pooling_2d(h));
  }
};

/// Weights that Chainer's save_npz wrote.
void load_from_chainer(nn::Module& net, const std::string& path) {
  nn::load(net, path, {.rename = nn::from_chainer});
}

class NetworkReplay {
 public:
  NetworkReplay(const json& entry, Files& files)
      : entry_(entry),
        files_(files),
        comparison_(entry.at("rtol"), entry.at("atol")),
        x_(load(entry.at("x"))),
        t_(files.load(entry.at("t").at("file"))),
        x_test_(load(entry.at("x_test"))) {}

  const std::vector<std::string>& run() {
    training();
    weight_files();
    optimizer_file();
    return comparison_.failures();
  }

 private:
  using Named = std::map<std::string, Array>;

  Array load(const json& item) { return files_.load(item.at("file")); }

  MobileNet make_net() {
    const json& bn = entry_.at("bn");
    MobileNet net(MobileNet::Sizes(entry_.at("config")), {.eps = bn.at("eps"), .decay = bn.at("decay")},
                  Random{1});
    net.to(dtype_of_name(entry_.at("dtype")));
    return net;
  }

  /// The same names on both sides, and equal arrays: `recorded` is a table of the manifest, in Chainer's
  /// names.
  void compare(const std::string& what, const Named& found, const json& recorded) {
    if (found.size() != recorded.size()) {
      comparison_.fail(fmt::format("{}: {} arrays, recorded {}", what, found.size(), recorded.size()));
    }
    for (const auto& [chainer_name, item] : recorded.items()) {
      const auto array = found.find(nn::from_chainer(chainer_name));
      if (array == found.end()) {
        comparison_.fail(fmt::format("{}: the net has no {}", what, chainer_name));
      } else {
        comparison_.array(what + " " + chainer_name, array->second, load(item));
      }
    }
  }

  static Named parameters(const MobileNet& net) {
    Named arrays;
    for (const auto& [name, value] : net.named_parameters()) arrays.emplace(name, value.data());
    return arrays;
  }

  static Named gradients(const MobileNet& net) {
    Named arrays;
    for (const auto& [name, value] : net.named_parameters()) arrays.emplace(name, value.grad().data());
    return arrays;
  }

  static Named statistics(const MobileNet& net) {
    Named arrays;
    for (const auto& [name, value] : net.named_buffers()) arrays.emplace(name, value);
    return arrays;
  }

  static Named velocities(const MobileNet& net, const nn::SGD& optimizer) {
    Named arrays;
    std::size_t i = 0;
    for (const auto& [name, value] : net.named_parameters()) arrays.emplace(name, optimizer.state(i++, "v"));
    return arrays;
  }

  void compare_test_output(const std::string& name, MobileNet& net) {
    const NoGradScope no_grad;
    net.eval();
    comparison_.array(name, net(Variable{x_test_}).data(), load(entry_.at(name)));
    net.train();
  }

  nn::SGDOptions sgd_options() const {
    const json& recorded = entry_.at("optimizer");
    const json& hook = recorded.at("hooks").at(0);
    if (recorded.at("name") != "MomentumSGD" || recorded.at("hooks").size() != 1 ||
        hook.at("name") != "WeightDecay") {
      throw std::runtime_error("the network's optimizer is not MomentumSGD with WeightDecay");
    }
    return {.rate = recorded.at("lr"),
            .momentum = recorded.at("momentum"),
            .weight_decay = hook.at("args").at(0)};
  }

  void training() {
    MobileNet net = make_net();
    for (auto& [name, parameter] : net.named_parameters()) {
      const std::string chainer_name = chainer_name_of(name);
      parameter.mutable_data().assign(load(entry_.at("params").at(chainer_name)));
    }
    compare("initial parameter", parameters(net), entry_.at("params"));
    compare_test_output("y_test_before", net);

    nn::SGD optimizer(net.parameters(), sgd_options());
    const json& losses = entry_.at("losses");
    for (std::size_t step = 0; step < entry_.at("steps").get<std::size_t>(); ++step) {
      const Variable y = net(Variable{x_});
      const Variable loss = ops::softmax_cross_entropy(y, t_);
      backward(loss);
      comparison_.number(fmt::format("loss of step {}", step + 1), loss.item(), losses.at(step));
      if (step == 0) {
        comparison_.array("y_train", y.data(), load(entry_.at("y_train")));
        comparison_.array("loss", loss.data(), load(entry_.at("loss")));
        compare("gradient", gradients(net), entry_.at("grads"));
        compare("statistics after one forward", statistics(net), entry_.at("stats_after_one_forward"));
      }
      optimizer.step();
      optimizer.zero_grad();
    }
    compare("trained", parameters(net), entry_.at("params_after"));
    compare("trained statistics", statistics(net), entry_.at("stats_after"));
    compare("momentum", velocities(net, optimizer), entry_.at("momentum_after"));
    compare_test_output("y_test_after", net);
  }

  /// The files that Chainer's save_npz wrote, deflated and stored.
  void weight_files() {
    const json& npz = entry_.at("npz");
    MobileNet net = make_net();
    load_from_chainer(net, files_.path(npz.at("init")));
    compare("init.npz", parameters(net), entry_.at("params"));
    compare_test_output("y_test_before", net);
    for (const char* name : {"after", "after_stored"}) {
      net = make_net();
      load_from_chainer(net, files_.path(npz.at(name)));
      compare(fmt::format("{}.npz", name), parameters(net), entry_.at("params_after"));
      compare(fmt::format("{}.npz", name), statistics(net), entry_.at("stats_after"));
      compare_test_output("y_test_after", net);
    }
  }

  /// nn has no file for an optimizer's state: its arrays are read one by one.
  void optimizer_file() {
    const NpzReader file(files_.path(entry_.at("npz").at("optimizer")));
    Named velocities;
    for (const auto& [name, item] : entry_.at("momentum_after").items()) {
      velocities.emplace(nn::from_chainer(name), file.load(name + "/v"));
    }
    compare("optimizer.npz", velocities, entry_.at("momentum_after"));
  }

  static std::string chainer_name_of(std::string name) {
    for (char& c : name) c = c == '.' ? '/' : c;
    return name;
  }

  const json& entry_;
  Files& files_;
  Comparison comparison_;
  Array x_, t_, x_test_;
};

}  // namespace

void replay_network(const json& entry, Files& files, Report& report) {
  const std::string id = entry.at("id");
  try {
    report.add(id, id, NetworkReplay(entry, files).run());
  } catch (const std::exception& error) {
    report.add(id, id, {error.what()});
  }
}

}  // namespace fathom::reference
