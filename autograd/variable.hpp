// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/array_spec.hpp>

namespace fathom {

class Function;
class Variable;
using Variables = std::vector<Variable>;

namespace detail {
struct VariableState;
struct Node;
class GraphEngine;
class GraphDrawing;
}  // namespace detail

/// Called with the finished gradient of a Variable; returns its replacement, or `Variable{}` to leave it.
using GradientHook = std::function<Variable(const Variable& gradient)>;

/// A handle to an Array that may take part in a graph; copies are the same variable. `Variable{}` is
/// undefined: legal only as an optional argument of an op. A variable without creator that requires a
/// gradient is a leaf: backward() leaves its gradient in `grad()`.
class FATHOM_EXPORT Variable {
 public:
  Variable() = default;
  /// A leaf. Throws DTypeError unless float32 or float64; GraphError when `data` is undefined.
  explicit Variable(Array data, bool requires_grad = false);

  [[nodiscard]] bool defined() const;
  [[nodiscard]] const Array& data() const;  ///< throws GraphError when undefined
  /// The same buffer, for changing the values in place (optimisers, loading). A graph that saved them will
  /// refuse to run backward.
  [[nodiscard]] Array mutable_data() { return data(); }
  /// Replaces the data of a leaf, also by another shape or dtype; its gradient is dropped. Throws GraphError
  /// for a variable that a function made.
  void set_data(Array data);
  [[nodiscard]] const Shape& shape() const { return data().shape(); }
  [[nodiscard]] std::int64_t shape(std::int64_t axis) const { return data().shape(axis); }
  [[nodiscard]] std::size_t rank() const { return data().rank(); }
  [[nodiscard]] std::int64_t size() const { return data().size(); }
  [[nodiscard]] DType dtype() const { return data().dtype(); }
  [[nodiscard]] double item() const { return data().item(); }

  [[nodiscard]] bool requires_grad() const;
  /// Freezes or thaws a leaf from now on; GraphError for a variable that a function made.
  void set_requires_grad(bool requires_grad);
  /// The function that made it, null for leaves.
  [[nodiscard]] const std::shared_ptr<Function>& creator() const;

  /// The gradient that backward() left in this leaf; undefined when there is none or after zero_grad(). It
  /// has a graph of its own after `create_graph`.
  [[nodiscard]] Variable grad() const;
  /// Marks the gradient empty; its buffer stays and is overwritten by the next backward().
  void zero_grad();
  /// Replaces the gradient: same shape and dtype as the data (ShapeError, DTypeError).
  void set_grad(const Variable& gradient);
  /// Adds a hook that sees this variable's gradient once it is complete, whether it is a leaf or not. Throws
  /// GraphError when no gradient is recorded for it. A hook that holds this very variable keeps it alive for
  /// ever.
  void on_grad(GradientHook hook);

  /// The same data outside any graph.
  [[nodiscard]] Variable detach() const;
  /// Whether both handles are the same variable.
  [[nodiscard]] bool is(const Variable& other) const { return state_ == other.state_; }

 protected:
  explicit Variable(std::shared_ptr<detail::VariableState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::VariableState> state_;
  friend class Function;
  friend class detail::GraphEngine;
  friend class detail::GraphDrawing;
};

/// A variable and what it is called, "features.1.conv.W".
struct NamedVariable {
  std::string name;
  Variable value;  ///< the variable itself, not a copy
};

/// A leaf that a layer holds and an optimiser changes. Copying makes an independent parameter with equal data
/// and no gradient; moving keeps the handle, so that optimisers stay valid. Assigned to a Variable it shares
/// the handle.
class FATHOM_EXPORT Parameter : public Variable {
 public:
  /// Absent: what a layer without bias holds as `b`.
  Parameter() = default;
  explicit Parameter(Array data) : Variable(std::move(data), true) {}
  /// A handle without data, to be filled by `initialize`; `expected` is what is known of the data.
  [[nodiscard]] static Parameter deferred(ArraySpec expected = {});

  Parameter(const Parameter& other);
  Parameter& operator=(const Parameter& other);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
  ~Parameter() = default;

  /// There is a handle: with data, or waiting for it.
  [[nodiscard]] bool exists() const { return state_ != nullptr; }
  [[nodiscard]] bool is_waiting() const { return exists() && !defined(); }
  /// Gives a deferred parameter its data; handles made before see it. Throws GraphError when it has data
  /// already, ShapeError or DTypeError when the data is not what was expected.
  void initialize(Array data);
  /// Takes the data of a deferred parameter away again: it waits for data as before `initialize`.
  void defer();
  /// What its data must be.
  [[nodiscard]] ArraySpec expected() const { return defined() ? spec_of(data()) : expected_; }
  /// Converts the data, which drops the gradient; a deferred parameter then waits for data of that type.
  void to(DType dtype);

 private:
  ArraySpec expected_;  // of deferred data
};

[[nodiscard]] FATHOM_EXPORT std::string to_string(const Variable& variable);
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, const Variable& variable);

}  // namespace fathom
