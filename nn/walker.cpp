// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/walker.hpp>

namespace fathom::nn {

void Walker::module(std::string_view name, Module& module) {
  const std::size_t length = prefix_.size();
  const std::string path = join(name);
  enter(path, module);
  prefix_ = path;
  module.visit_members(*this);
  prefix_.resize(length);
}

std::string Walker::join(std::string_view name) const {
  std::string path = prefix_;
  if (!path.empty()) path += '.';
  return path += name;
}

}  // namespace fathom::nn
