// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace fathom::detail {

/// Multiply-adds below which a thread is not worth its start.
inline constexpr std::int64_t kGrainProducts = 1 << 18;

[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
[[nodiscard]] constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

/// The result cut into blocks that one thread computes at a time.
struct GemmGrid {
  std::int64_t block_rows, block_columns;
  std::int64_t row_blocks, column_blocks;
  std::int64_t blocks;
};

/// Rows of a block that make one row of tiles.
struct GemmStrip {
  std::int64_t begin, rows;
};

/// The strips of `rows` rows, of heights that differ by one at most: short tiles have too few sums to keep
/// the units busy.
class GemmStrips {
 public:
  GemmStrips(std::int64_t rows, std::int64_t most) : rows_(rows), count_(ceil_div(rows, most)) {}
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] GemmStrip operator[](std::int64_t strip) const {
    const std::int64_t begin = rows_ * strip / count_;
    return {begin, rows_ * (strip + 1) / count_ - begin};
  }

 private:
  std::int64_t rows_, count_;
};

}  // namespace fathom::detail
