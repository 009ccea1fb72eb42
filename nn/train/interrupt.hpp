// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <csignal>
#include <string_view>

#include <fathom/core/export.hpp>

namespace fathom::nn::train {

/// Within its lifetime the first Ctrl-C (SIGINT) or SIGTERM only raises a flag, so that a loop can save what
/// it has and leave; the second ends the program at once, as it would without the scope. A signal that was
/// ignored before, as SIGINT is in what a script starts with "&", stays ignored throughout. Handlers belong
/// to the process: threads share the flag, and inner scopes the outer one's.
class FATHOM_EXPORT InterruptScope {
 public:
  InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();

  /// Whether a signal came since the outermost scope began.
  [[nodiscard]] static bool requested() { return signal() != 0; }
  /// Its number, 0 for none.
  [[nodiscard]] static int signal();

 private:
  std::array<struct sigaction, 2> before_{};
  bool is_outermost_;
};

/// "SIGINT (Ctrl-C)" or "SIGTERM".
[[nodiscard]] FATHOM_EXPORT std::string_view interrupt_name(int signal);

}  // namespace fathom::nn::train
