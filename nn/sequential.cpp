// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/sequential.hpp>

#include <fmt/format.h>

#include <typeinfo>

#include <fathom/core/error.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/identity.hpp>
#include <fathom/nn/layers/linear.hpp>

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

namespace {

/// Only these very classes: one that derives from them may compute something else.
bool fold_into(Module& layer, const Module& bn) {
  if (typeid(bn) != typeid(BatchNorm2D)) return false;
  const auto& batch_norm = static_cast<const BatchNorm2D&>(bn);
  if (typeid(layer) == typeid(Conv2D)) return static_cast<Conv2D&>(layer).fold(batch_norm);
  if (typeid(layer) == typeid(DepthwiseConv2D)) return static_cast<DepthwiseConv2D&>(layer).fold(batch_norm);
  if (typeid(layer) == typeid(Linear)) return static_cast<Linear&>(layer).fold(batch_norm);
  return false;
}

}  // namespace

void Sequential::fold_batch_norm() {
  for (std::size_t i = 1; i < modules_.size(); ++i) {
    if (!fold_into(*modules_[i - 1], *modules_[i])) continue;
    modules_[i] = Identity{};
    (*modules_[i]).eval();
  }
}

Variable Sequential::forward(const Variable& x) {
  Variable h = x;
  for (AnyModule& module : modules_) h = module(h);
  return h;
}

}  // namespace fathom::nn
