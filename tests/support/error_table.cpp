// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table.hpp>
#include <support/error_table_parts.hpp>

#include <algorithm>

namespace fathom::test {
namespace {

/// Whether a refused case has an argument for which `differs` from the shape that fits.
template <class Differs>
bool refuses(const ErrorCase& c, Differs differs) {
  return std::any_of(c.refused.begin(), c.refused.end(), [&](const ErrorCase::Refused& refused) {
    for (std::size_t i = 0; i < refused.shapes.size(); ++i) {
      if (differs(refused.shapes[i], c.arguments[i].shape)) return true;
    }
    return false;
  });
}

}  // namespace

bool covers_rank(const ErrorCase& c) {
  return c.any_rank || refuses(c, [](const Shape& a, const Shape& b) { return a.rank() != b.rank(); });
}

bool covers_size(const ErrorCase& c) {
  return c.any_size || refuses(c, [](const Shape& a, const Shape& b) {
           return a.rank() == b.rank() && a != b && a.size() != 0;
         });
}

bool covers_empty(const ErrorCase& c) {
  return !c.empty.empty() || refuses(c, [](const Shape& a, const Shape&) { return a.size() == 0; });
}

std::vector<ErrorCase> error_table() {
  std::vector<ErrorCase> cases;
  add_array_errors(cases);
  add_elementwise_errors(cases);
  add_image_errors(cases);
  add_normalization_errors(cases);
  add_product_errors(cases);
  add_selection_errors(cases);
  add_shape_errors(cases);
  add_loss_errors(cases);
  return cases;
}

}  // namespace fathom::test
