// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/initialization.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include <fathom/core/error.hpp>
#include <fathom/nn/trial_scope.hpp>
#include <fathom/nn/walker.hpp>

namespace fathom::nn {

namespace {

/// What waits for its data.
class WaitingCollector final : public Walker {
 public:
  void parameter(std::string_view name, Parameter& parameter) override {
    if (!parameter.is_waiting()) return;
    parameters.push_back(&parameter);
    note(name);
  }
  void buffer(std::string_view name, Buffer& buffer) override {
    if (!buffer.is_waiting()) return;
    buffers.push_back(&buffer);
    note(name);
  }
  std::vector<Parameter*> parameters;
  std::vector<Buffer*> buffers;
  std::string first;

 private:
  void note(std::string_view name) {
    if (first.empty()) first = join(name);
  }
};

}  // namespace

void require_initialized(std::string_view op, const Module& module) {
  WaitingCollector waiting;
  const_cast<Module&>(module).visit_members(waiting);  // it only looks
  if (waiting.first.empty()) return;
  throw GraphError(
      fmt::format("{}: {} has no data yet\n  hint: run a forward, or reset_parameters(sample_shape), first",
                  op, waiting.first));
}

void initialize(Parameter& parameter, const Initializer& initializer, RandomKey key, const Shape& shape,
                const Fans& fans) {
  if (!parameter.is_waiting()) return;
  // The values are those of float32 whatever the type, as if Module::to had come after them.
  Array values = initializer(key, shape, fans, DType::float32);
  parameter.initialize(values.astype(parameter.expected().dtype.value_or(DType::float32)));
}

void initialize(Buffer& buffer, double value, const Shape& shape) {
  if (buffer.is_waiting()) {
    buffer.initialize(Array::full(shape, value, buffer.expected().dtype.value_or(DType::float32)));
  }
}

InitializationGuard::InitializationGuard(Module& module) : exceptions_(std::uncaught_exceptions()) {
  WaitingCollector waiting;
  module.visit_members(waiting);
  parameters_ = std::move(waiting.parameters);
  buffers_ = std::move(waiting.buffers);
}

InitializationGuard::~InitializationGuard() {
  if (std::uncaught_exceptions() == exceptions_) return;
  for (Parameter* parameter : parameters_) parameter->defer();
  for (Buffer* buffer : buffers_) buffer->defer();
}

std::int64_t size_or_one(const Variable& x, std::size_t axis) {
  if (!x.defined() || x.rank() <= axis) return 1;
  return std::max<std::int64_t>(x.shape()[axis], 1);
}

std::int64_t Module::count_parameters() const {
  require_initialized("count_parameters", *this);
  std::int64_t count = 0;
  for (const Variable& parameter : parameters()) count += parameter.size();
  return count;
}

void Module::reset_parameters(const Shape& sample_shape) {
  Shape shape{1};
  for (const std::int64_t size : sample_shape) shape.push_back(size);
  const InitializationGuard guard{*this};
  const TrialScope trial{*this};
  static_cast<void>((*this)(Variable{Array::zeros(shape, dtype())}));
}

}  // namespace fathom::nn
