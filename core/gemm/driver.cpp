// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/gemm/driver.hpp>

#include <algorithm>
#include <atomic>
#include <type_traits>

#include <fathom/core/gemm/packed_left.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/gemm/worker.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::detail {

namespace {

constexpr std::int64_t kFewBlocks = 16;  // of a thread

/// Columns of a block. Where each thread computes a few blocks only, they may be smaller, so that none of
/// them computes much more than the others: 13 blocks of 256 for two threads are 7 and 6, 14 of 224 are 7 and
/// 7.
std::int64_t choose_columns(const GemmSize& size, std::int64_t multiple, std::int64_t threads) {
  const std::int64_t fewest = ceil_div(size.n, kGemmColumns);
  const auto columns = [&](std::int64_t count) { return round_up(ceil_div(size.n, count), multiple); };
  // Of the thread that has most to do.
  const auto share = [&](std::int64_t block) {
    return ceil_div(size.groups * ceil_div(size.n, block), threads) * block;
  };
  std::int64_t best = columns(fewest);
  if (threads == 1 || size.m > kGemmMostRows || size.groups * fewest > kFewBlocks * threads) return best;
  for (std::int64_t count = fewest + 1; count < 2 * fewest; ++count) {
    if (50 * share(columns(count)) < 49 * share(best)) best = columns(count);  // by 2 %
  }
  return best;
}

template <class T>
GemmGrid make_grid(const GemmSize& size, const GemmKernels<T>& kernels, const GemmRight<T>& right) {
  GemmGrid grid{};
  const bool is_laid_out = right.column_blocks() > 0;
  if (is_laid_out) {
    grid.block_columns = round_up(right.block_columns(), kernels.columns());
    grid.column_blocks = right.column_blocks();
  } else {
    grid.block_columns = choose_columns(size, kernels.columns(), num_threads());
    grid.column_blocks = ceil_div(size.n, grid.block_columns);
  }
  const std::int64_t others = size.groups * grid.column_blocks;
  const std::int64_t most =
      size.k <= size.part
          ? kGemmMostRows
          : std::clamp(kGemmMostRows * kGemmColumns / grid.block_columns, kernels.rows, kGemmMostRows);
  const std::int64_t wanted = std::max(ceil_div(size.m, most), ceil_div(num_threads(), others));
  grid.block_rows = ceil_div(size.m, wanted);
  // Not where few rows, for which operands lay themselves out, are shared by threads: 16 would make 12 and 4.
  if (!is_laid_out) grid.block_rows = round_up(grid.block_rows, kernels.rows);
  grid.row_blocks = ceil_div(size.m, grid.block_rows);
  grid.blocks = others * grid.row_blocks;
  return grid;
}

}  // namespace

template <class T>
const GemmKernels<T>& gemm_kernels(Isa isa) {
  const GemmTable& table =
      dispatch_isa(isa, []<Isa chosen>() -> const GemmTable& { return gemm_table<chosen>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

template <class T>
void run_gemm(std::string_view name, const GemmSize& size, const GemmLeft<T>& left, const GemmRight<T>& right,
              const GemmResult<T>& result) {
  const Isa isa = active_isa();
  const GemmKernels<T>& kernels = gemm_kernels<T>(isa);
  count_kernel(name, isa, dtype_of<T>);
  if (size.groups == 0 || size.m == 0 || size.n == 0) return;
  const GemmGrid grid = make_grid(size, kernels, right);
  const PackedLeft<T> packed(kernels, size, grid, left);
  const GemmWorker<T> worker(kernels, size, grid, packed, right, result);
  const std::int64_t products = grid.block_rows * grid.block_columns * std::max<std::int64_t>(size.k, 1);
  const std::int64_t grain = ceil_div(kGrainProducts, products);
  // All threads' scratch is one block of the pool: what it asks the system for must not depend on timing.
  const std::int64_t each = round_up(worker.scratch_size(), kGemmPackSlack);
  const int threads = num_threads();  // read once: another thread may change it
  const std::int64_t pieces = piece_count(grid.blocks, grain, threads);
  const GemmScratch<T> scratch(pieces * each);
  std::atomic<std::int64_t> next{0};
  fathom::parallel_for(
      grid.blocks, grain,
      [&](std::int64_t begin, std::int64_t end) {
        T* const own = scratch.data() + next++ * each;
        for (std::int64_t block = begin; block < end; ++block)
          worker.run(block, block + 1 < end ? block + 1 : -1, own);
      },
      threads);
}

template const GemmKernels<float>& gemm_kernels<float>(Isa);
template const GemmKernels<double>& gemm_kernels<double>(Isa);
template void run_gemm<float>(std::string_view, const GemmSize&, const GemmLeft<float>&,
                              const GemmRight<float>&, const GemmResult<float>&);
template void run_gemm<double>(std::string_view, const GemmSize&, const GemmLeft<double>&,
                               const GemmRight<double>&, const GemmResult<double>&);

}  // namespace fathom::detail
