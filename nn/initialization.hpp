// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <fathom/nn/init.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// Throws GraphError naming `op` and the path of the first parameter or buffer in `module` that waits for its
/// data.
FATHOM_EXPORT void require_initialized(std::string_view op, const Module& module);

/// Gives a parameter that waits for data its first values, and leaves others alone.
FATHOM_EXPORT void initialize(Parameter& parameter, const Initializer& initializer, RandomKey key,
                              const Shape& shape, const Fans& fans);

FATHOM_EXPORT void initialize(Buffer& buffer, double value, const Shape& shape);

/// For a forward that gives parameters their data. If it ends with an exception, those of `module` that
/// waited for data when the guard was made wait again: an x that does not fit leaves no sizes behind. The
/// outermost Module::operator() has one for all that is inside; layers (nn/layers/linear.cpp is an example)
/// have one for callers that catch the exception and go on.
class FATHOM_EXPORT InitializationGuard {
 public:
  explicit InitializationGuard(Module& module);
  InitializationGuard(const InitializationGuard&) = delete;
  InitializationGuard& operator=(const InitializationGuard&) = delete;
  ~InitializationGuard();

 private:
  int exceptions_;
  std::vector<Parameter*> parameters_;
  std::vector<Buffer*> buffers_;
};

/// The size of an axis of x that a parameter's takes; 1 when x has no such axis or it is empty: the op that
/// follows says what is wrong with x.
[[nodiscard]] FATHOM_EXPORT std::int64_t size_or_one(const Variable& x, std::size_t axis);

}  // namespace fathom::nn
