// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/array.hpp>

namespace fathom {

/// C = op(A) * op(B), or C += with `accumulate`; op transposes the last two axes where asked.
/// a (m, k) or (k, m) when `transpose_a`, b (k, n) or (n, k) when `transpose_b`; the result is (m, n).
/// float32 or float64, both the same. Throws ShapeError, DTypeError.
[[nodiscard]] FATHOM_EXPORT Array gemm(const Array& a, const Array& b, bool transpose_a = false,
                                       bool transpose_b = false);

/// As above on raw rows with leading dimensions (elements between rows of the stored matrices), T float or
/// double. C has m rows of n elements, ldc apart; it must not overlap A or B.
/// Up to 64 bytes behind A and B may be read, as Arrays provide. The same bits for any number of
/// threads.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, bool accumulate, T* c, std::int64_t ldc);

extern template FATHOM_EXPORT void gemm<float>(bool, bool, std::int64_t, std::int64_t, std::int64_t,
                                               const float*, std::int64_t, const float*, std::int64_t, bool,
                                               float*, std::int64_t);
extern template FATHOM_EXPORT void gemm<double>(bool, bool, std::int64_t, std::int64_t, std::int64_t,
                                                const double*, std::int64_t, const double*, std::int64_t,
                                                bool, double*, std::int64_t);

}  // namespace fathom
