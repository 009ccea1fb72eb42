// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/array.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <cmath>
#include <cstring>

#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/threads.hpp>

namespace fathom {

/// Owns one block of the pool.
class detail::Buffer {
 public:
  explicit Buffer(std::size_t bytes) : data_(pool_allocate(bytes)), bytes_(bytes) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { pool_release(data_, bytes_); }

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::byte* data_;
  std::size_t bytes_;
  std::atomic<std::uint64_t> version_{0};
};

namespace {

void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) {
  constexpr std::int64_t kGrain = 1 << 16;
  parallel_for(static_cast<std::int64_t>(bytes), kGrain, [=](std::int64_t begin, std::int64_t end) {
    std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
  });
}
/// Calls `f(to, from)` with one typed pointer for each array.
template <class F>
void dispatch_pair(Array& to, const Array& from, F&& f) {
  dispatch_all(to.dtype(), [&]<class To>() {
    dispatch_all(from.dtype(), [&]<class From>() { f(to.mutable_data<To>(), from.data<From>()); });
  });
}
}  // namespace

Array Array::empty(const Shape& shape, DType dtype) {
  Array result;
  const std::int64_t size = shape.size();
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(size, static_cast<std::int64_t>(item_size(dtype)), &bytes)) {
    throw ShapeError(
        fmt::format("Array: {} {} does not fit into memory\n  hint: look for a wrong size, or use fewer "
                    "samples at a time",
                    to_string(dtype), to_string(shape)));
  }
  result.buffer_ = std::make_shared<detail::Buffer>(static_cast<std::size_t>(bytes));
  result.shape_ = shape;
  result.dtype_ = dtype;
  return result;
}

Array Array::zeros(const Shape& shape, DType dtype) {
  Array result = empty(shape, dtype);
  std::memset(result.raw_mutable_data(), 0, result.byte_size());
  return result;
}

Array Array::ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }

Array Array::full(const Shape& shape, double value, DType dtype) {
  Array result = empty(shape, dtype);
  dispatch_all(dtype, [&]<class T>() {
    T* data = result.mutable_data<T>();
    std::fill(data, data + result.size(), static_cast<T>(value));
  });
  return result;
}

Array Array::arange(std::int64_t count, DType dtype) {
  Array result = empty({count}, dtype);
  dispatch_all(dtype, [&]<class T>() {
    T* data = result.mutable_data<T>();
    for (std::int64_t i = 0; i < count; ++i) data[i] = static_cast<T>(i);
  });
  return result;
}

void Array::require_defined() const {
  if (!defined())
    throw GraphError(
        "Array: an undefined array has no elements\n  hint: make one with Array::zeros, from, ...");
}

DType Array::dtype() const {
  require_defined();
  return dtype_;
}

const Shape& Array::shape() const {
  require_defined();
  return shape_;
}

std::int64_t Array::shape(std::int64_t axis) const {
  const auto rank = static_cast<std::int64_t>(shape().rank());
  if (axis < -rank || axis >= rank) {
    throw ShapeError(fmt::format(
        "Array: axis {} is out of range for {}\n  hint: {}", axis, describe(*this),
        rank == 0 ? "a scalar has no axes" : fmt::format("axes go from {} to {}", -rank, rank - 1)));
  }
  return shape_[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
}

const void* Array::checked_data(DType wanted) const {
  require_defined();
  if (wanted != dtype_) {
    throw DTypeError(
        fmt::format("Array: data<{}>() of an array of {}\n  hint: read it as {} or convert it with astype",
                    to_string(wanted), describe(*this), to_string(dtype_)));
  }
  return buffer_->data();
}

void* Array::checked_mutable_data(DType wanted) {
  static_cast<void>(checked_data(wanted));
  return raw_mutable_data();
}

const std::byte* Array::raw_data() const {
  require_defined();
  return buffer_->data();
}

std::byte* Array::raw_mutable_data() {
  require_defined();
  buffer_->bump();
  return buffer_->data();
}

std::size_t Array::byte_size() const { return static_cast<std::size_t>(size()) * item_size(dtype_); }

double Array::item() const {
  if (size() != 1) {
    throw ShapeError(fmt::format(
        "Array: item() needs exactly one element (this is {})\n  hint: reduce it with sum, or read data<T>()",
        describe(*this)));
  }
  return dispatch_all(dtype_, [&]<class T>() { return static_cast<double>(*data<T>()); });
}

Array Array::copy() const {
  Array result = empty(shape(), dtype_);
  copy_bytes(result.raw_mutable_data(), raw_data(), byte_size());
  return result;
}

Array Array::astype(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  Array result = empty(shape_, dtype);
  dispatch_pair(result, *this, [count = size()]<class To, class From>(To* to, const From* from) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
  });
  return result;
}

