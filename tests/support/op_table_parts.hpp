// SPDX-License-Identifier: BSD-3-Clause
// Parts of op_table() that live in files of their own.
#pragma once

#include <support/op_table.hpp>

namespace fathom::test {

void add_arrays(std::vector<OpCase>& cases);
void add_normalization(std::vector<OpCase>& cases);
void add_fused_normalization(std::vector<OpCase>& cases);
void add_row_normalization(std::vector<OpCase>& cases);
void add_images(std::vector<OpCase>& cases);
void add_losses(std::vector<OpCase>& cases);
void add_elementwise(std::vector<OpCase>& cases);

}  // namespace fathom::test
