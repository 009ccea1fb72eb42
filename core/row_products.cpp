// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/row_products.hpp>

#include <algorithm>
#include <type_traits>

#include <fathom/core/cpu.hpp>
#include <fathom/core/dtype.hpp>
#include <fathom/core/row_products/kernel.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::detail {

template <class T>
void row_products(const RowProducts<T>& products) {
  constexpr std::int64_t kGrainProducts = 1 << 18;  // below that a thread is not worth its start
  const Isa isa = active_isa();
  count_kernel("gemm/rows", isa, dtype_of<T>);
  const RowProductsTable& table = dispatch_isa(
      isa, []<Isa chosen>() -> const RowProductsTable& { return row_product_kernels<chosen>(); });
  const std::int64_t each = std::max<std::int64_t>(products.m * products.k, 1);
  fathom::parallel_for(products.n, (kGrainProducts + each - 1) / each,
                       [&](std::int64_t begin, std::int64_t end) {
                         if constexpr (std::is_same_v<T, float>) {
                           table.float32(products, begin, end);
                         } else {
                           table.float64(products, begin, end);
                         }
                       });
}

template void row_products<float>(const RowProducts<float>&);
template void row_products<double>(const RowProducts<double>&);

}  // namespace fathom::detail