Array Array::reshape(std::span<const std::int64_t> sizes) const {
  const auto refuse = [&](std::string_view why, std::string_view hint) {
    throw ShapeError(fmt::format("reshape: x does not fit [{}]: {}\n  x: {}\n  hint: {}",
                                 fmt::join(sizes, ", "), why, describe(*this), hint));
  };
  constexpr std::string_view kCount = "the number of elements differs";
  constexpr std::string_view kProduct =
      "the sizes must multiply to the number of elements; one may be left open with -1";
  std::int64_t known = 1;
  std::size_t open = sizes.size();
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] == -1) {
      if (open != sizes.size()) refuse("only one size may be -1", "write the other sizes out");
      open = axis;
    } else if (sizes[axis] < 0) {
      refuse("a size must not be negative", "only -1 is allowed, for the one size that is left open");
    } else if (__builtin_mul_overflow(known, sizes[axis], &known)) {
      refuse(kCount, kProduct);
    }
  }
  Shape result;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (axis == open && (known == 0 || size() % known != 0)) {
      refuse("the open size has no solution",
             "the other sizes must divide the number of elements, and none may be 0");
    }
    result.push_back(axis == open ? size() / known : sizes[axis]);
  }
  if (result.size() != size()) refuse(kCount, kProduct);
  Array view = *this;
  view.shape_ = result;
  return view;
}

void Array::assign(const Array& source) {
  if (shape() != source.shape()) {
    throw ShapeError(
        fmt::format("Array: assign needs equal shapes\n  target: {}\n  source: {}\n  hint: assign never "
                    "stretches; use broadcast_to or reshape first",
                    describe(*this), describe(source)));
  }
  if (dtype_ != source.dtype()) {
    throw DTypeError(fmt::format(
        "Array: assign needs equal dtypes\n  target: {}\n  source: {}\n  hint: convert with astype",
        describe(*this), describe(source)));
  }
  std::byte* to = raw_mutable_data();
  if (!shares_buffer_with(source)) copy_bytes(to, source.raw_data(), byte_size());
}

std::uint64_t Array::version() const {
  require_defined();
  return buffer_->version();
}

void detail::size_mismatch(std::size_t values, const Shape& shape) {
  throw ShapeError(
      fmt::format("Array: {} values do not fill the shape {}, which has {} elements\n  hint: give one value "
                  "for each element, row by row",
                  values, to_string(shape), shape.size()));
}

bool allclose(const Array& a, const Array& b, double rtol, double atol, bool equal_nan) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  return dispatch_all(a.dtype(), [&]<class T>() {
    const T* x = a.data<T>();
    const T* y = b.data<T>();
    for (std::int64_t i = 0; i < a.size(); ++i) {
      if (x[i] == y[i]) continue;
      const auto p = static_cast<double>(x[i]);
      const auto q = static_cast<double>(y[i]);
      if (equal_nan && std::isnan(p) && std::isnan(q)) continue;
      if (!std::isfinite(p) || !std::isfinite(q) || std::abs(p - q) > atol + rtol * std::abs(q)) return false;
    }
    return true;
  });
}

bool identical(const Array& a, const Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.raw_data(), b.raw_data(), a.byte_size()) == 0;
}

}  // namespace fathom
