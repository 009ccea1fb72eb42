// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::nn {

/// Parameters that share factors: biases without decay, say, are `{.parameters = biases, .decay = 0}`.
struct ParameterGroup {
  Variables parameters;
  double rate = 1;   ///< times the optimizer's rate, whatever a schedule sets that to
  double decay = 1;  ///< times the optimizer's weight decay
};
using ParameterGroups = std::vector<ParameterGroup>;

/// One array of an optimizer's state: "m" of parameter 3, in its shape and dtype; or "t", how many steps that
/// parameter has made, int64 ().
struct StateArray {
  std::size_t parameter = 0;  ///< index in `Optimizer::parameters()`
  std::string name;
  Array value;  ///< shares the optimizer's buffer
};

/// A run of elements of one parameter, which `Optimizer::update` is to change.
struct UpdateRange {
  static constexpr std::size_t kMaxStates = 3;

  DType dtype = DType::float32;  ///< of all arrays: float32 or float64
  std::int64_t offset = 0;       ///< of the first element in the parameter
  std::int64_t count = 0;
  double rate = 0;         ///< the optimizer's times the group's
  double decay_scale = 1;  ///< the group's factor of the weight decay
  std::int64_t t = 1;      ///< which step of this parameter it is, from 1

  std::byte* value_bytes = nullptr;
  const std::byte* gradient_bytes = nullptr;
  std::array<std::byte*, kMaxStates> state_bytes{};

  /// The first of `count` elements. T is the type that `dtype` names.
  template <class T>
  [[nodiscard]] T* values() const {
    return reinterpret_cast<T*>(value_bytes);
  }
  template <class T>
  [[nodiscard]] const T* gradients() const {
    return reinterpret_cast<const T*>(gradient_bytes);
  }
  /// Array `index` of the state, in the order of the constructor's names.
  template <class T>
  [[nodiscard]] T* state(std::size_t index) const {
    return reinterpret_cast<T*>(state_bytes[index]);
  }
};

/// What all optimizers share: parameters in groups, state, the loop over all elements. A rule of one's own
/// derives from it, names its state arrays and writes `update`.
///
/// A step changes every parameter that has a gradient; gradients are only read. State starts as zeros at the
/// parameter's first step, so parameters may get their data later (deferred sizes) and gradients later still
/// (frozen at first). Later steps allocate nothing. The results have the same bits for any number of threads.
class FATHOM_EXPORT Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;
  virtual ~Optimizer();

  /// One step. Throws GraphError, and changes nothing, when a parameter with state has another dtype or shape
  /// than before.
  void step();
  /// Marks the gradients empty.
  void zero_grad();

  /// The rate that the next step uses, before the factors of groups.
  [[nodiscard]] double lr() const { return rate_; }
  /// What schedules call: each group's rate is this times its factor. Throws ValueError for a negative rate.
  void set_lr(double rate);
  /// What schedules change, by name: "rate", and AdamW's "eta". A rule of one's own with more of them adds
  /// them here and in set_number.
  [[nodiscard]] virtual std::vector<std::pair<std::string, double>> numbers() const;
  /// Puts one of them back. Throws ValueError for an unknown name, and what the number's own setter throws.
  virtual void set_number(std::string_view name, double value);

  /// Whose state it is: the name given to the constructor, and more where a form keeps something else in the
  /// arrays of that name.
  [[nodiscard]] virtual std::string kind() const { return name_; }
  /// Those of all groups, in their order.
  [[nodiscard]] const Variables& parameters() const { return parameters_; }
  /// The state array `name` of a parameter; undefined before its first step. Throws ValueError for a name
  /// that this optimizer does not have.
  [[nodiscard]] const Array& state(std::size_t parameter, std::string_view name) const;
  /// All that there is, ordered by parameter: with weights and numbers() the whole of what a run goes on
  /// with.
  [[nodiscard]] std::vector<StateArray> state() const;
  /// Puts a copy of an array from `state()` back. Throws ValueError for an unknown name, ShapeError and
  /// DTypeError when it does not fit the parameter, GraphError while that has no data.
  void set_state(std::size_t parameter, std::string_view name, const Array& value);

 protected:
  /// `name` is the class's, for errors and `kind`. Throws ValueError for a negative rate or factor, for a
  /// parameter listed twice and for more than UpdateRange::kMaxStates states.
  Optimizer(std::string name, ParameterGroups groups, double rate, std::vector<std::string> states);

  /// Changes values and state of one range: threads call it for ranges that do not meet. What becomes of an
  /// element must not depend on where its range begins.
  virtual void update(const UpdateRange& range) const = 0;

 private:
  /// What belongs to parameters_[i].
  struct Slot {
    double rate = 1;
    double decay = 1;
    std::int64_t steps = 0;
    Arrays state{};
  };
  void add_group(const ParameterGroup& group, std::size_t index);
  [[nodiscard]] std::size_t state_index(std::string_view name) const;
  void prepare_state();
  void list_ranges();

  std::string name_;
  std::vector<std::string> state_names_;
  double rate_;
  Variables parameters_;
  std::vector<Slot> slots_;
  // One step's work: whole parameters in a row, and where each one ends in it.
  std::vector<UpdateRange> ranges_;
  std::vector<std::int64_t> ends_;
};

}  // namespace fathom::nn
