// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/sequential.hpp>

#include <fmt/format.h>

#include <fathom/core/error.hpp>

namespace fathom::nn {

AnyModule::AnyModule(const AnyModule& other)
    : module_(other.module_ == nullptr ? nullptr : other.copy_(*other.module_)), copy_(other.copy_) {}

AnyModule& AnyModule::operator=(const AnyModule& other) { return *this = AnyModule(other); }

Module& Sequential::operator[](std::size_t index) {
  if (index >= modules_.size()) {
    throw ValueError(fmt::format("Sequential: has no module {} (it has {})\n  hint: modules count from 0",
                                 index, modules_.size()));
  }
  return *modules_[index];
}

void Sequential::visit_members(MemberVisitor& visitor) {
  for (std::size_t i = 0; i < modules_.size(); ++i) visitor.visit(std::to_string(i), modules_[i]);
}

Variable Sequential::forward(const Variable& x) {
  Variable h = x;
  for (AnyModule& module : modules_) h = module(h);
  return h;
}

}  // namespace fathom::nn
