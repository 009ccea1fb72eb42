// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// Walks all that is inside a module, in the order of the lists, and knows the dotted name of what it is
/// shown: override what is of interest.
class FATHOM_EXPORT Walker : public MemberVisitor {
 public:
  void parameter(std::string_view /*name*/, Parameter& /*parameter*/) override {}
  void buffer(std::string_view /*name*/, Buffer& /*buffer*/) override {}
  void module(std::string_view name, Module& module) final;

 protected:
  /// The full name of the member `name` that is shown.
  [[nodiscard]] std::string join(std::string_view name) const;
  /// Sees each module before its members.
  virtual void enter(const std::string& /*path*/, Module& /*module*/) {}

 private:
  std::string prefix_;
};

}  // namespace fathom::nn
