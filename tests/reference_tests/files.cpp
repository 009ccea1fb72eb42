// SPDX-License-Identifier: BSD-3-Clause
#include "files.hpp"

#include <string_view>

#include <fathom/core/error.hpp>

namespace fathom::reference {

Array Files::load(const std::string& file) {
  constexpr std::string_view suffix = ".npy";
  const std::size_t slash = file.find('/');
  if (slash == std::string::npos || !file.ends_with(suffix)) {
    throw IoError("manifest.json: '" + file + "' is not of the form archive/member.npy");
  }
  const std::string archive = file.substr(0, slash);
  auto found = archives_.find(archive);
  if (found == archives_.end()) found = archives_.emplace(archive, NpzReader(path(archive + ".npz"))).first;
  return found->second.load(file.substr(slash + 1, file.size() - slash - 1 - suffix.size()));
}

}  // namespace fathom::reference
