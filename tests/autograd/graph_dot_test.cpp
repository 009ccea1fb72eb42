// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/graph_dot.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/module_path.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/error.hpp>
#include <support/functions.hpp>

using namespace fathom;
using namespace fathom::test;

namespace {

std::string name_of(const void*, const void* object) { return static_cast<const char*>(object); }

/// The lines after the settings of the whole drawing.
std::string body(const std::string& dot) {
  REQUIRE(dot.starts_with("digraph fathom {\n  graph ["));
  REQUIRE(dot.ends_with("}\n"));
  std::size_t at = 0;
  for (int line = 0; line < 4; ++line) at = dot.find('\n', at) + 1;
  return dot.substr(at, dot.size() - at - 2);
}

/// Scale by a factor whose text has to be escaped.
class Quoted final : public Function {
 public:
  std::string_view name() const override { return "quoted"; }
  Attributes attributes() const override { return {{"mode", "\"a\\b\""}, {"pad", "1"}}; }
  Arrays forward(std::span<const Array> in) override { return {in[0].copy()}; }
  Variables backward(const Wanted&, std::span<const Variable> gys) override { return {gys[0]}; }
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a graph as text: functions, leaves, outputs, numbered in the order of the program",
          "[graph_dot]") {
  const Variable x{Array::ones({2}, DType::float64), true};
  const Variable w{Array::ones({2}, DType::float64), true};
  const Variable constant{Array::ones({2}, DType::float64)};
  const Variable left = multiply(x, w);
  const Variable right = multiply(constant, x);
  const Variable y = plus(left, right);
  const GraphDotOptions options{.names = {{"w", w}, {"constant", constant}}};
  CHECK(body(graph_dot(y, options)) ==
        "  f0 [label=\"multiply\"];\n"
        "  f1 [label=\"multiply\"];\n"
        "  f2 [label=\"plus\"];\n"
        "  v1 [shape=ellipse, fillcolor=\"#fff4cc\", label=\"float64 [2]\"];\n"
        "  v2 [shape=ellipse, fillcolor=\"#d9ead3\", label=\"w\\nfloat64 [2]\"];\n"
        "  v1 -> f0;\n"
        "  v2 -> f0;\n"
        "  v1 -> f1;\n"
        "  f0 -> f2 [label=\"float64 [2]\"];\n"
        "  f1 -> f2 [label=\"float64 [2]\"];\n"
        "  y0 [shape=ellipse, peripheries=2, fillcolor=\"#f4cccc\", label=\"float64 [2]\"];\n"
        "  f2 -> y0;\n");
  CHECK(graph_dot(y, options) == graph_dot(y, options));
}

TEST_CASE("attributes are escaped and may be left out, as shapes", "[graph_dot]") {
  const Variable y = apply<Quoted>({leaf(1)});
  CHECK(graph_dot(y).find("  f0 [label=\"quoted\\nmode = \\\"a\\\\b\\\"\\npad = 1\"];\n") !=
        std::string::npos);
  const std::string bare = graph_dot(y, {.attributes = false, .shapes = false});
  CHECK(bare.find("  f0 [label=\"quoted\"];\n") != std::string::npos);
  CHECK(bare.find("float64") == std::string::npos);
}

TEST_CASE("functions of a module stand in its frame", "[graph_dot]") {
  const KeepModulePathsScope keep;
  const Variable x = leaf(2);
  Variable y;
  {
    const ModulePathScope features("features", name_of);
    y = multiply(x, x);
    const ModulePathScope first("0", name_of);
    y = multiply(y, x);
  }
  y = plus(y, x);
  const std::string text = body(graph_dot(y));
  CHECK(
      text.starts_with("  f2 [label=\"plus\"];\n"
                       "  subgraph \"cluster features\" {\n"
                       "    label=\"features\";\n"
                       "    f0 [label=\"multiply\"];\n"
                       "    subgraph \"cluster features.0\" {\n"
                       "      label=\"features.0\";\n"
                       "      f1 [label=\"multiply\"];\n"
                       "    }\n"
                       "  }\n"));
  CHECK(graph_dot(y, {.modules = false}).find("subgraph") == std::string::npos);
}

TEST_CASE("several outputs, leaves and results without a graph", "[graph_dot]") {
  const Variable x = leaf(2);
  const std::vector<Variable> outputs{multiply(x, x), x, Variable{Array::ones({3}, DType::float32)}};
  const std::string text = body(graph_dot(outputs));
  CHECK(text.find("  f0 -> y0;\n") != std::string::npos);
  CHECK(text.find("  v1 -> y1;\n") != std::string::npos);
  CHECK(text.find("  y2 [shape=ellipse, peripheries=2, fillcolor=\"#f4cccc\", label=\"no graph\"];\n") !=
        std::string::npos);
  CHECK_THROWS_AS(graph_dot(Variable{}), GraphError);
}

TEST_CASE("the graph of a gradient is a graph too", "[graph_dot]") {
  const Variable x = leaf(2);
  const Variable gx = grad({multiply(multiply(x, x), x)}, {x}, {}, {.create_graph = true})[0];
  CHECK(count(graph_dot(gx), "label=\"add_gradients\"") == 2);
}

TEST_CASE("a long chain is drawn without recursion", "[graph_dot]") {
  const Variable x = leaf(1);
  Variable y = x;
  for (int i = 0; i < 20'000; ++i) y = plus(y, x);
  CHECK(count(graph_dot(y), "label=\"plus\"") == 20'000);
}
