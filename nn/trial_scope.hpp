// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <fathom/autograd/scopes.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// Within its lifetime `module` is in evaluation and this thread records no graph. At its end the training
/// flags of all modules inside are as before, and so are the buffers, whatever a forward did to them.
class FATHOM_EXPORT TrialScope {
 public:
  explicit TrialScope(Module& module);
  TrialScope(const TrialScope&) = delete;
  TrialScope& operator=(const TrialScope&) = delete;
  ~TrialScope();

 private:
  struct Flag {
    Module* module;
    bool is_training;
  };
  struct Kept {
    Array buffer;
    std::uint64_t version;
    Array values;
  };
  NoGradScope no_grad_;
  std::vector<Flag> flags_;
  std::vector<Kept> buffers_;
};

}  // namespace fathom::nn
