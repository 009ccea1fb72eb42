// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>

#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/gemm/packed_left.hpp>

namespace fathom::detail {

/// Computes blocks. The packed right operand lies in the second-level cache and runs past one strip of the
/// left operand after the other, which the first-level cache keeps; the result is written along its rows.
/// Meanwhile tiles ask for what comes next, since memory takes as long as dozens of steps of a tile.
template <class T>
class GemmWorker {
 public:
  GemmWorker(const GemmKernels<T>& kernels, const GemmSize& size, const GemmGrid& grid,
             const PackedLeft<T>& left, const GemmRight<T>& right, const GemmResult<T>& result)
      : kernels_(kernels), size_(size), grid_(grid), left_(left), right_(right), result_(result) {
    tile_size_ = kernels.rows * kernels.columns();
    row_length_ = right.row_length();
    panel_step_ = round_up(std::min(size.k, size.part) * kernels.columns() + kGemmPackSlack, kGemmPackSlack);
    right_size_ = row_length_ > 0 ? round_up(right.space_size(), kGemmPackSlack)
                                  : grid.block_columns / kernels.columns() * panel_step_;
    const std::int64_t depth = std::min(size.k, size.part);
    most_few_ = row_length_ > 0 ? 0 : std::min(kGemmFewColumns, depth / kDepthsForColumn);
    splits_ = most_few_ > 0 && kernels.rows * depth >= kProductsForSplit;
    few_size_ = most_few_ * kGemmDepth;
    partial_size_ = size.k > size.part ? grid.block_rows * grid.block_columns : 0;
    const std::int64_t elements = size.m * size.k + size.k * size.n + size.m * size.n;
    prefetches_ = elements * std::int64_t{sizeof(T)} >= kPrefetchedBytes && size.k >= kPrefetchedDepth;
  }

  /// Elements that `run` needs.
  [[nodiscard]] std::int64_t scratch_size() const {
    return left_.scratch_size() + right_size_ + few_size_ + partial_size_ + tile_size_;
  }

  /// Computes a block; `next` is the one that this thread computes then, or none if negative.
  void run(std::int64_t block, std::int64_t next, T* scratch) const {
    Block at = find(block);
    at.strip = scratch;
    at.right = at.strip + left_.scratch_size();
    at.few = at.right + right_size_;
    at.partial = at.few + few_size_;
    at.tile = at.partial + partial_size_;
    std::array<Panel, kGemmMostPanels> panels;
    at.panels = panels.data();
    at.panel_count = cut(at, at.panels);
    std::int64_t offsets[kGemmDepth];
    Soon soon;
    while (true) {
      if (row_length_ > 0) {
        at.offsets = right_.lay_out(kernels_, at.group, at.p, at.depth, at.j, at.columns, at.right, offsets);
      } else {
        right_.pack(kernels_, at.group, at.p, at.depth, at.j, at.columns, at.right, panel_step_);
        for (Panel* panel = at.panels; panel != at.panels + at.panel_count; ++panel) {
          panel->right = at.right + panel->first / kernels_.columns() * panel_step_;
          if (panel->is_few) take_few(at, *panel);
        }
        for (std::int64_t q = 0; is_shallow(at) && q < at.depth; ++q) offsets[q] = q * kernels_.columns();
        at.offsets = offsets;
      }
      const bool is_last = at.p + at.depth == size_.k;
      if (is_last && next < 0) return strips(at, nullptr, soon);
      Block then = is_last ? find(next) : at;
      if (!is_last) then.go_to(at.p + at.depth, size_);
      strips(at, &then, soon);
      if (is_last) return;
      at = then;
    }
  }

 private:
  static constexpr std::int64_t kPrefetchedBytes = 1 << 17;  // what is smaller is in the caches anyway
  static constexpr std::int64_t kDepthsForLine = 4;
  static constexpr std::int64_t kDepthsAhead = 96;  // of tiles between asking for memory and writing there
  static constexpr std::int64_t kMostAddresses = 1024;
  // Below so many depths adding up the lanes of one more sum costs more than a tile's empty lanes do.
  static constexpr std::int64_t kDepthsForColumn = 32;
  // Of a tile's column, above which the one that is more than a vector is better computed on its own.
  static constexpr std::int64_t kProductsForSplit = 1536;
  static constexpr std::int64_t kPrefetchedDepth = 16;  // below that a tile is too short to ask

