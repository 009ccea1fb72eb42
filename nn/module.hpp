// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fathom/autograd/module_path.hpp>
#include <fathom/autograd/variable.hpp>

namespace fathom::nn {

class Module;

/// An array that belongs to a module's state and has no gradient, as running statistics. Copying is deep, and
/// its data may come later, as with Parameter. `Buffer{}` is absent.
class FATHOM_EXPORT Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Array data) : data_(std::move(data)) {}
  /// One that waits for `initialize`; `expected` is what is known of the data.
  [[nodiscard]] static Buffer deferred(ArraySpec expected = {});
  Buffer(const Buffer& other);
  Buffer& operator=(const Buffer& other);
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  ~Buffer() = default;

  [[nodiscard]] bool defined() const { return data_.defined(); }
  [[nodiscard]] const Array& data() const { return data_; }
  [[nodiscard]] Array& mutable_data() { return data_; }

  /// With data, or waiting for it.
  [[nodiscard]] bool exists() const { return defined() || expected_.has_value(); }
  [[nodiscard]] bool is_waiting() const { return exists() && !defined(); }
  /// As those of Parameter. Throws GraphError unless it waits for data, ShapeError or DTypeError when the
  /// data is not what was expected.
  void initialize(Array data);
  void defer();
  [[nodiscard]] ArraySpec expected() const {
    return defined() ? spec_of(data_) : expected_.value_or(ArraySpec{});
  }
  /// Converts floats; others stay as they are.
  void to(DType dtype);

 private:
  Array data_;
  std::optional<ArraySpec> expected_;  // of deferred data
};

/// Is shown the members of one module, in the order of its FATHOM_MODULE list.
class FATHOM_EXPORT MemberVisitor {
 public:
  MemberVisitor() = default;
  MemberVisitor(const MemberVisitor&) = delete;
  MemberVisitor& operator=(const MemberVisitor&) = delete;
  virtual ~MemberVisitor();

  virtual void parameter(std::string_view name, Parameter& parameter) = 0;
  virtual void buffer(std::string_view name, Buffer& buffer) = 0;
  virtual void module(std::string_view name, Module& module) = 0;

  /// Finds the right one of the three. Elements of containers are named "blocks.0", "blocks.1"; empty
  /// pointers and optionals are passed over.
  template <class Member>
  void visit(std::string_view name, Member& member);
};

using NamedParameter = NamedVariable;
struct NamedBuffer {
  std::string name;
  Array value;  ///< shares the module's buffer
};
struct NamedModule {
  std::string name;
  Module* module = nullptr;
};

/// What holds parameters. Derive from it, list the members once, write `forward`:
///
///     struct Block : nn::Module {
///       nn::Conv2D conv;
///       nn::BatchNorm2D bn;
///       FATHOM_MODULE(conv, bn)
///       explicit Block(Random& random) : conv{8, 8, {.kernel = 3, .pad = 1}, random}, bn{8} {}
///       Variable forward(const Variable& x) override { return ops::relu(bn(conv(x))); }
///     };
///
/// A member may be a Parameter, a Buffer, a Module, or a vector, array, optional or unique_ptr of these. The
/// generated copy and move do the right thing: a copy has parameters of its own, a move keeps the handles, so
/// that optimisers stay valid.
class FATHOM_EXPORT Module {
 public:
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
  Module(Module&&) noexcept = default;
  Module& operator=(Module&&) noexcept = default;
  virtual ~Module();

  /// Calls `forward`. While it runs, `current_module_path()` says where it is; an Error that passes through
  /// is told. If it ends with an exception, parameters without data in this module and those inside are left
  /// without.
  Variable operator()(const Variable& x);

  /// What FATHOM_MODULE writes.
  virtual void visit_members(MemberVisitor& visitor) = 0;

  /// All that exist, of this module and those inside, in the order of the lists, with names like
  /// "features.1.conv.W".
  [[nodiscard]] std::vector<NamedParameter> named_parameters() const;
  [[nodiscard]] std::vector<NamedBuffer> named_buffers() const;
  /// This module first, with the empty name.
  [[nodiscard]] std::vector<NamedModule> named_modules();
  /// The same as named_parameters() without names: what optimisers take.
  [[nodiscard]] Variables parameters() const;

