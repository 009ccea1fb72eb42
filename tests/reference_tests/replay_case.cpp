// SPDX-License-Identifier: BSD-3-Clause
#include "replay.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>

#include "compare.hpp"
#include "operations.hpp"

namespace fathom::reference {
namespace {

using nlohmann::json;

/// Arrays of one key of the entry's inputs or outputs, undefined where it is null or left out.
Arrays load_all(const json& items, const char* key, Files& files) {
  Arrays arrays;
  for (const json& item : items) {
    const auto file = item.find(key);
    arrays.push_back(file == item.end() || file->is_null() ? Array{} : files.load(file->get<std::string>()));
  }
  return arrays;
}

/// All that was recorded of one case.
struct Recorded {
  Recorded(const json& entry, Files& files)
      : inputs(load_all(entry.at("inputs"), "file", files)),
        outputs(load_all(entry.at("outputs"), "file", files)),
        grads(load_all(entry.at("inputs"), "grad", files)),
        ggs(load_all(entry.at("inputs"), "gg", files)),
        grad2s(load_all(entry.at("inputs"), "grad2", files)),
        gys(load_all(entry.at("outputs"), "gy", files)),
        grad2_gys(load_all(entry.at("outputs"), "grad2_gy", files)) {}
  Arrays inputs, outputs, grads, ggs, grad2s, gys, grad2_gys;
};

/// One forward pass: the differentiable inputs, the outputs that have a recorded gradient, and those
/// gradients.
struct Pass {
  Pass(const json& entry, const Recorded& recorded, bool differentiable_gys) {
    for (std::size_t i = 0; i < recorded.inputs.size(); ++i) {
      const json& input = entry.at("inputs").at(i);
      inputs.add(input.at("name"), recorded.inputs[i], input.at("differentiable"));
    }
    outputs = call(operations().at(entry.at("op")), entry.at("params"), inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (entry.at("inputs").at(i).at("differentiable")) xs.push_back({i, inputs.variable(i)});
    }
    if (outputs.size() != recorded.outputs.size()) return;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!recorded.gys[k].defined() || !outputs[k].variable.defined()) continue;
      if (!outputs[k].variable.requires_grad()) continue;
      ys.push_back(outputs[k].variable);
      gys.emplace_back(recorded.gys[k], differentiable_gys);
      gy_outputs.push_back(k);
    }
  }

  struct Input {
    std::size_t index;
    Variable variable;
  };
  Inputs inputs;
  Outputs outputs;
  std::vector<Input> xs;
  Variables ys, gys;
  std::vector<std::size_t> gy_outputs;  ///< the output that each of `gys` belongs to
};

Variables variables_of(const std::vector<Pass::Input>& xs) {
  Variables variables;
  for (const auto& x : xs) variables.push_back(x.variable);
  return variables;
}

class CaseReplay {
 public:
  CaseReplay(const json& entry, Files& files)
      : entry_(entry), recorded_(entry, files), comparison_(entry.at("rtol"), entry.at("atol")) {}

  const std::vector<std::string>& run() {
    if (without_graph()) {
      with_graph();
      if (entry_.at("double_backward")) {
        second_order({.retain_graph = false}, "");
        second_order({.create_graph = true}, " with create_graph");
      }
    }
    return comparison_.failures();
  }

 private:
  std::string input(std::size_t index) const { return entry_.at("inputs").at(index).at("name"); }
  std::string output(std::size_t index) const { return entry_.at("outputs").at(index).at("name"); }

