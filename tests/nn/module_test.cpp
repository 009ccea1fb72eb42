// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/module.hpp>

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/arithmetic.hpp>

#include <support/error_text.hpp>

using namespace fathom;
using test::error_of;

namespace {

Array values(double first, double second) { return Array::from({first, second}, {2}); }

/// y = x * factor, and counts its calls.
struct Scale : nn::Module {
  Parameter factor;
  Parameter offset;
  nn::Buffer calls{Array::zeros({1}, DType::int64)};
  FATHOM_MODULE(factor, offset, calls)
  explicit Scale(double value) : factor{values(value, value)} {}
  Variable forward(const Variable& x) override {
    *calls.mutable_data().mutable_data<std::int64_t>() += 1;
    return x * factor;
  }
};

struct Pair : nn::Module {
  Scale left;
  Scale right;
  FATHOM_MODULE(left, right)
  explicit Pair(double value) : left{value}, right{value + 1} {}
  Variable forward(const Variable& x) override { return left(x) + right(x); }
};

struct Tree : nn::Module {
  Pair pair;
  std::vector<Scale> scales;
  std::vector<std::unique_ptr<nn::Module>> owned;
  std::optional<Scale> maybe;
  std::optional<Scale> nothing;
  Parameter last;
  FATHOM_MODULE(pair, scales, owned, maybe, nothing, last)
  Tree() : pair{1}, maybe{Scale{7}}, last{values(8, 8)} {
    scales.emplace_back(3);
    scales.emplace_back(4);
    owned.push_back(std::make_unique<Scale>(5));
    owned.push_back(nullptr);
    owned.push_back(std::make_unique<Pair>(6));
  }
};

template <class Named>
std::vector<std::string> names(const std::vector<Named>& list) {
  std::vector<std::string> result;
  for (const Named& entry : list) result.push_back(entry.name);
  return result;
}

/// Fails, and remembers the path it saw.
struct Broken : nn::Module {
  std::string seen;
  FATHOM_MODULE()
  Variable forward(const Variable&) override {
    seen = current_module_path();
    throw ValueError("broken: always");
  }
};

struct Outer : nn::Module {
  Pair first;
  nn::Sequential features;
  Broken unlisted;
  FATHOM_MODULE(first, features)
  Outer() : first{1}, features{Scale{2}, nn::Sequential{Scale{1}, Broken{}}} {}
  Variable forward(const Variable& x) override { return features(first(x)); }
  Variable call_unlisted(const Variable& x) {
    const nn::ModuleScope scope{*this};
    return unlisted(x);
  }
  Variable call_inner(const Variable& x) {
    const nn::ModuleScope scope{*this};
    return first.right(x);
  }
};

}  // namespace

TEST_CASE("names come from the lists, dotted, in their order", "[module]") {
  const Tree tree;
  CHECK(names(tree.named_parameters()) ==
        std::vector<std::string>{"pair.left.factor", "pair.right.factor", "scales.0.factor",
                                 "scales.1.factor", "owned.0.factor", "owned.2.left.factor",
                                 "owned.2.right.factor", "maybe.factor", "last"});
  CHECK(names(tree.named_buffers()) == std::vector<std::string>{"pair.left.calls", "pair.right.calls",
                                                                "scales.0.calls", "scales.1.calls",
                                                                "owned.0.calls", "owned.2.left.calls",
                                                                "owned.2.right.calls", "maybe.calls"});
  REQUIRE(tree.parameters().size() == 9);
  CHECK(tree.parameters()[8].is(tree.last));
}

TEST_CASE("named_modules starts with the module itself", "[module]") {
  Tree tree;
  const std::vector<nn::NamedModule> modules = tree.named_modules();
  CHECK(names(modules) == std::vector<std::string>{"", "pair", "pair.left", "pair.right", "scales.0",
                                                   "scales.1", "owned.0", "owned.2", "owned.2.left",
                                                   "owned.2.right", "maybe"});
  CHECK(modules[0].module == &tree);
  CHECK(modules[3].module == &tree.pair.right);
}

TEST_CASE("an absent parameter is not listed, a deferred one is", "[module]") {
  Scale scale{1};
  CHECK(names(scale.named_parameters()) == std::vector<std::string>{"factor"});
  scale.offset = Parameter::deferred();
  CHECK(names(scale.named_parameters()) == std::vector<std::string>{"factor", "offset"});
}

TEST_CASE("names are cut from the list whatever its spacing", "[module]") {
  std::string_view list = "conv1,bn1 ,  fc";
  CHECK(nn::detail::take_name(list) == "conv1");
  CHECK(nn::detail::take_name(list) == "bn1");
  CHECK(nn::detail::take_name(list) == "fc");
  CHECK(nn::detail::take_name(list).empty());
}

TEST_CASE("a copy has parameters and buffers of its own", "[module]") {
  Pair original{1};
  Pair copy = original;
  const Variable x{values(1, 1)};
  static_cast<void>(copy(x));
  copy.left.factor.mutable_data().mutable_data<double>()[0] = 50;
  CHECK(original.left.factor.data().data<double>()[0] == 1);
  CHECK(original.named_buffers()[0].value.data<std::int64_t>()[0] == 0);
  CHECK(copy.named_buffers()[0].value.data<std::int64_t>()[0] == 1);

  original = copy;
  CHECK(original.left.factor.data().data<double>()[0] == 50);
  CHECK_FALSE(original.left.factor.is(copy.left.factor));
  CHECK_FALSE(original.left.calls.data().shares_buffer_with(copy.left.calls.data()));
}

