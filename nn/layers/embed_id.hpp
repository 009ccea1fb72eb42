// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/nn/init.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

struct EmbedIDOptions {
  std::optional<std::int64_t> ignore_label = std::nullopt;  ///< an id that gives zeros and no gradient
  Initializer initial_W = init::normal(1);                  ///< fans: 1 and out_size
};

/// A learned vector for each id, ops::embed_id: ids (i...) of int32 or int64 in [0, ids), y (i..., out_size).
class FATHOM_EXPORT EmbedID final : public Module {
 public:
  Parameter W;  ///< (ids, out_size)
  FATHOM_MODULE(W)

  /// Throws ValueError for sizes below 1.
  EmbedID(std::int64_t ids, std::int64_t out_size, const EmbedIDOptions& options, Random& random);
  [[nodiscard]] const EmbedIDOptions& options() const { return options_; }

  /// Ids are data, not Variables.
  Variable operator()(const Array& ids);

 private:
  EmbedIDOptions options_;
};

}  // namespace fathom::nn
