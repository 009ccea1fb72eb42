// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom {

/// Options of a function as names and printable values, for graphs, summaries and export.
using Attributes = std::vector<std::pair<std::string, std::string>>;

/// Which inputs of a function need a gradient.
class Wanted {
 public:
  void set(std::size_t input) {
    if (input < kFirst) {
      first_ |= std::uint64_t{1} << input;
    } else {
      rest_.resize(std::max(rest_.size(), input - kFirst + 1));
      rest_[input - kFirst] = true;
    }
  }
  bool operator[](std::size_t input) const {
    if (input < kFirst) return (first_ >> input & 1U) != 0;
    return input - kFirst < rest_.size() && rest_[input - kFirst];
  }
  [[nodiscard]] bool any() const { return first_ != 0 || !rest_.empty(); }

 private:
  static constexpr std::size_t kFirst = 64;
  std::uint64_t first_ = 0;
  std::vector<bool> rest_;  // a long list to join takes memory, all others none
};

/// Where the gradient of one input goes when no graph is recorded. The first writer overwrites, later ones
/// add; a function writes each wanted sink at most once, by `give` or through `buffer`.
class FATHOM_EXPORT GradientSink {
 public:
  /// Nothing is wanted here.
  GradientSink() = default;
  /// Collects in `total`, which holds a gradient already when `filled`.
  GradientSink(const Shape& shape, DType dtype, Array& total, bool& filled)
      : shape_(&shape), dtype_(dtype), accumulates_(filled), total_(&total), filled_(&filled) {}
  /// Whether `buffer` holds earlier contributions to add to; false: it is uninitialised and must be
  /// overwritten.
  [[nodiscard]] bool accumulates() const { return accumulates_; }
  /// The buffer to write (all of it) or add to, in the input's shape and dtype.
  [[nodiscard]] Array& buffer();
  /// The same, in the memory of `spent` where that is possible: an array of the function's, its gy, say, that
  /// nobody else holds and that it reads for the last time. Each element is then overwritten after it was
  /// read.
  [[nodiscard]] Array& buffer_over(const Array& spent);
  /// Hands over a finished gradient: kept without copying when it is the first, else added.
  void give(Array gradient);

 private:
  void require_wanted() const;

  const Shape* shape_ = nullptr;
  DType dtype_ = DType::float32;
  bool accumulates_ = false;
  Array* total_ = nullptr;
  bool* filled_ = nullptr;
};

/// A differentiable operation: one object for one application. Derive from it, keep options as members, write
/// `forward` and `backward`, and use `apply` (docs/adding_an_op.md walks through one).
///
/// The graph: a function holds its inputs' nodes (strongly) and its outputs' nodes (weakly); a Variable holds
/// its node, a node its creator. Array data lives in Variables and in what a function retains, nowhere else.
class FATHOM_EXPORT Function : public std::enable_shared_from_this<Function> {
 public:
  Function() = default;
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  virtual ~Function();

  /// Name for messages and drawings: that of the free function, "depthwise_convolution_2d".
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Attributes attributes() const { return {}; }

  /// The outputs for defined `inputs`. Calls `retain_input` and `retain_output` for what backward will read.
  [[nodiscard]] virtual Arrays forward(std::span<const Array> inputs) = 0;

  /// Gradients of the inputs, undefined where not wanted or zero, written with ops so that they can be
  /// differentiated again. `gys[i]` is undefined where no gradient reaches output i.
  [[nodiscard]] virtual Variables backward(const Wanted& wanted, std::span<const Variable> gys) = 0;

