// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <fathom/autograd/call_rows.hpp>
#include <fathom/autograd/hooks.hpp>

namespace fathom {

/// Measures what functions do to the memory pool of all Arrays. A forward leaves its outputs behind, and what
/// it keeps for backward unless somebody else holds that; a backward leaves gradients. What is released
/// between calls is nobody's. The pool is one for all threads: what others do meanwhile is counted too.
class FATHOM_EXPORT MemoryHook final : public FunctionHook {
 public:
  struct Row {
    CallKey key;
    std::int64_t forward_calls = 0, backward_calls = 0;
    std::int64_t forward_bytes = 0,
                 backward_bytes = 0;  ///< more in use after the calls than before, summed up
    std::int64_t peak_bytes = 0;      ///< most in use in the whole pool during a call
    Row& operator+=(const Row& other);
  };

  MemoryHook() = default;
  MemoryHook(const MemoryHook&) = default;
  MemoryHook& operator=(const MemoryHook&) = default;
  ~MemoryHook() override;

  /// The ones that leave most behind first.
  [[nodiscard]] std::vector<Row> rows(CallGroup group = CallGroup::function_in_module) const;
  [[nodiscard]] std::string table(CallGroup group = CallGroup::function_in_module) const;
  void clear() { calls_.clear(); }

  void before_forward(const Function& function, std::span<const Array> inputs) override;
  void after_forward(const Function& function, std::span<const Array> inputs,
                     std::span<const Array> outputs) override;
  void before_backward(const Function& function, std::span<const Variable> gys) override;
  void after_backward(const Function& function, std::span<const Variable> gys,
                      std::span<const Variable> gxs) override;

 private:
  struct Running {
    const Function* function;
    std::int64_t bytes;  // in use at its start
    std::int64_t peak;   // the pool's before it, to be put back
  };
  struct Change {
    std::int64_t bytes = 0, peak = 0;
  };
  void start(const Function& function);
  Change stop(const Function& function);

  std::map<CallKey, Row> calls_;
  std::vector<Running> running_;  // as in TimeHook
};

}  // namespace fathom
