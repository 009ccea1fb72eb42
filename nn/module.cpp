// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/module.hpp>

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <typeinfo>

#include <fathom/core/error.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/walker.hpp>

namespace fathom::nn {

namespace {

class ParameterCollector final : public Walker {
 public:
  void parameter(std::string_view name, Parameter& parameter) override {
    if (parameter.exists()) found.push_back({join(name), static_cast<const Variable&>(parameter)});
  }
  std::vector<NamedParameter> found;
};

class BufferCollector final : public Walker {
 public:
  void buffer(std::string_view name, Buffer& buffer) override {
    if (buffer.defined()) found.push_back({join(name), buffer.data()});
  }
  std::vector<NamedBuffer> found;
};

class ModuleCollector final : public Walker {
 public:
  void enter(const std::string& path, Module& module) override { found.push_back({path, &module}); }
  std::vector<NamedModule> found;
};

class PathFinder final : public Walker {
 public:
  explicit PathFinder(const Module& target) : target_(&target) {}
  void enter(const std::string& path, Module& module) override {
    if (&module == target_) found = path;
  }
  std::string found;

 private:
  const Module* target_;
};

class Converter final : public Walker {
 public:
  explicit Converter(DType dtype) : dtype_(dtype) {}
  void parameter(std::string_view, Parameter& parameter) override { parameter.to(dtype_); }
  void buffer(std::string_view, Buffer& buffer) override { buffer.to(dtype_); }

 private:
  DType dtype_;
};

class DTypeFinder final : public Walker {
 public:
  void parameter(std::string_view, Parameter& parameter) override {
    if (parameter.exists()) note(parameter.expected());
  }
  void buffer(std::string_view, Buffer& buffer) override {
    if (buffer.exists()) note(buffer.expected());
  }
  std::optional<DType> found;

 private:
  void note(const ArraySpec& spec) {
    if (!found && spec.dtype && is_float(*spec.dtype)) found = spec.dtype;
  }
};

/// Visitors take members that can be changed; those used here only look.
template <class Collector>
auto collected(const Module& module) {
  Collector collector;
  const_cast<Module&>(module).visit_members(collector);
  return std::move(collector.found);
}

}  // namespace

std::string type_name(const Module& module) {
  const char* mangled = typeid(module).name();
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                     std::free);
  std::string name = status == 0 ? plain.get() : mangled;
  const std::size_t scope = name.rfind("::", name.find('<'));
  return scope == std::string::npos ? name : name.substr(scope + 2);
}

namespace {

/// A module that its caller does not list goes by its class.
std::string name_within(const void* outer, const void* object) {
  if (outer == nullptr) return {};
  const auto& module = *static_cast<const Module*>(object);
  PathFinder finder{module};
  const_cast<Module*>(static_cast<const Module*>(outer))->visit_members(finder);
  return finder.found.empty() ? '(' + type_name(module) + ')' : finder.found;
}

}  // namespace

Buffer::Buffer(const Buffer& other)
    : data_(other.defined() ? other.data_.copy() : Array{}), expected_(other.expected_) {}

Buffer& Buffer::operator=(const Buffer& other) {
  if (this != &other) *this = Buffer(other);
  return *this;
}

Buffer Buffer::deferred(ArraySpec expected) {
  Buffer buffer;
  buffer.expected_ = std::move(expected);
  return buffer;
}

void Buffer::initialize(Array data) {
  if (defined() || !exists()) {
    throw GraphError(fmt::format(
        "Buffer: it waits for no data ({})\n  hint: mutable_data() changes what it has", describe(data_)));
  }
  require_fits("Buffer", *expected_, data);
  data_ = std::move(data);
}

void Buffer::defer() {
  if (expected_) data_ = {};
}

void Buffer::to(DType dtype) {
  if (expected_ && (!expected_->dtype || is_float(*expected_->dtype))) expected_->dtype = dtype;
  if (defined() && is_float(data_.dtype())) data_ = data_.astype(dtype);
}

MemberVisitor::~MemberVisitor() = default;
Module::~Module() = default;

ModuleScope::ModuleScope(const Module& module) : scope_(&module, name_within) {}

namespace {

thread_local int calls_in_progress = 0;

/// One call of operator(). The outermost guards all that is inside, so that a layer that refuses its x takes
/// the sizes from those before it too.
class CallScope {
 public:
  explicit CallScope(Module& module) : scope_(module) {
    if (calls_in_progress == 0) guard_.emplace(module);
    ++calls_in_progress;
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() { --calls_in_progress; }

 private:
  ModuleScope scope_;
  std::optional<InitializationGuard> guard_;
};

}  // namespace

Variable Module::operator()(const Variable& x) {
  const CallScope scope{*this};
  try {
    return forward(x);
  } catch (Error& error) {
    if (const std::string path = current_module_path(); !path.empty()) error.add_context(path);
    throw;
  }
}

Variable Module::forward(const Variable&) {
  throw GraphError(
      fmt::format("{}: has no forward from one Variable to one\n  hint: override `Variable forward(const "
                  "Variable& x)`, or call its own functions",
                  type_name(*this)));
}

std::vector<NamedParameter> Module::named_parameters() const { return collected<ParameterCollector>(*this); }

std::vector<NamedBuffer> Module::named_buffers() const { return collected<BufferCollector>(*this); }

std::vector<NamedModule> Module::named_modules() {
  ModuleCollector collector;
  collector.module({}, *this);
  return std::move(collector.found);
}

Variables Module::parameters() const {
  Variables handles;
  for (NamedParameter& parameter : named_parameters()) handles.push_back(std::move(parameter.value));
  return handles;
}

void Module::train(bool on) {
  for (const NamedModule& inside : named_modules()) inside.module->training_ = on;
}

void Module::zero_grad() {
  for (Variable& parameter : parameters()) {
    if (parameter.defined()) parameter.zero_grad();
  }
}

void Module::to(DType dtype) {
  if (!is_float(dtype)) {
    throw DTypeError(
        fmt::format("to: parameters are float32 or float64 (dtype is {})\n  hint: use to(DType::float32) or "
                    "to(DType::float64)",
                    to_string(dtype)));
  }
  Converter converter{dtype};
  visit_members(converter);
}

DType Module::dtype() const {
  DTypeFinder finder;
  const_cast<Module*>(this)->visit_members(finder);
  return finder.found.value_or(DType::float32);
}

namespace detail {

std::string_view take_name(std::string_view& names) {
  const std::size_t end = std::min(names.find(','), names.size());
  std::string_view name = names.substr(0, end);
  names.remove_prefix(std::min(end + 1, names.size()));
  const std::size_t first = name.find_first_not_of(' ');
  return first == std::string_view::npos ? name : name.substr(first, name.find_last_not_of(' ') - first + 1);
}

}  // namespace detail

}  // namespace fathom::nn
