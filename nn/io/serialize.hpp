// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// Writes all parameters and buffers as an .npz archive, named as `named_parameters()` and `named_buffers()`
/// name them: numpy.load reads it. Equal weights give equal files, byte by byte. The file appears whole or
/// not at all. Throws IoError when it cannot be written, GraphError for a parameter that has no data yet.
FATHOM_EXPORT void save(const Module& module, const std::string& path);

struct LoadOptions {
  /// Turns a name of the file into the module's; the empty name leaves the array out. Empty: names stay.
  std::function<std::string(std::string_view name)> rename = {};
  /// Whether the file may lack what the module calls `name`, which then stays as it is: key and counter of a
  /// Dropout, say, which other frameworks do not save. Empty: nothing may lack.
  std::function<bool(std::string_view name)> may_lack = {};
};

/// Fills all parameters and buffers from what `save` wrote. The handles stay, so optimisers remain valid.
/// Every name must be in both, with the same shape and dtype, but for what the options say: otherwise an
/// IoError lists all that do not fit, and nothing is changed. Parameters that wait for their sizes get those
/// of the file. Throws IoError also for a file that is missing or corrupt.
FATHOM_EXPORT void load(Module& module, const std::string& path, const LoadOptions& options = {});

/// For `LoadOptions::rename`: names in files of Chainer's save_npz, "bn1/avg_mean" for "bn1.avg_mean"; leaves
/// out the counter "bn1/N" of its batch normalization.
[[nodiscard]] FATHOM_EXPORT std::string from_chainer(std::string_view name);

}  // namespace fathom::nn
