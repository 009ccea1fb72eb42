// SPDX-License-Identifier: BSD-3-Clause
// Parts of error_table(), one for each family of ops.
#pragma once

#include <support/error_table.hpp>

namespace fathom::test {

void add_array_errors(std::vector<ErrorCase>& cases);
void add_elementwise_errors(std::vector<ErrorCase>& cases);
void add_image_errors(std::vector<ErrorCase>& cases);
void add_normalization_errors(std::vector<ErrorCase>& cases);
void add_product_errors(std::vector<ErrorCase>& cases);
void add_selection_errors(std::vector<ErrorCase>& cases);
void add_shape_errors(std::vector<ErrorCase>& cases);
void add_loss_errors(std::vector<ErrorCase>& cases);

/// An op on each element of x, of any shape.
[[nodiscard]] ErrorCase unary_errors(const std::string& op,
                                     std::function<Variable(const Variable&)> function);
/// An op on the elements of two arrays, with broadcasting.
[[nodiscard]] ErrorCase binary_errors(const std::string& op,
                                      Variable (*function)(const Variable&, const Variable&));

}  // namespace fathom::test
