// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/print_hook.hpp>

#include <string>
#include <type_traits>

namespace fathom {
namespace {

template <class Values>
std::string list(const Values& values) {
  std::string text;
  for (const auto& value : values) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Array>) {
      text += describe(value);
    } else {
      text += value.defined() ? describe(value.data()) : "-";
    }
  }
  return text;
}

std::string place(const Function& function) {
  return function.module_path().empty() ? "\n" : "  in: " + function.module_path() + '\n';
}

}  // namespace

void PrintHook::after_forward(const Function& function, std::span<const Array> inputs,
                              std::span<const Array> outputs) {
  *out_ << function.name() << ": " << list(inputs) << " -> " << list(outputs) << place(function);
}

void PrintHook::after_backward(const Function& function, std::span<const Variable> gys,
                               std::span<const Variable> gxs) {
  *out_ << "backward of " << function.name() << ": " << list(gys) << " -> " << list(gxs) << place(function);
}

}  // namespace fathom
