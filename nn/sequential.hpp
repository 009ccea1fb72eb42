// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <vector>

#include <fathom/nn/fold_batch_norm.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// Owns a module of any type by value: copying it copies the module, and the module's class need do nothing
/// for it. What a container of different modules holds.
class FATHOM_EXPORT AnyModule {
 public:
  template <std::derived_from<Module> M>
  AnyModule(M module) : module_(std::make_unique<M>(std::move(module))), copy_(copy_as<M>) {}
  AnyModule(const AnyModule& other);
  AnyModule& operator=(const AnyModule& other);
  AnyModule(AnyModule&&) noexcept = default;
  AnyModule& operator=(AnyModule&&) noexcept = default;
  ~AnyModule() = default;

  /// False after it was moved from.
  explicit operator bool() const { return module_ != nullptr; }
  [[nodiscard]] Module& operator*() { return *module_; }
  [[nodiscard]] const Module& operator*() const { return *module_; }
  Variable operator()(const Variable& x) { return (*module_)(x); }

 private:
  template <class M>
  static std::unique_ptr<Module> copy_as(const Module& module) {
    return std::make_unique<M>(static_cast<const M&>(module));
  }

  std::unique_ptr<Module> module_;
  std::unique_ptr<Module> (*copy_)(const Module&);
};

/// Modules one after the other, named "0", "1", ...: `Sequential{Conv2D{...}, BatchNorm2D{32}, ReLU{}}`.
class FATHOM_EXPORT Sequential final : public Module, public FoldsBatchNorm {
 public:
  Sequential() = default;
  template <class... Modules>
  requires(sizeof...(Modules) > 1 ||
           (sizeof...(Modules) == 1 && !(std::same_as<std::remove_cvref_t<Modules>, Sequential> && ...))) &&
      (std::convertible_to<Modules, AnyModule> && ...) explicit Sequential(Modules&&... modules) {
    modules_.reserve(sizeof...(Modules));
    (modules_.emplace_back(std::forward<Modules>(modules)), ...);
  }

  /// Adds `module` at the end.
  void append(AnyModule module) { modules_.push_back(std::move(module)); }
  [[nodiscard]] std::size_t size() const { return modules_.size(); }
  /// Throws ValueError when there is no such module.
  [[nodiscard]] Module& operator[](std::size_t index);

  void visit_members(MemberVisitor& visitor) override;
  /// Folds each BatchNorm2D right behind a Conv2D, DepthwiseConv2D or Linear and puts an Identity in its
  /// place, so that the names of the others stay.
  void fold_batch_norm() override;

 protected:
  Variable forward(const Variable& x) override;

 private:
  std::vector<AnyModule> modules_;
};

}  // namespace fathom::nn
