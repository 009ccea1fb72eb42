// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/gemm/driver.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <type_traits>

#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::detail {

namespace {

template <class T>
const GemmKernels<T>& kernels_of(Isa isa) {
  const GemmTable& table =
      dispatch_isa(isa, []<Isa chosen>() -> const GemmTable& { return gemm_table<chosen>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

// Sizes of blocks, for second-level caches of 256 KiB and more.
constexpr std::int64_t kStripsAtOnce = 16;        // rows of the left operand, in tiles, that meet one panel
constexpr std::int64_t kMostColumns = 256;        // of the right operand, packed at once
constexpr std::int64_t kMostRows = 768;           // of a block: bounds its partial sums
constexpr std::int64_t kGrainProducts = 1 << 18;  // below that a thread is not worth its start

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

/// The result cut into blocks that one thread computes at a time.
struct Grid {
  std::int64_t block_rows, block_columns;
  std::int64_t row_blocks, column_blocks;
  std::int64_t blocks;
};

template <class T>
Grid make_grid(const GemmSize& size, const GemmKernels<T>& kernels) {
  Grid grid{};
  grid.block_columns = round_up(ceil_div(size.n, ceil_div(size.n, kMostColumns)), kernels.columns());
  grid.column_blocks = ceil_div(size.n, grid.block_columns);
  const std::int64_t others = size.groups * grid.column_blocks;
  const std::int64_t wanted = std::max(ceil_div(size.m, kMostRows), ceil_div(num_threads(), others));
  grid.block_rows = round_up(ceil_div(size.m, wanted), kernels.rows);
  grid.row_blocks = ceil_div(size.m, grid.block_rows);
  grid.blocks = others * grid.row_blocks;
  return grid;
}

template <class T>
class Worker {
 public:
  Worker(const GemmKernels<T>& kernels, const GemmSize& size, const Grid& grid, const GemmLeft<T>& left,
         const GemmRight<T>& right, const GemmResult<T>& result)
      : kernels_(kernels), size_(size), grid_(grid), left_(left), right_(right), result_(result) {
    depth_ = std::min(size.k, kGemmDepth);
    tile_size_ = kernels.rows * kernels.columns();
    left_size_ = round_up(kernels.rows * (depth_ + kGemmPackSlack), kGemmPackSlack);
    panel_size_ = depth_ * kernels.columns();
    panels_ = grid.block_columns / kernels.columns();
    right_size_ = round_up(panels_ * panel_size_ + kGemmPackSlack, kGemmPackSlack);
    partial_size_ = size.k > kGemmDepth ? grid.block_rows * grid.block_columns : 0;
  }

  /// Elements that `run` needs.
  [[nodiscard]] std::int64_t scratch_size() const {
    return kStripsAtOnce * left_size_ + right_size_ + partial_size_ + 2 * tile_size_;
  }

  void run(std::int64_t block, T* scratch) const {
    T* const packed_left = scratch;
    T* const packed_right = packed_left + kStripsAtOnce * left_size_;
    T* const partial = packed_right + right_size_;
    T* const tile = partial + partial_size_;
    const std::int64_t group = block / (grid_.row_blocks * grid_.column_blocks);
    const std::int64_t rest = block % (grid_.row_blocks * grid_.column_blocks);
    const std::int64_t j = rest / grid_.row_blocks * grid_.block_columns;
    const std::int64_t i = rest % grid_.row_blocks * grid_.block_rows;
    Block at{group, i, std::min(size_.m, i + grid_.block_rows), j, std::min(size_.n, j + grid_.block_columns),
             0,     0};
    do {
      at.depth = std::min(kGemmDepth, size_.k - at.p);
      for (std::int64_t column = at.j; column < at.j_end; column += kernels_.columns()) {
        right_.pack(kernels_, group, at.p, at.depth, column, std::min(kernels_.columns(), at.j_end - column),
                    packed_right + (column - at.j) / kernels_.columns() * panel_size_);
      }
      for (std::int64_t row = at.i; row < at.i_end; row += kStripsAtOnce * kernels_.rows) {
        strips(at, row, packed_left, packed_right, partial, tile);
      }
      at.p += at.depth;
    } while (at.p < size_.k);
  }

 private:
  struct Block {
    std::int64_t group, i, i_end, j, j_end, p, depth;
  };

  /// The rows from `row` on that the packed left operand has room for, with all columns of the block.
  void strips(const Block& at, std::int64_t row, T* packed_left, const T* packed_right, T* partial,
              T* tile) const {
    std::array<GemmPanel<T>, kStripsAtOnce> panels;
    const std::int64_t end = std::min(at.i_end, row + kStripsAtOnce * kernels_.rows);
    for (std::int64_t i = row, strip = 0; i < end; i += kernels_.rows, ++strip) {
      panels[static_cast<std::size_t>(strip)] =
          left_.panel(kernels_, at.group, i, std::min(kernels_.rows, end - i), at.p, at.depth,
                      packed_left + strip * left_size_);
    }
    for (std::int64_t j = at.j; j < at.j_end; j += kernels_.columns()) {
      const std::int64_t panel = (j - at.j) / kernels_.columns();
      for (std::int64_t i = row, strip = 0; i < end; i += kernels_.rows, ++strip) {
        compute(at, i, std::min(kernels_.rows, end - i), j, std::min(kernels_.columns(), at.j_end - j),
                panels[static_cast<std::size_t>(strip)], packed_right + panel * panel_size_,
                partial + ((i - at.i) / kernels_.rows * panels_ + panel) * tile_size_, tile);
      }
    }
  }

  /// One tile: the sums over this block's depths, on top of those of the depths before.
  void compute(const Block& at, std::int64_t i, std::int64_t rows, std::int64_t j, std::int64_t columns,
               const GemmPanel<T>& left, const T* right, T* partial, T* tile) const {
    const bool first = at.p == 0;
    const bool last = at.p + at.depth == size_.k;
    const std::int64_t width = kernels_.columns();
    GemmRows<const T> from{partial, width};
    if (first) from = result_.start(kernels_, at.group, i, rows, j, tile + tile_size_);
    GemmRows<T> to{last ? tile : partial, width};
    bool stored = !last;
    if (last && columns % kernels_.lanes == 0 && !(result_.accumulates() && from.data != nullptr)) {
      const GemmRows<T> direct = result_.direct(at.group, i, j, columns);
      if (direct.data != nullptr) {
        to = direct;
        stored = true;
        if (result_.accumulates()) from = {direct.data, direct.step};
      }
    }
    const GemmTile<T> kernel = kernels_.tiles[rows - 1][columns > kernels_.lanes ? 1 : 0];
    kernel(at.depth, left.data, left.row_step, left.step, right, from.data, from.step, to.data, to.step,
           last ? result_.activation() : Activation::none);
    if (!stored) result_.store(at.group, i, rows, j, columns, {to.data, to.step});
  }

  const GemmKernels<T>& kernels_;
  const GemmSize& size_;
  const Grid& grid_;
  const GemmLeft<T>& left_;
  const GemmRight<T>& right_;
  const GemmResult<T>& result_;
  std::int64_t depth_, tile_size_, left_size_, panel_size_, panels_, right_size_, partial_size_;
};

}  // namespace

template <class T>
void run_gemm(std::string_view name, const GemmSize& size, const GemmLeft<T>& left, const GemmRight<T>& right,
              const GemmResult<T>& result) {
  const Isa isa = active_isa();
  const GemmKernels<T>& kernels = kernels_of<T>(isa);
  count_kernel(name, isa, dtype_of<T>);
  if (size.groups == 0 || size.m == 0 || size.n == 0) return;
  const Grid grid = make_grid(size, kernels);
  const Worker<T> worker(kernels, size, grid, left, right, result);
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
        for (std::int64_t block = begin; block < end; ++block) worker.run(block, own);
      },
      threads);
}

template void run_gemm<float>(std::string_view, const GemmSize&, const GemmLeft<float>&,
                              const GemmRight<float>&, const GemmResult<float>&);
template void run_gemm<double>(std::string_view, const GemmSize&, const GemmLeft<double>&,
                               const GemmRight<double>&, const GemmResult<double>&);

}  // namespace fathom::detail
