// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>

namespace fathom {

void Error::add_context(std::string_view context) {
  if (has_context_) return;
  has_context_ = true;
  text_.append("\n  in: ").append(context);
}

}  // namespace fathom
