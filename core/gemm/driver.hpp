// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <fathom/core/activation.hpp>
#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/kernel.hpp>
#include <fathom/core/gemm/prefetch.hpp>

namespace fathom::detail {

/// The most rows of a block of kGemmColumns columns: bounds the partial sums that wait for more depths. For
/// second-level caches of 512 KiB and more, of which a packed block of the right operand takes up to 256.
inline constexpr std::int64_t kGemmMostRows = 384;

/// A block of memory with rows `step` apart; none when `data` is null.
template <class T>
struct GemmRows {
  T* data = nullptr;
  std::int64_t step = 0;
};

/// Where the products' operands come from and where they go. A product is run for each of several groups;
/// rows i, columns j and depths p count within the group. Implementations are called from several threads at
/// once.
template <class T>
class GemmLeft {
 public:
  virtual ~GemmLeft() = default;
  /// Packs rows [i, i + rows), depths [p, p + depth): element (r, q) to strip[r * kGemmRowStep + q].
  virtual void pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t i, std::int64_t rows,
                    std::int64_t p, std::int64_t depth, T* strip) const = 0;
  /// Adds what such a pack reads.
  virtual void announce(std::int64_t /*group*/, std::int64_t /*i*/, std::int64_t /*rows*/, std::int64_t /*p*/,
                        std::int64_t /*depth*/, GemmPieces& /*pieces*/) const {}
};

/// Columns [first, first + count) of the result.
struct GemmColumns {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// It is packed in panels, which are read from one end to the other or, where that costs more than it saves,
/// read in place: from where it lies, or from where it has laid itself out for a block.
template <class T>
class GemmRight {
 public:
  virtual ~GemmRight() = default;
  /// Packs depths [p, p + depth) of columns [j, j + columns), at most kGemmColumns: panels of
  /// kernels.columns() columns, depth by depth, `panel_step` apart. What lies behind the last column does not
  /// matter.
  virtual void pack(const GemmKernels<T>& /*kernels*/, std::int64_t /*group*/, std::int64_t /*p*/,
                    std::int64_t /*depth*/, std::int64_t /*j*/, std::int64_t /*columns*/, T* /*panels*/,
                    std::int64_t /*panel_step*/) const {}
  /// Adds what such a pack, or `lay_out`, reads.
  virtual void announce(std::int64_t /*group*/, std::int64_t /*p*/, std::int64_t /*depth*/,
                        std::int64_t /*j*/, std::int64_t /*columns*/, GemmPieces& /*pieces*/) const {}

  /// Read in place if above 0: no tile's columns pass a multiple of it, so that columns [c, c + count) of
  /// depth p + q lie at in_place(group, j, c, space) + offsets[q].
  [[nodiscard]] virtual std::int64_t row_length() const { return 0; }
  /// Before the tiles of depths [p, p + depth) and columns [j, j + columns): puts what they read into `space`
  /// of `space_size()` elements, if it has to, and returns offsets, its own or `depth` of them in `offsets`.
  [[nodiscard]] virtual const std::int64_t* lay_out(const GemmKernels<T>& /*kernels*/, std::int64_t /*group*/,
                                                    std::int64_t /*p*/, std::int64_t /*depth*/,
                                                    std::int64_t /*j*/, std::int64_t /*columns*/,
                                                    T* /*space*/, std::int64_t* /*offsets*/) const {
    return nullptr;
  }
  [[nodiscard]] virtual std::int64_t space_size() const { return 0; }
  /// Where column `c` of the block that begins with column `j` starts.
  [[nodiscard]] virtual const T* in_place(std::int64_t /*group*/, std::int64_t /*j*/, std::int64_t /*c*/,
                                          const T* /*space*/) const {
    return nullptr;
  }

  /// Blocks of columns that suit an operand which lays itself out, of at most block_columns() columns and
  /// kGemmMostPanels panels; 0: kGemmColumns at a time.
  [[nodiscard]] virtual std::int64_t column_blocks() const { return 0; }
  [[nodiscard]] virtual std::int64_t block_columns() const { return 0; }
  [[nodiscard]] virtual GemmColumns block(std::int64_t /*index*/) const { return {}; }
};

/// What becomes of sums before they are written: a bias is added, then the activation applied.
template <class T>
struct GemmEpilogue {
  const T* bias = nullptr;
  Activation activation = Activation::none;
};

template <class T>
class GemmResult {
 public:
  explicit GemmResult(bool accumulates, Activation activation = Activation::none)
      : accumulates_(accumulates), activation_(activation) {}
  virtual ~GemmResult() = default;
  GemmResult(const GemmResult&) = delete;
  GemmResult& operator=(const GemmResult&) = delete;

  /// Added to each row, or each column, of a group's sums; null: nothing.
  [[nodiscard]] virtual const T* row_bias(std::int64_t /*group*/) const { return nullptr; }
  [[nodiscard]] virtual const T* column_bias() const { return nullptr; }
  /// The result's own memory at row 0 when each row's columns [j, j + columns) lie there side by side, else
  /// null. Asked for a tile, then for each of its two vectors; `store` gets finished tiles of which one has
  /// none, or that are added to vectors which lie apart.
  [[nodiscard]] virtual GemmRows<T> direct(std::int64_t group, std::int64_t j,
                                           std::int64_t columns) const = 0;
  virtual void store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j,
                     std::int64_t columns, GemmRows<const T> tile) const = 0;
  /// Whether tiles are added to what is there; not together with an activation.
  [[nodiscard]] bool accumulates() const { return accumulates_; }
  [[nodiscard]] Activation activation() const { return activation_; }

 private:
  bool accumulates_;
  Activation activation_;
};

struct GemmSize {
  std::int64_t groups = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t part = kGemmDepth;  ///< depths that are summed before they meet the sums of those before
};

/// Runs the products: result (m, n) = left (m, k) * right (k, n). Counted as kernel `name`, a string literal.
/// Each element's sum runs over k in one fixed order, part by part, so the bits do not depend on the number
/// of threads.
template <class T>
void run_gemm(std::string_view name, const GemmSize& size, const GemmLeft<T>& left, const GemmRight<T>& right,
              const GemmResult<T>& result);

/// The tiles themselves, for operands that are best cut in another way.
template <class T>
[[nodiscard]] const GemmKernels<T>& gemm_kernels(Isa isa);

extern template const GemmKernels<float>& gemm_kernels<float>(Isa);
extern template const GemmKernels<double>& gemm_kernels<double>(Isa);
extern template void run_gemm<float>(std::string_view, const GemmSize&, const GemmLeft<float>&,
                                     const GemmRight<float>&, const GemmResult<float>&);
extern template void run_gemm<double>(std::string_view, const GemmSize&, const GemmLeft<double>&,
                                      const GemmRight<double>&, const GemmResult<double>&);

}  // namespace fathom::detail
