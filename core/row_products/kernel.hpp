// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/cpu.hpp>
#include <fathom/core/row_products.hpp>

namespace fathom::detail {

/// What one instruction set offers: the columns [begin, end) of c.
struct RowProductsTable {
  void (*float32)(const RowProducts<float>& products, std::int64_t begin, std::int64_t end);
  void (*float64)(const RowProducts<double>& products, std::int64_t begin, std::int64_t end);
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const RowProductsTable& row_product_kernels();

}  // namespace fathom::detail