TEST_CASE("a move keeps the handles", "[module]") {
  Pair original{1};
  const Variables before = original.parameters();
  const Array buffer = original.left.calls.data();
  Pair moved = std::move(original);
  const Variables after = moved.parameters();
  REQUIRE(after.size() == 2);
  CHECK(after[0].is(before[0]));
  CHECK(after[1].is(before[1]));
  CHECK(moved.left.calls.data().shares_buffer_with(buffer));

  std::vector<Pair> many;
  many.push_back(std::move(moved));
  many.reserve(many.capacity() + 1);
  CHECK(many[0].parameters()[0].is(before[0]));
}

TEST_CASE("train and eval reach every module", "[module]") {
  Tree tree;
  tree.eval();
  for (const auto& [name, module] : tree.named_modules()) {
    INFO(name);
    CHECK_FALSE(module->is_training());
  }
  tree.scales[0].train();
  CHECK(tree.scales[0].is_training());
  CHECK_FALSE(tree.is_training());
  tree.train();
  CHECK(tree.owned[2]->is_training());
}

TEST_CASE("zero_grad marks every gradient empty", "[module]") {
  Pair pair{1};
  backward(std::vector<Variable>{pair(Variable{values(1, 2)})},
           std::vector<Variable>{Variable{values(1, 1)}});
  REQUIRE(pair.left.factor.grad().defined());
  pair.zero_grad();
  CHECK_FALSE(pair.left.factor.grad().defined());
  CHECK_FALSE(pair.right.factor.grad().defined());
}

TEST_CASE("to converts parameters and floating buffers and keeps the handles", "[module]") {
  Pair pair{1};
  const Variable handle = pair.left.factor;
  pair.to(DType::float32);
  CHECK(pair.left.factor.is(handle));
  CHECK(handle.dtype() == DType::float32);
  CHECK(pair.left.factor.data().data<float>()[1] == 1.0F);
  CHECK(pair.left.calls.data().dtype() == DType::int64);
  CHECK(error_of([&] { pair.to(DType::int32); }) ==
        "to: parameters are float32 or float64 (dtype is int32)\n"
        "  hint: use to(DType::float32) or to(DType::float64)");
  CHECK(handle.dtype() == DType::float32);
}

TEST_CASE("an error says in which module it happened, the innermost", "[module][error]") {
  Outer outer;
  const Variable x{values(1, 2)};
  CHECK(error_of([&] { static_cast<void>(outer(x)); }) == "broken: always\n  in: features.1.1");
  CHECK(current_module_path().empty());
  CHECK(dynamic_cast<Broken&>(dynamic_cast<nn::Sequential&>(outer.features[1])[1]).seen == "features.1.1");
}

TEST_CASE("a module that is not listed goes by its class", "[module][error]") {
  Outer outer;
  const Variable x{values(1, 2)};
  CHECK(error_of([&] { static_cast<void>(outer.call_unlisted(x)); }) == "broken: always\n  in: (Broken)");
  CHECK(error_of([&] {
          static_cast<void>(outer.call_inner(Variable{Array::ones({3}, DType::float64)}));
        }).find("\n  in: first.right") != std::string::npos);
}

TEST_CASE("a module without the usual forward says so", "[module][error]") {
  Tree tree;
  CHECK(error_of([&] { static_cast<void>(tree(Variable{values(1, 2)})); }) ==
        "Tree: has no forward from one Variable to one\n"
        "  hint: override `Variable forward(const Variable& x)`, or call its own functions");
}

TEST_CASE("Sequential names its modules by number and runs them in order", "[sequential]") {
  nn::Sequential net{Scale{2}, nn::Sequential{Scale{3}, Scale{4}}};
  CHECK(names(net.named_parameters()) == std::vector<std::string>{"0.factor", "1.0.factor", "1.1.factor"});
  const Variable y = net(Variable{values(1, 10)});
  CHECK(y.data().data<double>()[0] == 24);
  CHECK(y.data().data<double>()[1] == 240);

  net.append(Scale{0.5});
  CHECK(net.size() == 3);
  CHECK(net(Variable{values(1, 10)}).data().data<double>()[1] == 120);
  CHECK(error_of([&] { static_cast<void>(net[3]); }) ==
        "Sequential: has no module 3 (it has 3)\n"
        "  hint: modules count from 0");
}

TEST_CASE("copies of a Sequential are deep, moves keep the handles", "[sequential]") {
  nn::Sequential net{Scale{2}};
  const Variable handle = net.parameters()[0];
  nn::Sequential copy = net;
  nn::Sequential braces{net};
  CHECK(braces.size() == 1);
  CHECK_FALSE(copy.parameters()[0].is(handle));
  CHECK_FALSE(braces.parameters()[0].is(handle));
  copy.parameters()[0].mutable_data().mutable_data<double>()[0] = 9;
  CHECK(net(Variable{values(1, 1)}).data().data<double>()[0] == 2);

  nn::Sequential moved = std::move(net);
  CHECK(moved.parameters()[0].is(handle));
  copy = moved;
  CHECK(copy.parameters()[0].data().data<double>()[0] == 2);
  CHECK_FALSE(copy.parameters()[0].is(handle));
}
