// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <fathom/autograd/call_rows.hpp>
#include <fathom/autograd/hooks.hpp>

namespace fathom {

/// Measures how long functions take, forward and backward:
///
///     TimeHook times;
///     {
///       const HookScope scope(times);
///       backward(plus(cube(x), cube(x)));
///     }
///
/// `times.table()` is then a text to print.
///
/// A function that is applied inside of another one's backward (with `create_graph`) counts for itself: the
/// times of all rows add up to the time spent in functions.
class FATHOM_EXPORT TimeHook final : public FunctionHook {
 public:
  struct Row {
    CallKey key;
    std::int64_t forward_calls = 0, backward_calls = 0;
    double forward_seconds = 0, backward_seconds = 0;
    [[nodiscard]] double seconds() const { return forward_seconds + backward_seconds; }
    Row& operator+=(const Row& other);
  };

  /// The longest first.
  [[nodiscard]] std::vector<Row> rows(CallGroup group = CallGroup::function_in_module) const;
  /// The same as text, with means and a total, in milliseconds.
  [[nodiscard]] std::string table(CallGroup group = CallGroup::function_in_module) const;
  void clear() { calls_.clear(); }

  void before_forward(const Function& function, std::span<const Array> inputs) override;
  void after_forward(const Function& function, std::span<const Array> inputs,
                     std::span<const Array> outputs) override;
  void before_backward(const Function& function, std::span<const Variable> gys) override;
  void after_backward(const Function& function, std::span<const Variable> gys,
                      std::span<const Variable> gxs) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    const Function* function;
    Clock::time_point start;
    Clock::duration inside;  // spent in functions that it called
  };
  /// Its own seconds; 0 when its start was not seen.
  double stop(const Function& function);

  std::map<CallKey, Row> calls_;
  std::vector<Running> running_;  // innermost last; one whose function threw stays until an outer one ends
};

}  // namespace fathom
