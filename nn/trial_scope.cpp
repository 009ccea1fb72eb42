// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/trial_scope.hpp>

namespace fathom::nn {

TrialScope::TrialScope(Module& module) {
  for (const NamedModule& inside : module.named_modules()) {
    flags_.push_back({inside.module, inside.module->is_training()});
  }
  for (const NamedBuffer& buffer : module.named_buffers()) {
    buffers_.push_back({buffer.value, buffer.value.version(), buffer.value.copy()});
  }
  module.eval();
}

TrialScope::~TrialScope() {
  for (const Flag& flag : flags_) flag.module->train(flag.is_training);  // outer modules come first
  for (Kept& kept : buffers_) {
    // A graph may have saved the buffer: one that nobody changed is not written.
    if (kept.buffer.version() != kept.version) kept.buffer.assign(kept.values);
  }
}

}  // namespace fathom::nn
