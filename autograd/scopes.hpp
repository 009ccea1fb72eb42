// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/export.hpp>

namespace fathom {

/// Whether operations of this thread record a graph.
[[nodiscard]] FATHOM_EXPORT bool is_recording();

/// Within its lifetime operations of this thread record, or do not record, a graph.
class FATHOM_EXPORT RecordingScope {
 public:
  explicit RecordingScope(bool recording);
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;
  ~RecordingScope();

 private:
  bool before_;
};

/// No graph within its lifetime: outputs require no gradient and nothing is kept for backward. It does not
/// switch layers to evaluation: that is `Module::eval()`.
class NoGradScope : public RecordingScope {
 public:
  NoGradScope() : RecordingScope(false) {}
};

}  // namespace fathom
