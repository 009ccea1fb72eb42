// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/fold_batch_norm.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include <fathom/core/error.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>

namespace fathom::nn {

FoldsBatchNorm::~FoldsBatchNorm() = default;

namespace {

std::vector<std::string> batch_norms(const std::vector<NamedModule>& modules) {
  std::vector<std::string> paths;
  for (const auto& [path, module] : modules) {
    if (dynamic_cast<const BatchNorm2D*>(module) != nullptr) paths.push_back(path);
  }
  return paths;
}

void require_evaluation(const std::vector<NamedModule>& modules) {
  for (const auto& [path, module] : modules) {
    if (!module->is_training()) continue;
    throw GraphError(fmt::format(
        "fold_batch_norm: {} is training, and its batch normalizations use the statistics of each "
        "batch\n  hint: call eval() on the model first",
        path.empty() ? "the model" : path));
  }
}

}  // namespace

FoldReport fold_batch_norm(Module& model) {
  const std::vector<NamedModule> modules = model.named_modules();
  require_evaluation(modules);
  require_initialized("fold_batch_norm", model);
  const std::vector<std::string> before = batch_norms(modules);
  // Found before the first folds: a batch normalization that is gone must not be looked at.
  std::vector<FoldsBatchNorm*> folders;
  for (const auto& [path, module] : modules) {
    if (auto* folder = dynamic_cast<FoldsBatchNorm*>(module)) folders.push_back(folder);
  }
  for (FoldsBatchNorm* folder : folders) folder->fold_batch_norm();
  FoldReport report{.folded = {}, .left = batch_norms(model.named_modules())};
  std::copy_if(before.begin(), before.end(), std::back_inserter(report.folded), [&](const std::string& path) {
    return std::find(report.left.begin(), report.left.end(), path) == report.left.end();
  });
  return report;
}

std::string to_string(const FoldReport& report) {
  std::string text =
      fmt::format("{} batch normalizations folded, {} left", report.folded.size(), report.left.size());
  for (const std::string& path : report.left) text += "\n  left: " + path;
  return text;
}

std::ostream& operator<<(std::ostream& out, const FoldReport& report) { return out << to_string(report); }

}  // namespace fathom::nn
