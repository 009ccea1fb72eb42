// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/cpu.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::test {

/// Puts instruction set and number of threads back at the end of a test.
class RestoreSettings {
 public:
  RestoreSettings() = default;
  RestoreSettings(const RestoreSettings&) = delete;
  RestoreSettings& operator=(const RestoreSettings&) = delete;
  ~RestoreSettings() {
    set_isa(isa_);
    set_num_threads(threads_);
  }

 private:
  Isa isa_ = active_isa();
  int threads_ = num_threads();
};

}  // namespace fathom::test