  using Panel = GemmPanel<T>;

  struct Block {
    std::int64_t group, i, rows, j, columns;
    std::int64_t p, depth;             // what is being added up
    T *strip, *right, *few, *partial;  // packed operands, columns of the right one, and unfinished sums
    const std::int64_t* offsets;       // of the right operand's depths, where it is read in place or shallow
    T* tile;                           // sums that cannot be written in place
    Panel* panels;
    std::int64_t panel_count;

    void go_to(std::int64_t first, const GemmSize& size) {
      p = first;
      depth = std::min(size.part, size.k - first);
    }
  };

  /// What is asked for while tiles compute.
  struct Soon {
    GemmPieces left, right;                // of the next strip; of the next depths or block
    std::int64_t left_lines, right_lines;  // for each tile
    const T* results[kGemmMostPanels];     // where tiles of a row ask for the result
    const char* addresses[kMostAddresses + kGemmMostPanels];  // of lines, for them
    const Panel* panel;               // of the tile that will be written next or soon after
    GemmStrip strip;                  // its rows, if there are any
    std::int64_t tiles;               // until the next depths or block
    std::array<GemmLines, 16> lines;  // for one tile
  };

  [[nodiscard]] Block find(std::int64_t block) const {
    const std::int64_t rest = block % (grid_.row_blocks * grid_.column_blocks);
    Block at{};
    at.group = block / (grid_.row_blocks * grid_.column_blocks);
    at.i = rest % grid_.row_blocks * grid_.block_rows;
    at.rows = std::min(size_.m - at.i, grid_.block_rows);
    if (right_.column_blocks() > 0) {
      const GemmColumns columns = right_.block(rest / grid_.row_blocks);
      at.j = columns.first;
      at.columns = columns.count;
    } else {
      at.j = rest / grid_.row_blocks * grid_.block_columns;
      at.columns = std::min(size_.n - at.j, grid_.block_columns);
    }
    at.go_to(0, size_);
    return at;
  }

  /// Cuts a block's columns into panels, at the ends of rows too when they are read in place.
  std::int64_t cut(const Block& at, Panel* panels) const {
    std::int64_t count = 0;
    for (std::int64_t first = 0; first < at.columns; ++count) {
      const std::int64_t j = at.j + first;
      std::int64_t width = std::min(kernels_.columns(), at.columns - first);
      const T* right = nullptr;
      if (row_length_ > 0) {
        width = std::min(width, row_length_ - j % row_length_);
        right = right_.in_place(at.group, at.j, j, at.right);
      }
      const std::int64_t over = width % kernels_.lanes;
      const bool ends_with_few = 0 < over && over <= (width == over ? most_few_ : splits_ ? 1 : 0);
      if (ends_with_few && width > over) width -= over;
      const GemmRows<T> target = result_.direct(at.group, j, width);
      panels[count] = {first, width, right, target.data, target.step, 0, ends_with_few && width == over};
      if (target.data == nullptr && width > kernels_.lanes) {
        const GemmRows<T> one = result_.direct(at.group, j, kernels_.lanes);
        const GemmRows<T> other = result_.direct(at.group, j + kernels_.lanes, width - kernels_.lanes);
        if (one.data != nullptr && other.data != nullptr) {
          panels[count].to = one.data;
          panels[count].to_step = one.step;
          panels[count].gap = other.data - one.data - kernels_.lanes;
        }
      }
      first += width;
    }
    return count;
  }

  /// Lays out the few columns of a packed panel.
  void take_few(const Block& at, Panel& panel) const {
    const T* from = panel.right + panel.first % kernels_.columns();
    for (std::int64_t p = 0; p < at.depth; ++p, from += kernels_.columns()) {
      for (std::int64_t c = 0; c < panel.columns; ++c) at.few[c * kGemmDepth + p] = from[c];
    }
    panel.right = at.few;
  }

