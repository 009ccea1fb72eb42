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

// For second-level caches of 512 KiB and more: a packed block of the right operand has up to 256 KiB.
constexpr std::int64_t kMostRows = 384;           // of a block: bounds its partial sums
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
  grid.block_columns = round_up(ceil_div(size.n, ceil_div(size.n, kGemmColumns)), kernels.columns());
  grid.column_blocks = ceil_div(size.n, grid.block_columns);
  const std::int64_t others = size.groups * grid.column_blocks;
  const std::int64_t wanted = std::max(ceil_div(size.m, kMostRows), ceil_div(num_threads(), others));
  grid.block_rows = round_up(ceil_div(size.m, wanted), kernels.rows);
  grid.row_blocks = ceil_div(size.m, grid.block_rows);
  grid.blocks = others * grid.row_blocks;
  return grid;
}

/// Computes blocks. The packed right operand lies in the second-level cache and runs past one strip of the
/// left operand after the other, which the first-level cache keeps; the result is written along its rows.
template <class T>
class Worker {
 public:
  Worker(const GemmKernels<T>& kernels, const GemmSize& size, const Grid& grid, const GemmLeft<T>& left,
         const GemmRight<T>& right, const GemmResult<T>& result)
      : kernels_(kernels), size_(size), grid_(grid), left_(left), right_(right), result_(result) {
    tile_size_ = kernels.rows * kernels.columns();
    row_length_ = right.row_length();
    strip_size_ = round_up(kernels.rows * kGemmRowStep + kGemmPackSlack, kGemmPackSlack);
    panel_step_ = round_up(std::min(size.k, kGemmDepth) * kernels.columns() + kGemmPackSlack, kGemmPackSlack);
    panels_ = grid.block_columns / kernels.columns();
    partial_size_ = size.k > kGemmDepth ? grid.block_rows * grid.block_columns : 0;
  }

  /// Elements that `run` needs.
  [[nodiscard]] std::int64_t scratch_size() const {
    return strip_size_ + panels_ * panel_step_ + partial_size_ + tile_size_;
  }

  void run(std::int64_t block, T* scratch) const {
    const std::int64_t group = block / (grid_.row_blocks * grid_.column_blocks);
    const std::int64_t rest = block % (grid_.row_blocks * grid_.column_blocks);
    const std::int64_t j = rest / grid_.row_blocks * grid_.block_columns;
    const std::int64_t i = rest % grid_.row_blocks * grid_.block_rows;
    Block at{};
    at.group = group;
    at.i = i;
    at.rows = std::min(size_.m - i, grid_.block_rows);
    at.j = j;
    at.columns = std::min(size_.n - j, grid_.block_columns);
    at.strip = scratch;
    at.right = at.strip + strip_size_;
    at.partial = at.right + panels_ * panel_step_;
    at.tile = at.partial + partial_size_;
    std::array<Panel, kMostPanels> panels;
    at.panels = panels.data();
    at.panel_count = cut(group, j, at.columns, at.panels);
    do {
      at.depth = std::min(kGemmDepth, size_.k - at.p);
      if (row_length_ == 0) {
        right_.pack(kernels_, group, at.p, at.depth, j, at.columns, at.right, panel_step_);
        for (std::int64_t panel = 0; panel < at.panel_count; ++panel)
          at.panels[panel].right = at.right + panel * panel_step_;
      }
      strips(at);
      at.p += at.depth;
    } while (at.p < size_.k);
  }

 private:
  static constexpr std::int64_t kMostPanels = kGemmColumns;

  /// Columns that one tile covers.
  struct Panel {
    std::int64_t first, columns;  // within the block
    const T* right;
    GemmRows<T> target;  // none when the columns do not lie side by side in the result
  };

  struct Block {
    std::int64_t group, i, rows, j, columns;
    std::int64_t p, depth;       // what is being added up
    T *strip, *right, *partial;  // packed operands and unfinished sums
    T* tile;                     // sums that cannot be written in place
    Panel* panels;
    std::int64_t panel_count;
  };

  /// Cuts columns [j, j + columns) into panels, at the ends of rows too when they are read in place.
  std::int64_t cut(std::int64_t group, std::int64_t j, std::int64_t columns, Panel* panels) const {
    std::int64_t count = 0;
    for (std::int64_t first = 0; first < columns; ++count) {
      std::int64_t width = std::min(kernels_.columns(), columns - first);
      const T* right = nullptr;
      if (row_length_ > 0) {
        width = std::min(width, row_length_ - (j + first) % row_length_);
        right = right_.in_place(group, j + first);
      }
      panels[count] = {first, width, right, result_.direct(group, j + first, width)};
      first += width;
    }
    return count;
  }

  void strips(const Block& at) const {
    // Of heights that differ by one at most: short tiles have too few sums to keep the units busy.
    const std::int64_t count = ceil_div(at.rows, kernels_.rows);
    for (std::int64_t strip = 0; strip < count; ++strip) {
      const std::int64_t begin = at.rows * strip / count;
      const std::int64_t rows = at.rows * (strip + 1) / count - begin;
      left_.pack(kernels_, at.group, at.i + begin, rows, at.p, at.depth, at.strip);
      for (std::int64_t i = 0; i < at.panel_count; ++i) compute(at, begin, rows, at.panels[i]);
    }
  }

  /// One tile, `row` counting within the block: the sums over this block's depths, on top of those of the
  /// depths before.
  void compute(const Block& at, std::int64_t row, std::int64_t rows, const Panel& panel) const {
    const bool is_first = at.p == 0;
    const bool is_last = at.p + at.depth == size_.k;
    GemmTile<T> tile{};
    tile.depth = at.depth;
    tile.a = at.strip;
    tile.b = panel.right;
    if (row_length_ > 0) tile.b_offsets = right_.offsets() + at.p;
    tile.columns = panel.columns;
    tile.to = at.partial + row * grid_.block_columns + panel.first;
    tile.to_step = grid_.block_columns;
    if (!is_first) {
      tile.from = tile.to;
      tile.from_step = tile.to_step;
    } else {
      const T* const row_bias = result_.row_bias(at.group);
      const T* const column_bias = result_.column_bias();
      if (row_bias != nullptr) tile.row_bias = row_bias + at.i + row;
      if (column_bias != nullptr) tile.from = column_bias + at.j + panel.first;
    }
    bool is_stored = true;
    if (is_last) {
      tile.activation = result_.activation();
      is_stored = panel.target.data != nullptr && !(result_.accumulates() && tile.from != nullptr);
      tile.to = is_stored ? panel.target.data + (at.i + row) * panel.target.step : at.tile;
      tile.to_step = is_stored ? panel.target.step : kernels_.columns();
      if (is_stored && result_.accumulates()) {
        tile.from = tile.to;
        tile.from_step = tile.to_step;
      }
    }
    const auto& tiles = row_length_ > 0 ? kernels_.tiles_in_place : kernels_.tiles;
    tiles[rows - 1][panel.columns > kernels_.lanes ? 1 : 0](tile);
    if (!is_stored)
      result_.store(at.group, at.i + row, rows, at.j + panel.first, panel.columns, {at.tile, tile.to_step});
  }

  const GemmKernels<T>& kernels_;
  const GemmSize& size_;
  const Grid& grid_;
  const GemmLeft<T>& left_;
  const GemmRight<T>& right_;
  const GemmResult<T>& result_;
  std::int64_t tile_size_, strip_size_, panel_step_, panels_, partial_size_, row_length_;
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
