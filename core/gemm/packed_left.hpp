// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/gemm/grid.hpp>
#include <fathom/core/gemm/scratch.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::detail {

/// The left operand in strips: all of them packed beforehand where several blocks of columns meet them and
/// they are few, as weights are, else one at a time.
template <class T>
class PackedLeft {
 public:
  PackedLeft(const GemmKernels<T>& kernels, const GemmSize& size, const GemmGrid& grid,
             const GemmLeft<T>& left)
      : kernels_(kernels),
        size_(size),
        grid_(grid),
        left_(left),
        strip_size_(round_up(kernels.rows * kGemmRowStep + kGemmPackSlack, kGemmPackSlack)),
        chunks_(ceil_div(size.k, size.part)),
        block_strips_(ceil_div(grid.block_rows, kernels.rows)),
        packed_(is_packed() ? strips() * chunks_ * strip_size_ : 0) {
    if (is_packed()) pack_all();
  }

  /// Elements that `strip` needs.
  [[nodiscard]] std::int64_t scratch_size() const { return strip_size_; }

  /// Depths [p, p + depth) of strip `index` of the rows [i, i + rows) of a block.
  [[nodiscard]] const T* strip(std::int64_t group, std::int64_t i, std::int64_t index, const GemmStrip& at,
                               std::int64_t p, std::int64_t depth, T* scratch) const {
    if (is_packed()) return place(group, i, index, p);
    left_.pack(kernels_, group, i + at.begin, at.rows, p, depth, scratch);
    return scratch;
  }
  /// Adds what `strip` will read.
  void announce(std::int64_t group, std::int64_t i, std::int64_t index, const GemmStrip& at, std::int64_t p,
                std::int64_t depth, GemmPieces& pieces) const {
    if (!is_packed()) return left_.announce(group, i + at.begin, at.rows, p, depth, pieces);
    // What is small has not left the cache.
    if (size_.groups * size_.m * size_.k * std::int64_t{sizeof(T)} <= kKeptBytes) return;
    const T* const from = place(group, i, index, p);
    // The rest of a short row lies in the cache, untouched, and is not asked for.
    for (std::int64_t r = 0; r < at.rows; ++r) pieces.add(from + r * kGemmRowStep, depth);
  }

 private:
  static constexpr std::int64_t kMostPacked = 1 << 21;  // elements: what the last cache holds easily
  static constexpr std::int64_t kKeptBytes = 1 << 16;   // what the second-level cache keeps beside a block

  [[nodiscard]] std::int64_t strips() const { return size_.groups * grid_.row_blocks * block_strips_; }
  [[nodiscard]] bool is_packed() const {
    return grid_.column_blocks > 2 && strips() * chunks_ <= kMostPacked / strip_size_;
  }
  [[nodiscard]] T* place(std::int64_t group, std::int64_t i, std::int64_t index, std::int64_t p) const {
    const std::int64_t block = group * grid_.row_blocks + i / grid_.block_rows;
    return packed_.data() + ((block * block_strips_ + index) * chunks_ + p / size_.part) * strip_size_;
  }
  void pack_all() const {
    constexpr std::int64_t kGrain = 1 << 15;  // elements
    const std::int64_t grain = ceil_div(kGrain, std::max<std::int64_t>(kernels_.rows * size_.k, 1));
    fathom::parallel_for(strips(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t strip = begin; strip < end; ++strip) {
        const std::int64_t block = strip / block_strips_;
        const std::int64_t i = block % grid_.row_blocks * grid_.block_rows;
        const GemmStrips cut(std::min(size_.m - i, grid_.block_rows), kernels_.rows);
        const std::int64_t index = strip % block_strips_;
        if (index >= cut.count()) continue;
        const auto [first, rows] = cut[index];
        for (std::int64_t p = 0; p < size_.k; p += size_.part) {
          const std::int64_t group = block / grid_.row_blocks;
          left_.pack(kernels_, group, i + first, rows, p, std::min(size_.part, size_.k - p),
                     place(group, i, index, p));
        }
      }
    });
  }

  const GemmKernels<T>& kernels_;
  const GemmSize& size_;
  const GemmGrid& grid_;
  const GemmLeft<T>& left_;
  std::int64_t strip_size_, chunks_, block_strips_;
  GemmScratch<T> packed_;
};

}  // namespace fathom::detail
