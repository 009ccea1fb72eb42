// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <fathom/core/gemm/kernel.hpp>

namespace fathom::detail {

/// Pieces of memory that are going to be read, and how far they have been asked for.
class GemmPieces {
 public:
  void clear() {
    count_ = taken_ = 0;
    lines_ = 0;
  }
  /// `size` elements from `first` on; those that find no room are not asked for.
  template <class T>
  void add(const T* first, std::int64_t size) {
    const auto* const begin = reinterpret_cast<const char*>(first);
    const auto* const end = reinterpret_cast<const char*>(first + size);
    if (count_ > 0 && begin >= end_ && begin - end_ <= kCacheLine) {
      Piece& last = pieces_[count_ - 1];
      const std::int64_t more = (end - last.first + kCacheLine - 1) / kCacheLine - last.lines;
      last.lines += more;
      lines_ += more;
    } else if (count_ < kMost) {
      const std::int64_t lines = (end - begin + kCacheLine - 1) / kCacheLine + 1;  // it may begin within one
      pieces_[count_++] = {begin, lines};
      lines_ += lines;
    }
    end_ = end;
  }
  [[nodiscard]] bool is_full() const { return count_ == kMost; }
  /// Those that have not been taken.
  [[nodiscard]] std::int64_t lines() const { return lines_; }
  /// Puts the next lines, at most `most`, of one piece into `lines` and returns how many they are.
  std::int64_t take(std::int64_t most, GemmLines& lines) {
    if (taken_ == count_) return 0;
    Piece& piece = pieces_[taken_];
    const std::int64_t count = std::min(most, piece.lines);
    lines.set(piece.first, kCacheLine, count);
    piece.first += count * kCacheLine;
    piece.lines -= count;
    lines_ -= count;
    if (piece.lines == 0) ++taken_;
    return count;
  }

 private:
  static constexpr std::int64_t kCacheLine = 64;
  static constexpr std::size_t kMost = kGemmDepth;
  struct Piece {
    const char* first;
    std::int64_t lines;
  };
  std::array<Piece, kMost> pieces_;  // of which the first `count_` are in use
  std::size_t count_ = 0, taken_ = 0;
  std::int64_t lines_ = 0;
  const char* end_ = nullptr;  // of the last piece
};

}  // namespace fathom::detail
