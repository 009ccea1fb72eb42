// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/activation.hpp>

namespace fathom {

std::string_view to_string(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return "relu";
    case Activation::relu6:
      return "relu6";
    case Activation::none:
      break;
  }
  return "none";
}

}  // namespace fathom