  /// The fast way when no graph is recorded; used instead of `backward` when `has_backward_arrays`. Writes
  /// the wanted sinks; one left unwritten counts as zero. Must agree with `backward`.
  [[nodiscard]] virtual bool has_backward_arrays() const { return false; }
  virtual void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                               std::span<GradientSink> into);

  /// Whether `recompute` can give the output `i` again. Functions that retain it as their input then do not
  /// keep its memory: unless somebody else does, it is computed again when the first of them asks for it.
  [[nodiscard]] virtual bool recomputes(std::size_t /*i*/) const { return false; }
  /// In backward: output `i` again, to the bit, from what is retained.
  [[nodiscard]] virtual Array recompute(std::size_t i);

  /// Runs the function on `inputs` and records it when one of them requires a gradient and recording is on.
  /// Throws GraphError for an undefined input or a function applied before. If forward throws, nothing is
  /// recorded.
  [[nodiscard]] Variables apply_to(std::span<const Variable> inputs);

  [[nodiscard]] std::span<const std::shared_ptr<detail::Node>> inputs() const { return inputs_; }
  /// Number of the application, in order of creation in this thread.
  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  [[nodiscard]] std::uint64_t rank() const { return rank_; }
  /// Where in the model it was made, "features.1.conv", or that of the function whose backward made it. Known
  /// while hooks watch and, for recorded functions, afterwards, if a KeepModulePathsScope was open.
  [[nodiscard]] const std::string& module_path() const { return module_path_; }
  /// What is kept for backward, "input 0", "output 0" or the name given to `retain`; empty when it was
  /// released. An input that will be computed again is not kept.
  [[nodiscard]] std::vector<std::pair<std::string, Array>> kept() const;

  /// Products that `forward` adds up, for summaries: 0 for functions that are not made of such sums.
  [[nodiscard]] virtual std::int64_t multiply_adds(std::span<const Array> /*inputs*/,
                                                   std::span<const Array> /*outputs*/) const {
    return 0;
  }

 protected:
  /// In forward: keep input or output `i` for backward. Nothing else stays alive.
  void retain_input(std::size_t i);
  void retain_inputs(std::initializer_list<std::size_t> inputs) {
    for (std::size_t i : inputs) retain_input(i);
  }
  void retain_output(std::size_t i);
  /// In forward: keep an array of the function's own (statistics, positions, labels) under a name, a string
  /// literal. Unlike a member it is released after backward, and a change in place is noticed.
  void retain(std::string_view name, Array array);

  /// In backward: a retained input or output, connected to the graph.
  [[nodiscard]] Variable input(std::size_t i) const;
  [[nodiscard]] Variable output(std::size_t i);
  /// In backward_arrays: the same without a graph. All throw GraphError when the array was changed in place
  /// since forward, or was not retained.
  [[nodiscard]] const Array& input_array(std::size_t i) const;
  [[nodiscard]] const Array& output_array(std::size_t i) const;
  [[nodiscard]] const Array& retained(std::string_view name) const;

 private:
  friend class detail::GraphEngine;

  enum class Kind : std::uint8_t { input, output, own };
  struct Saved {
    Kind kind = Kind::input;
    std::size_t index = 0;
    std::string_view name = {};  // of the function's own
    Array array = {};
    std::uint64_t version = 0;
    bool comes_again =
        false;  // an input that is defined from when it is asked for, or the output it is taken from
    WeakArray original = {};  // of such an input
  };
  [[nodiscard]] static std::string what_of(Kind kind, std::size_t index, std::string_view name);
  [[nodiscard]] const Saved& saved(Kind kind, std::size_t index, std::string_view name = {}) const;
  [[nodiscard]] static bool can_come_again(const Variable& input);
  void restore(Saved& input) const;
  void forget_recomputed();
  [[noreturn]] void throw_released() const;
  [[nodiscard]] const Array& output_again(std::size_t i);
  [[nodiscard]] Arrays data_of(std::span<const Variable> inputs) const;
  void record(std::span<const Variable> inputs, const Arrays& arrays, const Arrays& outputs);
  static void unlink(std::vector<std::shared_ptr<detail::Node>> nodes) noexcept;

  std::vector<std::shared_ptr<detail::Node>> inputs_;
  std::vector<std::weak_ptr<detail::Node>> outputs_;
  mutable std::vector<Saved> saved_;  // mutable for arrays that are computed again
  std::uint64_t serial_ = 0;
  std::uint64_t rank_ = 0;
  std::string module_path_;
  bool released_ = false;
};

/// Makes a function of type F from `options` and applies it; for functions with one output.
template <class F, class... Options>
[[nodiscard]] Variable apply(std::initializer_list<Variable> inputs, Options&&... options) {
  return std::make_shared<F>(std::forward<Options>(options)...)
      ->apply_to(std::span(inputs.begin(), inputs.size()))[0];
}

}  // namespace fathom
