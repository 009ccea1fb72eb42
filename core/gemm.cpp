// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/gemm.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/core/gemm/matrix.hpp>
#include <fathom/core/row_products.hpp>

namespace fathom {

template <class T>
void detail::matrix_product(const GemmSize& size, GemmMatrix<const T> a, bool transpose_a,
                            GemmMatrix<const T> b, bool transpose_b, GemmMatrix<T> c, bool accumulate,
                            GemmEpilogue<T> epilogue) {
  if (size.groups == 1 && size.m > 0 && size.m <= kFewRows && size.k > 0 && !transpose_a && transpose_b) {
    return row_products<T>({.m = size.m,
                            .n = size.n,
                            .k = size.k,
                            .a = a.group(0),
                            .a_step = a.step,
                            .b = b.group(0),
                            .b_step = b.step,
                            .c = c.group(0),
                            .c_step = c.step,
                            .bias = epilogue.bias,
                            .activation = epilogue.activation,
                            .accumulates = accumulate});
  }
  // Both operands are packed: a copy for rows that lie as tiles read them, else a transposition. A B^T
  // transposes B; its transpose, B A^T, copies B and transposes A, or copies A too if that is given
  // transposed.
  const bool swap = transpose_b && (transpose_a || size.n > size.m);
  if (!swap) {
    run_gemm<T>("gemm/matrix", size, MatrixLeft<T>(a, transpose_a), MatrixRight<T>(b, transpose_b),
                MatrixResult<T>(c, false, accumulate, epilogue));
    return;
  }
  const GemmSize swapped{size.groups, size.n, size.m, size.k};
  run_gemm<T>("gemm/matrix", swapped, MatrixLeft<T>(b, !transpose_b), MatrixRight<T>(a, !transpose_a),
              MatrixResult<T>(c, true, accumulate, epilogue));
}

template void detail::matrix_product<float>(const GemmSize&, GemmMatrix<const float>, bool,
                                            GemmMatrix<const float>, bool, GemmMatrix<float>, bool,
                                            GemmEpilogue<float>);
template void detail::matrix_product<double>(const GemmSize&, GemmMatrix<const double>, bool,
                                             GemmMatrix<const double>, bool, GemmMatrix<double>, bool,
                                             GemmEpilogue<double>);

template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, bool accumulate, T* c, std::int64_t ldc) {
  detail::matrix_product<T>({1, m, n, k}, {a, lda}, transpose_a, {b, ldb}, transpose_b, {c, ldc}, accumulate);
}

template FATHOM_EXPORT void gemm<float>(bool, bool, std::int64_t, std::int64_t, std::int64_t, const float*,
                                        std::int64_t, const float*, std::int64_t, bool, float*, std::int64_t);
template FATHOM_EXPORT void gemm<double>(bool, bool, std::int64_t, std::int64_t, std::int64_t, const double*,
                                         std::int64_t, const double*, std::int64_t, bool, double*,
                                         std::int64_t);

Array gemm(const Array& a, const Array& b, bool transpose_a, bool transpose_b) {
  ArgumentCheck check("gemm");
  check.argument("a", a, transpose_a ? "(k, m)" : "(m, k)")
      .argument("b", b, transpose_b ? "(n, k)" : "(k, n)");
  check.select("a").rank(2).floating().select("b").rank(2).same_dtype();
  const std::int64_t m = a.shape()[transpose_a ? 1 : 0];
  const std::int64_t k = a.shape()[transpose_a ? 0 : 1];
  const std::int64_t n = b.shape()[transpose_b ? 0 : 1];
  const std::int64_t k_of_b = b.shape()[transpose_b ? 1 : 0];
  FATHOM_CHECK(check.hint("transpose_a and transpose_b take a matrix the other way round"), k == k_of_b,
               ShapeError, "a and b must agree in k (a has {}, b has {})", k, k_of_b);
  Array c = Array::empty({m, n}, a.dtype());
  dispatch_float(a.dtype(), "gemm", [&]<class T>() {
    gemm<T>(transpose_a, transpose_b, m, n, k, a.data<T>(), a.shape()[1], b.data<T>(), b.shape()[1], false,
            c.mutable_data<T>(), n);
  });
  return c;
}

}  // namespace fathom
