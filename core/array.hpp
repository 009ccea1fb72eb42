// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <fathom/core/dtype.hpp>
#include <fathom/core/export.hpp>
#include <fathom/core/shape.hpp>

namespace fathom {

namespace detail {
class Buffer;
}

/// Copying an Array is shallow: copies share one buffer and its version counter; `copy()` is deep.
/// An n-dimensional array whose element type is known at run time. Always C-contiguous; images are (n, c, h,
/// w). The buffer is 64-byte aligned and comes from the memory pool. `Array{}` is undefined: it has no
/// elements and no type, and every access but `defined()` throws GraphError.
class FATHOM_EXPORT Array {
 public:
  Array() = default;

  /// Elements are not initialised.
  [[nodiscard]] static Array empty(const Shape& shape, DType dtype);
  [[nodiscard]] static Array zeros(const Shape& shape, DType dtype);
  [[nodiscard]] static Array ones(const Shape& shape, DType dtype);
  [[nodiscard]] static Array full(const Shape& shape, double value, DType dtype);
  /// 0, 1, ..., count - 1, shape (count).
  [[nodiscard]] static Array arange(std::int64_t count, DType dtype);
  /// Shape () with one element.
  [[nodiscard]] static Array scalar(double value, DType dtype) { return full({}, value, dtype); }
  /// Copies `values`; their number must be the shape's size (ShapeError).
  template <class T>
  [[nodiscard]] static Array from(std::span<const T> values, const Shape& shape);
  template <class T>
  [[nodiscard]] static Array from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  template <class T>
  [[nodiscard]] static Array from(std::initializer_list<T> values, const Shape& shape) {
    return from(std::span<const T>(values.begin(), values.size()), shape);
  }

  [[nodiscard]] bool defined() const { return buffer_ != nullptr; }
  [[nodiscard]] DType dtype() const;
  [[nodiscard]] const Shape& shape() const;
  /// Size of one axis; negative counts from the end. Throws ShapeError.
  [[nodiscard]] std::int64_t shape(std::int64_t axis) const;
  [[nodiscard]] std::size_t rank() const { return shape().rank(); }
  [[nodiscard]] std::int64_t size() const { return shape().size(); }  ///< elements

  /// The elements, read only. Throws DTypeError naming both types when T is not the array's.
  template <class T>
  [[nodiscard]] const T* data() const {
    return static_cast<const T*>(checked_data(dtype_of<T>));
  }
  /// The elements, writable by all copies that share the buffer; raises `version()`.
  template <class T>
  [[nodiscard]] T* mutable_data() {
    return static_cast<T*>(checked_mutable_data(dtype_of<T>));
  }
  /// Bytes of the buffer whatever the type: for copying and files.
  [[nodiscard]] const std::byte* raw_data() const;
  [[nodiscard]] std::byte* raw_mutable_data();
  [[nodiscard]] std::size_t byte_size() const;

  /// The one element as a double (exact up to 2^53); throws ShapeError unless the size is 1.
  [[nodiscard]] double item() const;

  [[nodiscard]] Array copy() const;               ///< deep
  [[nodiscard]] Array astype(DType dtype) const;  ///< converted copy, as static_cast; itself when equal
  /// Shares the buffer. One size may be -1. Throws ShapeError when the sizes do not fit.
  [[nodiscard]] Array reshape(std::span<const std::int64_t> sizes) const;
  [[nodiscard]] Array reshape(std::initializer_list<std::int64_t> sizes) const {
    return reshape(std::span(sizes.begin(), sizes.size()));
  }
  [[nodiscard]] Array reshape(const Shape& shape) const { return reshape(shape.span()); }
  /// Copies the elements of an array of the same shape and dtype into this buffer; raises `version()`.
  void assign(const Array& source);

  /// Raised by every writable access through any copy: how the graph notices a change in place.
  [[nodiscard]] std::uint64_t version() const;
  [[nodiscard]] bool shares_buffer_with(const Array& other) const { return buffer_ == other.buffer_; }
  /// True when no other Array shares the buffer, so that it may be written without anybody noticing.
  [[nodiscard]] bool is_unique() const { return buffer_.use_count() == 1; }

 private:
  [[nodiscard]] const void* checked_data(DType wanted) const;
  [[nodiscard]] void* checked_mutable_data(DType wanted);
  void require_defined() const;
  friend class WeakArray;

  std::shared_ptr<detail::Buffer> buffer_;
  Shape shape_;
  DType dtype_ = DType::float32;
};

using Arrays = std::vector<Array>;

/// Finds an Array as long as somebody else keeps it alive.
class WeakArray {
 public:
  WeakArray() = default;
  explicit WeakArray(const Array& array)
      : buffer_(array.buffer_), shape_(array.shape_), dtype_(array.dtype_) {}
  /// The array, or an undefined one when its buffer is gone.
  [[nodiscard]] Array lock() const {
    Array array;
    array.buffer_ = buffer_.lock();
    array.shape_ = shape_;
    array.dtype_ = dtype_;
    return array;
  }

 private:
  std::weak_ptr<detail::Buffer> buffer_;
  Shape shape_;
  DType dtype_ = DType::float32;
};

namespace detail {
[[noreturn]] FATHOM_EXPORT void size_mismatch(std::size_t values, const Shape& shape);
}

template <class T>
Array Array::from(std::span<const T> values, const Shape& shape) {
  if (static_cast<std::int64_t>(values.size()) != shape.size()) detail::size_mismatch(values.size(), shape);
  Array result = empty(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), result.mutable_data<T>());
  return result;
}

/// Whether all elements agree: |a - b| <= atol + rtol * |b|; equal infinities agree, and NaN with NaN when
/// `equal_nan`. False when dtypes or shapes differ.
[[nodiscard]] FATHOM_EXPORT bool allclose(const Array& a, const Array& b, double rtol = 1e-5,
                                          double atol = 1e-8, bool equal_nan = false);
/// Same dtype, shape and bytes.
[[nodiscard]] FATHOM_EXPORT bool identical(const Array& a, const Array& b);

/// "float32 [2, 3]", or "undefined".
[[nodiscard]] FATHOM_EXPORT std::string describe(const Array& array);
/// Nested brackets as NumPy prints them, long axes shortened to their first and last three, then dtype and
/// shape.
[[nodiscard]] FATHOM_EXPORT std::string to_string(const Array& array);
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, const Array& array);

}  // namespace fathom
