// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <fathom/autograd/backward.hpp>

namespace fathom {

/// Whether this thread runs a function again that has run before, for the gradients of ops::checkpoint. What
/// moves a state of its own, as running statistics do, leaves it alone then.
[[nodiscard]] FATHOM_EXPORT bool is_recomputing();

/// `state`, a number that decides what is computed, as the count of a dropout's calls; while recomputing,
/// what it was when the function ran first.
[[nodiscard]] FATHOM_EXPORT std::uint64_t repeated(std::uint64_t state);

namespace detail {

/// Within its lifetime `repeated` notes its states, or gives those that were noted, one after the other.
/// Scopes nest: what runs again may contain what runs for the first time, and notes what it was given.
class FATHOM_EXPORT RepeatedStatesScope {
 public:
  explicit RepeatedStatesScope(std::vector<std::uint64_t>& notes);
  explicit RepeatedStatesScope(const std::vector<std::uint64_t>& noted);
  RepeatedStatesScope(const RepeatedStatesScope&) = delete;
  RepeatedStatesScope& operator=(const RepeatedStatesScope&) = delete;
  ~RepeatedStatesScope();

 private:
  friend bool fathom::is_recomputing();
  friend std::uint64_t fathom::repeated(std::uint64_t state);
  [[nodiscard]] std::uint64_t pass(std::uint64_t state);

  std::vector<std::uint64_t>* notes_ = nullptr;
  std::span<const std::uint64_t> noted_;
  RepeatedStatesScope* outer_;
};

/// Number of the last function that this thread applied.
[[nodiscard]] FATHOM_EXPORT std::uint64_t last_serial();

/// Variables that a function used beside its arguments.
struct Captured {
  Variables leaves;
  std::vector<std::shared_ptr<Node>> nodes;  ///< of `leaves`
  std::shared_ptr<Function> outside;         ///< what made one that is no leaf, if there is such a one
};
/// What `ys` depend on, besides `arguments`, through functions applied after number `since`. Always in one
/// order for one function.
[[nodiscard]] FATHOM_EXPORT Captured captured(std::span<const Variable> ys,
                                              std::span<const Variable> arguments, std::uint64_t since);

/// `grad` that leaves the hooks of `xs` to whom the gradients are for.
[[nodiscard]] FATHOM_EXPORT Variables gradients_without_hooks(std::span<const Variable> ys,
                                                              std::span<const Variable> xs,
                                                              std::span<const Variable> gys,
                                                              const BackwardOptions& options);

}  // namespace detail
}  // namespace fathom
