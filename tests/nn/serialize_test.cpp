// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/io/serialize.hpp>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include <fathom/core/error.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/nn/init.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/linear.hpp>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

struct Net : nn::Module {
  nn::DepthwiseConv2D conv;
  nn::BatchNorm2D bn;
  Parameter scale;
  FATHOM_MODULE(conv, bn, scale)
  explicit Net(std::uint64_t seed, DType dtype = DType::float32) : Net(Random{seed}) { to(dtype); }

 private:
  explicit Net(Random random)
      : conv{4, {.kernel = 3}, random}, bn{4}, scale{normal(random.key(), {2, 3}, 0, 1, DType::float32)} {
    bn.avg_mean.mutable_data().assign(normal(random.key(), {4}, 0, 1, DType::float32));
  }
};

const std::vector<std::string> kNames{"conv.W", "conv.b",      "bn.gamma",  "bn.beta",
                                      "scale",  "bn.avg_mean", "bn.avg_var"};

Arrays state(const nn::Module& module) {
  Arrays arrays;
  for (const auto& [name, value] : module.named_parameters()) arrays.push_back(value.data().copy());
  for (const auto& [name, value] : module.named_buffers()) arrays.push_back(value.copy());
  return arrays;
}

bool equal(const Arrays& a, const Arrays& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Array& x, const Array& y) { return identical(x, y); });
}

std::string bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("save and load give the same bits back, in place", "[serialize]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "net.npz";
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Net saved{1, dtype};
  nn::save(saved, path);
  CHECK(NpzReader(path).names() == kNames);

  Net loaded{2, dtype};
  REQUIRE_FALSE(equal(state(loaded), state(saved)));
  const Variables handles = loaded.parameters();
  const Array statistics = loaded.bn.avg_mean.data();
  nn::load(loaded, path);
  CHECK(equal(state(loaded), state(saved)));
  CHECK(handles[0].is(loaded.conv.W));
  CHECK(statistics.shares_buffer_with(loaded.bn.avg_mean.data()));
}

TEST_CASE("equal weights give equal files", "[serialize]") {
  const TemporaryDirectory directory;
  nn::save(Net{1}, directory / "one.npz");
  Net other{2};
  nn::load(other, directory / "one.npz");
  nn::save(other, directory / "two.npz");
  REQUIRE(bytes(directory / "one.npz").size() > 100);
  CHECK(bytes(directory / "one.npz") == bytes(directory / "two.npz"));
}

TEST_CASE("a file that does not fit is refused with all names, and nothing changes", "[serialize][error]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "other.npz";
  const Net saved{1};
  NamedArrays entries;
  for (const auto& [name, value] : saved.named_parameters()) entries.emplace_back(name, value.data());
  entries[0].second = Array::zeros({1, 4, 5, 5}, DType::float32);
  entries[2].second = entries[2].second.astype(DType::float64);
  entries[3].second = Array::zeros({5}, DType::float64);
  entries.erase(entries.begin() + 1);
  entries.emplace_back("head.W", Array::zeros({10, 4}, DType::float32));
  entries.emplace_back("head.b", Array::zeros({10}, DType::float32));
  save_npz(path, entries);

  Net net{2};
  const Arrays before = state(net);
  CHECK_THROWS_WITH(
      nn::load(net, path),
      "load: file '" + path +
          "' does not fit the module; nothing was loaded\n"
          "  missing: conv.b float32 [4]\n"
          "  missing: bn.avg_mean float32 [4]\n"
          "  missing: bn.avg_var float32 [4]\n"
          "  unexpected: head.W float32 [10, 4]\n"
          "  unexpected: head.b float32 [10]\n"
          "  shape: conv.W is float32 [1, 4, 5, 5] in the file, float32 [1, 4, 3, 3] in the module\n"
          "  shape: bn.beta is float64 [5] in the file, float32 [4] in the module\n"
          "  dtype: bn.gamma is float64 [4] in the file, float32 [4] in the module\n"
          "  hint: the module must be built as the one that was saved; LoadOptions::rename maps names, "
          "LoadOptions::may_lack lets names be missing, Module::to changes dtypes");
  CHECK(equal(state(net), before));
  CHECK_THROWS_AS(nn::load(net, path), IoError);
}

TEST_CASE("a missing or corrupt file changes nothing", "[serialize][error]") {
  const TemporaryDirectory directory;
  Net net{2};
  const Arrays before = state(net);
  CHECK_THROWS_AS(nn::load(net, directory / "nowhere.npz"), IoError);

  const std::string path = directory / "net.npz";
  nn::save(Net{1}, path);
  std::string content = bytes(path);
  content[content.size() / 3] = static_cast<char>(content[content.size() / 3] ^ 0x40);
  std::ofstream(path, std::ios::binary) << content;
  CHECK_THROWS_AS(nn::load(net, path), IoError);
  CHECK(equal(state(net), before));
}

