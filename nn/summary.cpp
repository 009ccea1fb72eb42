// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/summary.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <fathom/autograd/hooks.hpp>
#include <fathom/core/check.hpp>
#include <fathom/core/text_table.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/trial_scope.hpp>

namespace fathom::nn {

namespace {

/// Counts what a module holds itself, not what is in modules inside.
class OwnMembers final : public MemberVisitor {
 public:
  explicit OwnMembers(Module& module) { module.visit_members(*this); }
  void parameter(std::string_view, Parameter& parameter) override {
    if (parameter.defined()) parameters += parameter.size();
  }
  void buffer(std::string_view, Buffer&) override {}
  void module(std::string_view, Module&) override { is_leaf = false; }

  std::int64_t parameters = 0;
  bool is_leaf = true;
};

class SummaryHook final : public FunctionHook {
 public:
  explicit SummaryHook(Module& model) : modules_(model.named_modules()) {
    for (const NamedModule& inside : modules_) by_path_.emplace(inside.name, inside.module);
  }

  void after_forward(const Function& f, std::span<const Array> inputs,
                     std::span<const Array> outputs) override {
    SummaryRow& row = row_of(f);
    row.output = outputs[0].shape();
    row.multiply_adds += f.multiply_adds(inputs, outputs);
    for (const Array& output : outputs) {
      const bool is_shared = std::any_of(
          inputs.begin(), inputs.end(), [&](const Array& input) { return input.shares_buffer_with(output); });
      if (!is_shared) row.activation_bytes += static_cast<std::int64_t>(output.byte_size());
    }
  }

  /// Adds rows for parameters that no function was seen to use.
  void add_unused() {
    for (const auto& [path, module] : modules_) {
      const OwnMembers own(*module);
      if (own.parameters == 0 || seen_.contains(path)) continue;
      rows.push_back({.path = path, .kind = type_name(*module), .parameters = own.parameters});
    }
  }

  std::vector<SummaryRow> rows;

 private:
  /// All functions of one call of a layer share a row; outside of layers each has its own.
  SummaryRow& row_of(const Function& f) {
    const std::string& path = f.module_path();
    const auto found = by_path_.find(path);
    SummaryRow row{.path = path, .kind = std::string(f.name())};
    if (found != by_path_.end()) {
      const OwnMembers own(*found->second);
      if (own.is_leaf) {
        row.kind = type_name(*found->second);
        if (!rows.empty() && rows.back().path == path && rows.back().kind == row.kind) return rows.back();
      }
      if (seen_.insert(path).second) row.parameters = own.parameters;
    }
    rows.push_back(std::move(row));
    return rows.back();
  }

  std::vector<NamedModule> modules_;
  std::map<std::string, Module*> by_path_;
  std::set<std::string> seen_;
};

std::vector<std::string> cells(const SummaryRow& row) {
  return {row.path,
          row.kind,
          row.output ? to_string(*row.output) : "",
          count_text(row.parameters),
          count_text(row.multiply_adds),
          bytes_text(row.activation_bytes)};
}

}  // namespace

Summary summary(Module& model, const Shape& sample_shape, const SummaryOptions& options) {
  ArgumentCheck("summary").at_least("batch", options.batch, 1, "it is the number of samples in x");
  require_initialized("summary", model);
  Shape shape{options.batch};
  for (const std::int64_t size : sample_shape) shape.push_back(size);
  SummaryHook hook{model};
  {
    const TrialScope trial{model};
    const HookScope scope{hook};
    static_cast<void>(model(Variable{Array::zeros(shape, model.dtype())}));
  }
  hook.add_unused();

  Summary result{.rows = std::move(hook.rows), .total = {.path = "total", .kind = {}}};
  result.total.parameters = model.count_parameters();
  for (const SummaryRow& row : result.rows) {
    result.total.multiply_adds += row.multiply_adds;
    result.total.activation_bytes += row.activation_bytes;
  }
  return result;
}

std::string to_string(const Summary& summary) {
  std::vector<std::vector<std::string>> lines{
      {"module", "kind", "output", "parameters", "multiply-adds", "activations"}};
  for (const SummaryRow& row : summary.rows) lines.push_back(cells(row));
  lines.emplace_back();
  lines.push_back(cells(summary.total));
  return text_table(lines, "lllrrr");
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) { return out << to_string(summary); }

}  // namespace fathom::nn