  /// Outputs and the gradients that backward() leaves in the leaves; false when there is no use in going on.
  bool without_graph() {
    const Pass pass(entry_, recorded_, false);
    if (pass.outputs.size() != recorded_.outputs.size()) {
      comparison_.fail(fmt::format("{} outputs, recorded {}", pass.outputs.size(), recorded_.outputs.size()));
      return false;
    }
    for (std::size_t k = 0; k < pass.outputs.size(); ++k) {
      comparison_.array(output(k), pass.outputs[k].data, recorded_.outputs[k]);
    }
    if (!comparison_.failures().empty()) return false;
    if (!pass.ys.empty()) backward(pass.ys, pass.gys);
    for (const auto& x : pass.xs) {
      comparison_.gradient("gradient of " + input(x.index), x.variable.grad(), recorded_.grads[x.index],
                           recorded_.inputs[x.index]);
    }
    return true;
  }

  void with_graph() {
    const Pass pass(entry_, recorded_, false);
    if (pass.ys.empty()) return;
    const Variables grads = grad(pass.ys, variables_of(pass.xs), pass.gys, {.create_graph = true});
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const std::size_t index = pass.xs[i].index;
      comparison_.gradient("gradient of " + input(index) + " with create_graph", grads[i],
                           recorded_.grads[index], recorded_.inputs[index]);
    }
  }

  /// Derivatives of S = sum(grad_i * gg_i) with respect to the inputs and the output gradients.
  void second_order(const BackwardOptions& options, const std::string& how) {
    const Pass pass(entry_, recorded_, true);
    Variables targets = variables_of(pass.xs);
    Variables first, ggs;
    if (!pass.ys.empty()) {
      const Variables grads = grad(pass.ys, targets, pass.gys, {.create_graph = true});
      for (std::size_t i = 0; i < grads.size(); ++i) {
        const Array& gg = recorded_.ggs[pass.xs[i].index];
        if (!gg.defined() || !grads[i].defined() || !grads[i].requires_grad()) continue;
        first.push_back(grads[i]);
        ggs.emplace_back(gg);
      }
    }
    targets.insert(targets.end(), pass.gys.begin(), pass.gys.end());
    Variables second(targets.size());
    if (!first.empty()) second = grad(first, targets, ggs, options);
    for (std::size_t i = 0; i < pass.xs.size(); ++i) {
      const std::size_t index = pass.xs[i].index;
      comparison_.gradient("second order of " + input(index) + how, second[i], recorded_.grad2s[index],
                           recorded_.inputs[index]);
    }
    for (std::size_t k = 0; k < pass.outputs.size(); ++k) {
      if (!recorded_.gys[k].defined()) continue;
      const auto used = std::find(pass.gy_outputs.begin(), pass.gy_outputs.end(), k);
      const auto position = pass.xs.size() + static_cast<std::size_t>(used - pass.gy_outputs.begin());
      comparison_.gradient("second order of g" + output(k) + how,
                           used == pass.gy_outputs.end() ? Variable{} : second[position],
                           recorded_.grad2_gys[k], recorded_.gys[k]);
    }
  }

  const json& entry_;
  Recorded recorded_;
  Comparison comparison_;
};

std::vector<std::string> expect_refusal(const json& entry, Files& files) {
  try {
    const Recorded recorded(entry, files);
    const Pass pass(entry, recorded, false);
  } catch (const DTypeError&) {
    return {};
  }
  return {"inputs of these types must be refused with a DTypeError"};
}

}  // namespace

bool has_refused_types(const json& entry) {
  std::set<std::string> types;
  for (const json& input : entry.at("inputs")) {
    const std::string type = input.at("dtype");
    if (type.starts_with("float")) types.insert(type);
  }
  return types.size() > 1 || types.contains("float16") || entry.at("params").value("typ", "") == "float16";
}

void replay_case(const json& entry, Files& files, Report& report) {
  const std::string op = entry.at("op");
  if (!operations().contains(op)) {
    report.skip(op, fmt::format("no operation '{}' here", op));
    return;
  }
  const std::string id = entry.at("id");
  try {
    report.add(op, id,
               has_refused_types(entry) ? expect_refusal(entry, files) : CaseReplay(entry, files).run());
  } catch (const std::exception& error) {
    report.add(op, id, {error.what()});
  }
}

}  // namespace fathom::reference