  /// The depths of one block; `then` is what follows, if anything.
  void strips(const Block& at, const Block* then, Soon& soon) const {
    const GemmStrips cut(at.rows, kernels_.rows);
    soon.right.clear();
    if (prefetches_ && then != nullptr)
      right_.announce(then->group, then->p, then->depth, then->j, then->columns, soon.right);
    soon.tiles = cut.count() * at.panel_count;
    const std::int64_t ahead = prefetches_ ? std::min(at.panel_count, kDepthsAhead / at.depth) : 0;
    soon.right_lines = std::max(ceil_div(soon.right.lines(), soon.tiles), at.depth / kDepthsForLine);
    for (std::int64_t index = 0; index < cut.count(); ++index) {
      const GemmStrip strip = cut[index];
      const T* const a = left_.strip(at.group, at.i, index, strip, at.p, at.depth, at.strip);
      soon.left.clear();
      if (prefetches_ && index + 1 < cut.count()) {
        left_.announce(at.group, at.i, index + 1, cut[index + 1], at.p, at.depth, soon.left);
      } else if (prefetches_ && then != nullptr) {
        const GemmStrip first = GemmStrips(then->rows, kernels_.rows)[0];
        left_.announce(then->group, then->i, 0, first, then->p, then->depth, soon.left);
      }
      soon.left_lines = ceil_div(soon.left.lines(), at.panel_count);
      const GemmStrip following = index + 1 < cut.count() ? cut[index + 1] : GemmStrip{};
      const auto look_ahead = [&](std::int64_t i) {
        const std::int64_t later = i + ahead;
        const bool is_here = later < at.panel_count;
        soon.panel = at.panels + (is_here ? later : later - at.panel_count);
        soon.strip = is_here ? strip : following;
      };
      const bool has_rows = is_shallow(at) && kernels_.tile_rows[strip.rows - 1] != nullptr;
      for (std::int64_t i = 0; i < at.panel_count;) {
        std::int64_t end = i;
        for (; has_rows && end < at.panel_count && is_plain(at.panels[end]); ++end) {
          look_ahead(end);
          soon.results[end] = prefetches_ ? result_soon(at.i, soon) : nullptr;
        }
        if (end > i) {
          compute_row(at, strip, a, i, end, soon);
          i = end;
        } else {
          look_ahead(i);
          compute(at, strip, a, at.panels[i++], soon);
        }
      }
    }
  }

  /// Whether tiles are so short that rows of them are worth a kernel of their own, and need nothing that this
  /// does not do.
  [[nodiscard]] bool is_shallow(const Block& at) const {
    return at.depth <= kDepthsAhead && at.depth == size_.k && !result_.accumulates() &&
           result_.column_bias() == nullptr;
  }
  [[nodiscard]] bool is_plain(const Panel& panel) const {
    return panel.to != nullptr && panel.gap == 0 && panel.columns == kernels_.columns();
  }

  /// The tiles of the panels [begin, end), which are plain.
  void compute_row(const Block& at, const GemmStrip& strip, const T* a, std::int64_t begin, std::int64_t end,
                   Soon& soon) const {
    GemmTileRow<T> tiles{};
    tiles.panels = at.panels + begin;
    tiles.panels_end = at.panels + end;
    tiles.row = at.i + strip.begin;
    tiles.depth = at.depth;
    tiles.a = a;
    tiles.b_offsets = at.offsets;
    if (const T* const bias = result_.row_bias(at.group); bias != nullptr) tiles.row_bias = bias + tiles.row;
    tiles.activation = result_.activation();
    tiles.soon = soon.results + begin;
    tiles.lines = soon.addresses;
    if (prefetches_) {
      std::int64_t count = 0;
      const auto take = [&](GemmPieces& pieces, std::int64_t share) {
        share = std::min<std::int64_t>(share, kMostAddresses - count);
        for (GemmLines lines; share > 0 && pieces.take(share, lines) > 0; share -= lines.count) {
          for (std::int64_t i = 0; i < lines.count; ++i)
            soon.addresses[count++] = lines.first + i * lines.step;
        }
      };
      soon.tiles -= end - begin;
      take(soon.left, (end - begin) * soon.left_lines);
      take(soon.right, soon.right.lines() - soon.tiles * soon.right_lines);
      tiles.line_count = ceil_div(count, end - begin);
      std::fill(soon.addresses + count, soon.addresses + tiles.line_count * (end - begin),
                reinterpret_cast<const char*>(a));
    }
    kernels_.tile_rows[strip.rows - 1](tiles);
  }