  /// Training or evaluation, for this module and all inside: batch normalization uses the batch's own
  /// statistics, or the running ones. It does not switch recording: that is `NoGradScope`.
  void train(bool on = true);
  void eval() { train(false); }
  [[nodiscard]] bool is_training() const { return training_; }

  /// Marks the gradients of all parameters empty.
  void zero_grad();

  /// Converts parameters and floating buffers to float32 or float64 (DTypeError for others) and drops the
  /// gradients. The handles stay; make optimisers afterwards, since their state keeps the old type.
  /// Parameters without data will get it in that type.
  void to(DType dtype);

  /// How many numbers there are to learn. Throws GraphError naming a parameter that has no data yet.
  [[nodiscard]] std::int64_t count_parameters() const;
  /// Gives parameters that wait for their sizes their data, by one forward in evaluation and without a graph
  /// over zeros of shape (1, sample_shape...). Parameters that have data, running statistics and training
  /// flags stay as they are. If the forward throws, the parameters wait as before.
  void reset_parameters(const Shape& sample_shape);
  /// That of the first floating parameter or buffer, float32 if there is none.
  [[nodiscard]] DType dtype() const;

 protected:
  Module() = default;
  /// y from x. A module with other inputs or outputs leaves it and has functions of its own, which open a
  /// ModuleScope.
  virtual Variable forward(const Variable& x);

 private:
  bool training_ = true;
};

/// The class without namespaces: "Conv2D".
[[nodiscard]] FATHOM_EXPORT std::string type_name(const Module& module);

/// Puts `module` on the path within its lifetime, as `operator()` does.
class FATHOM_EXPORT ModuleScope {
 public:
  explicit ModuleScope(const Module& module);

 private:
  ModulePathScope scope_;
};

namespace detail {
/// Cuts the first name from a list "conv, bn, fc".
[[nodiscard]] FATHOM_EXPORT std::string_view take_name(std::string_view& names);

template <class Member>
concept Container = requires(Member& member) {
  std::begin(member);
  std::end(member);
};
template <class Member>
concept Owner = !std::is_pointer_v<Member> && requires(Member & member) {
  static_cast<bool>(member);
  *member;
};
template <class Member>
inline constexpr bool is_member = std::same_as<Member, Parameter> || std::same_as<Member, Buffer> ||
                                  std::derived_from<Member, Module> || Container<Member> || Owner<Member>;

template <class... Members>
void visit_list(MemberVisitor& visitor, [[maybe_unused]] std::string_view names, Members&... members) {
  (visitor.visit(take_name(names), members), ...);
}
}  // namespace detail

template <class Member>
void MemberVisitor::visit(std::string_view name, Member& member) {
  static_assert(
      detail::is_member<Member>,
      "FATHOM_MODULE lists members that are a Parameter, a Buffer, a Module, or a vector, array, optional or "
      "unique_ptr of these");
  if constexpr (std::same_as<Member, Parameter>) {
    parameter(name, member);
  } else if constexpr (std::same_as<Member, Buffer>) {
    buffer(name, member);
  } else if constexpr (std::derived_from<Member, Module>) {
    module(name, member);
  } else if constexpr (detail::Container<Member>) {
    std::size_t index = 0;
    for (auto& element : member) visit(std::string(name) + '.' + std::to_string(index++), element);
  } else if constexpr (detail::Owner<Member>) {
    if (member) visit(name, *member);
  }
}

}  // namespace fathom::nn

/// Lists the members of a module once; names and order come from here. `FATHOM_MODULE()` when it has none. A
/// class that derives from another module lists the inherited members too.
#define FATHOM_MODULE(...)                                                              \
  void visit_members(::fathom::nn::MemberVisitor& visitor) override {                   \
    ::fathom::nn::detail::visit_list(visitor, #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__); \
  }