TEST_CASE("saving where nothing can be written is an IoError", "[serialize][error]") {
  const TemporaryDirectory directory;
  CHECK_THROWS_AS(nn::save(Net{1}, directory / "no/such/folder/net.npz"), IoError);
}

TEST_CASE("a parameter without data cannot be saved", "[serialize][error]") {
  const TemporaryDirectory directory;
  Net net{1};
  net.scale = Parameter::deferred();
  CHECK_THROWS_WITH(nn::save(net, directory / "net.npz"),
                    "save: scale has no data yet\n"
                    "  hint: run a forward, or reset_parameters(sample_shape), first");
}

TEST_CASE("rename maps the file's names", "[serialize]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "net.npz";
  NamedArrays entries;
  const Net saved{1};
  for (const auto& [name, value] : saved.named_parameters())
    entries.emplace_back("model." + name, value.data());
  for (const auto& [name, value] : saved.named_buffers()) entries.emplace_back("model." + name, value);
  entries.emplace_back("step", Array::scalar(3, DType::int64));
  save_npz(path, entries);

  Net net{2};
  const auto strip = [](std::string_view name) {
    return name.starts_with("model.") ? std::string(name.substr(6)) : std::string();
  };
  nn::load(net, path, {.rename = strip});
  CHECK(equal(state(net), state(saved)));

  const auto same = [](std::string_view) { return std::string("scale"); };
  CHECK_THROWS_WITH(nn::load(net, path, {.rename = same}),
                    "load: two arrays of file '" + path +
                        "' are renamed to scale\n"
                        "  hint: rename returns another name, or an empty one to leave an array out");
}

namespace {

/// The network whose weights Chainer saved, tests/reference/README.md.
struct Recorded : nn::Module {
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
  explicit Recorded(Random random)
      : conv1{3, 4, {.kernel = 3, .bias = false}, random},
        bn1{4},
        dw2{4, {.kernel = 3, .bias = false}, random},
        bn2{4},
        pw2{4, 6, {.kernel = 1, .bias = false}, random},
        bn3{6},
        dw3{6, {.kernel = 3}, random},
        bn4{6},
        pw3{6, 8, {.kernel = 1, .bias = false}, random},
        bn5{8},
        fc{8, 5, {}, random} {
    to(DType::float64);
  }
};

}  // namespace

TEST_CASE("weights that Chainer saved load by name", "[serialize]") {
  const std::string path = std::string(FATHOM_SOURCE_DIR "/tests/reference/net_00/") +
                           GENERATE("init.npz", "after.npz", "after_stored.npz");
  Recorded net{Random{1}};
  nn::load(net, path, {.rename = nn::from_chainer});
  const NpzReader file(path);
  CHECK(identical(net.dw3.W.data(), file.load("dw3/W")));
  CHECK(identical(net.bn5.avg_var.data(), file.load("bn5/avg_var")));
  CHECK(identical(net.fc.b.data(), file.load("fc/b")));
}

TEST_CASE("what may lack stays as it is", "[serialize]") {
  struct Dropped : nn::Module {
    nn::Linear fc;
    nn::Dropout dropout;
    FATHOM_MODULE(fc, dropout)
    explicit Dropped(Random random) : fc{3, 2, {}, random}, dropout{0.5, random} {}
  };
  const TemporaryDirectory directory;
  const std::string path = directory / "weights.npz";
  save_npz(path, {{"fc.W", Array::ones({2, 3}, DType::float32)}, {"fc.b", Array::ones({2}, DType::float32)}});
  Dropped net{Random{1}};
  const Array key = net.dropout.key.data().copy();
  CHECK_THROWS_WITH(nn::load(net, path), Contains("missing: dropout.key") && Contains("dropout.counter"));
  CHECK(net.fc.W.data().data<float>()[0] != 1);
  nn::load(net, path, {.may_lack = [](std::string_view name) { return name.starts_with("dropout."); }});
  CHECK(net.fc.W.data().data<float>()[0] == 1);
  CHECK(identical(net.dropout.key.data(), key));
}

TEST_CASE("integers do not fill a parameter whose dtype is open", "[serialize][error]") {
  struct Open : nn::Module {
    Parameter a{Array::zeros({1}, DType::float32)};
    Parameter b = Parameter::deferred();
    FATHOM_MODULE(a, b)
  };
  const TemporaryDirectory directory;
  const std::string path = directory / "weights.npz";
  save_npz(path, {{"a", Array::ones({1}, DType::float32)}, {"b", Array::zeros({2}, DType::int64)}});
  Open module;
  CHECK_THROWS_WITH(nn::load(module, path), Contains("dtype: b is int64 [2] in the file"));
  CHECK(module.a.data().item() == 0);
}
