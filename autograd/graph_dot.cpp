// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/graph_dot.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <fathom/autograd/engine/node.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/check.hpp>

namespace fathom {
namespace detail {

/// Collects a graph and writes it down.
class GraphDrawing {
 public:
  GraphDrawing(std::span<const Variable> outputs, const GraphDotOptions& options);
  [[nodiscard]] std::string text() const;

 private:
  struct Module {
    std::string path;
    std::vector<const Function*> functions;
    std::map<std::string, Module> inside;  // by the rest of the path
  };

  void collect(std::span<const Variable> outputs);
  void number();
  void write_module(std::string& text, const Module& module, const std::string& indent) const;
  void write_function(std::string& text, const Function& f, const std::string& indent) const;
  void write_leaf(std::string& text, const Node& leaf) const;
  void write_edges(std::string& text, const Function& f) const;
  [[nodiscard]] std::string source(const Node& node) const;
  [[nodiscard]] std::string contents(const Node& node) const;

  GraphDotOptions options_;
  std::vector<const Node*> ends_;  // of the outputs
  std::vector<const Function*> functions_;
  std::vector<const Node*> leaves_;
  std::unordered_map<const Function*, std::size_t> function_numbers_;
  std::unordered_map<const Node*, std::size_t> leaf_numbers_;
  std::unordered_map<const Node*, std::string> names_;
};

namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result += '"';
}

}  // namespace

GraphDrawing::GraphDrawing(std::span<const Variable> outputs, const GraphDotOptions& options)
    : options_(options) {
  for (const auto& [name, variable] : options.names) {
    if (variable.requires_grad()) names_.emplace(variable.state_->node.get(), name);
  }
  collect(outputs);
  number();
}

void GraphDrawing::collect(std::span<const Variable> outputs) {
  std::unordered_set<const Function*> seen;
  std::vector<const Function*> stack;
  const auto reach = [&](const Node* node) {
    if (node == nullptr) return;
    if (node->creator == nullptr) {
      leaf_numbers_.emplace(node, 0);
    } else if (seen.insert(node->creator.get()).second) {
      stack.push_back(node->creator.get());
    }
  };
  for (const Variable& output : outputs) {
    static_cast<void>(output.data());  // throws when undefined
    ends_.push_back(output.state_->node.get());
    reach(ends_.back());
  }
  while (!stack.empty()) {
    const Function* f = stack.back();
    stack.pop_back();
    functions_.push_back(f);
    for (const std::shared_ptr<Node>& input : f->inputs()) reach(input.get());
  }
}

void GraphDrawing::number() {
  std::sort(functions_.begin(), functions_.end(),
            [](const Function* a, const Function* b) { return a->serial() < b->serial(); });
  for (const Function* f : functions_) function_numbers_.emplace(f, function_numbers_.size());
  const auto add_leaf = [&](const Node* node) {
    if (node == nullptr || node->creator != nullptr || leaf_numbers_.at(node) != 0) return;
    leaves_.push_back(node);
    leaf_numbers_[node] = leaves_.size();
  };
  for (const Function* f : functions_) {
    for (const std::shared_ptr<Node>& input : f->inputs()) add_leaf(input.get());
  }
  for (const Node* end : ends_) add_leaf(end);
}

std::string GraphDrawing::contents(const Node& node) const {
  return options_.shapes ? fmt::format("{} {}", to_string(node.dtype), to_string(node.shape)) : "";
}

/// The end of an edge that comes from `node`.
std::string GraphDrawing::source(const Node& node) const {
  return node.creator == nullptr ? fmt::format("v{}", leaf_numbers_.at(&node))
                                 : fmt::format("f{}", function_numbers_.at(node.creator.get()));
}

void GraphDrawing::write_function(std::string& text, const Function& f, const std::string& indent) const {
  std::string label(f.name());
  if (options_.attributes) {
    for (const auto& [name, value] : f.attributes()) label += fmt::format("\n{} = {}", name, value);
  }
  text += fmt::format("{}f{} [label={}];\n", indent, function_numbers_.at(&f), quoted(label));
}

void GraphDrawing::write_leaf(std::string& text, const Node& leaf) const {
  const auto name = names_.find(&leaf);
  std::string label = name == names_.end() ? "" : name->second;
  if (!label.empty() && options_.shapes) label += '\n';
  label += contents(leaf);
  text += fmt::format("  v{} [shape=ellipse, fillcolor=\"{}\", label={}];\n", leaf_numbers_.at(&leaf),
                      name == names_.end() ? "#fff4cc" : "#d9ead3", quoted(label));
}

void GraphDrawing::write_edges(std::string& text, const Function& f) const {
  for (const std::shared_ptr<Node>& input : f.inputs()) {
    if (input == nullptr) continue;
    // A leaf says itself what it holds.
    const std::string label = input->creator == nullptr ? "" : contents(*input);
    text += fmt::format("  {} -> f{}{};\n", source(*input), function_numbers_.at(&f),
                        label.empty() ? "" : fmt::format(" [label={}]", quoted(label)));
  }
}

void GraphDrawing::write_module(std::string& text, const Module& module, const std::string& indent) const {
  for (const Function* f : module.functions) write_function(text, *f, indent);
  for (const auto& [name, inner] : module.inside) {
    text += fmt::format("{}subgraph {} {{\n{}  label={};\n", indent, quoted("cluster " + inner.path), indent,
                        quoted(inner.path));
    write_module(text, inner, indent + "  ");
    text += indent + "}\n";
  }
}

std::string GraphDrawing::text() const {
  std::string text =
      "digraph fathom {\n"
      "  graph [fontname=\"Helvetica\", fontsize=11, labeljust=l, color=\"#999999\", style=rounded];\n"
      "  node [fontname=\"Helvetica\", fontsize=11, shape=box, style=filled, fillcolor=\"#dce6f5\", "
      "color=\"#666666\"];\n"
      "  edge [fontname=\"Helvetica\", fontsize=9, fontcolor=\"#444444\", color=\"#666666\"];\n";
  Module root;
  for (const Function* f : functions_) {
    Module* module = &root;
    const std::string& path = options_.modules ? f->module_path() : std::string();
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t end = std::min(path.find('.', begin), path.size());
      module = &module->inside[path.substr(begin, end - begin)];
      module->path = path.substr(0, end);
      begin = end + 1;
    }
    module->functions.push_back(f);
  }
  write_module(text, root, "  ");
  for (const Node* leaf : leaves_) write_leaf(text, *leaf);
  for (const Function* f : functions_) write_edges(text, *f);
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    text += fmt::format("  y{} [shape=ellipse, peripheries=2, fillcolor=\"#f4cccc\", label={}];\n", i,
                        quoted(ends_[i] == nullptr ? "no graph" : contents(*ends_[i])));
    if (ends_[i] != nullptr) text += fmt::format("  {} -> y{};\n", source(*ends_[i]), i);
  }
  return text + "}\n";
}

}  // namespace detail

std::string graph_dot(std::span<const Variable> outputs, const GraphDotOptions& options) {
  return detail::GraphDrawing(outputs, options).text();
}

}  // namespace fathom