  /// One tile: the sums over this block's depths, on top of those of the depths before.
  void compute(const Block& at, const GemmStrip& strip, const T* a, const Panel& panel, Soon& soon) const {
    const bool is_first = at.p == 0;
    const bool is_last = at.p + at.depth == size_.k;
    GemmTile<T> tile{};
    tile.depth = at.depth;
    tile.a = a;
    tile.b = panel.right;
    if (row_length_ > 0) tile.b_offsets = at.offsets;
    tile.columns = panel.columns;
    tile.to = at.partial + strip.begin * grid_.block_columns + panel.first;
    tile.to_step = grid_.block_columns;
    if (!is_first) {
      tile.from = tile.to;
      tile.from_step = tile.to_step;
    } else {
      const T* const row_bias = result_.row_bias(at.group);
      const T* const column_bias = result_.column_bias();
      if (row_bias != nullptr) tile.row_bias = row_bias + at.i + strip.begin;
      if (column_bias != nullptr) tile.from = column_bias + at.j + panel.first;
    }
    bool is_stored = true;
    if (is_last) {
      tile.activation = result_.activation();
      is_stored = panel.to != nullptr && !(result_.accumulates() && (tile.from != nullptr || panel.gap != 0));
      tile.to = is_stored ? panel.to + (at.i + strip.begin) * panel.to_step : at.tile;
      tile.to_step = is_stored ? panel.to_step : kernels_.columns();
      tile.gap = is_stored ? panel.gap : 0;
      if (is_stored && result_.accumulates()) {
        tile.from = tile.to;
        tile.from_step = tile.to_step;
      }
    }
    if (panel.is_few) {
      --soon.tiles;
      kernels_.few_columns(tile, strip.rows);
    } else {
      if (prefetches_) prefetch(tile, is_last ? at.i : -1, soon);
      const auto& tiles = row_length_ > 0 ? kernels_.tiles_in_place : kernels_.tiles;
      tiles[strip.rows - 1][panel.columns > kernels_.lanes ? 1 : 0](tile);
    }
    if (!is_stored) {
      result_.store(at.group, at.i + strip.begin, strip.rows, at.j + panel.first, panel.columns,
                    {at.tile, tile.to_step});
    }
  }

  /// Where the tile that `soon` names will be written, if anywhere; `row` is the block's first one.
  static const T* result_soon(std::int64_t row, const Soon& soon) {
    const Panel& panel = *soon.panel;
    if (panel.to == nullptr || soon.strip.rows == 0) return nullptr;
    return panel.to + (row + soon.strip.begin) * panel.to_step;
  }

  /// Has the tile ask for the memory where one will be written, in the block of rows from `result_row` on
  /// (none if negative), and for its share of what comes next.
  static void prefetch(GemmTile<T>& tile, std::int64_t result_row, Soon& soon) {
    std::size_t count = 0;
    const T* const first = result_row < 0 ? nullptr : result_soon(result_row, soon);
    if (first != nullptr) {
      const Panel& panel = *soon.panel;
      const T* const last = first + panel.columns - 1 + panel.gap;
      const std::int64_t step = panel.to_step * std::int64_t{sizeof(T)};
      soon.lines[count++].set(reinterpret_cast<const char*>(first), step, soon.strip.rows);
      soon.lines[count++].set(reinterpret_cast<const char*>(last), step, soon.strip.rows);
    }
    const auto take = [&](GemmPieces& pieces, std::int64_t share) {
      while (share > 0 && count < soon.lines.size()) {
        const std::int64_t taken = pieces.take(share, soon.lines[count]);
        if (taken == 0) return;
        ++count;
        share -= taken;
      }
    };
    take(soon.left, soon.left_lines);
    // As late as possible: until then others need the cache.
    --soon.tiles;
    take(soon.right, soon.right.lines() - soon.tiles * soon.right_lines);
    tile.lines = soon.lines.data();
    tile.line_rows = static_cast<std::int64_t>(count);
  }

  const GemmKernels<T>& kernels_;
  const GemmSize& size_;
  const GemmGrid& grid_;
  const PackedLeft<T>& left_;
  const GemmRight<T>& right_;
  const GemmResult<T>& result_;
  bool prefetches_;
  bool splits_;  // panels of one column more than a vector
  std::int64_t most_few_;
  std::int64_t tile_size_, panel_step_, right_size_, few_size_, partial_size_, row_length_;
};

}  // namespace fathom::detail
