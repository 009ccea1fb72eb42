// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct EmbedIDOptions {
  std::optional<std::int64_t> ignore_label = std::nullopt;  ///< an id that gives zeros and no gradient
};

/// Rows of W: y[i..., :] = W[x[i...], :], and 0 where x is ignore_label. Of gW each row is the sum of gy over
/// the places where its id stands.
/// @param x ids, int32 or int64 (i...), one axis or more, in [0, ids) or ignore_label   @param W (ids, size)
/// @return (i..., size)
/// @throws ShapeError, DTypeError, ValueError (an id out of range, naming it and its position)
/// Source: Y. Bengio et al., A Neural Probabilistic Language Model, 2003.
[[nodiscard]] FATHOM_EXPORT Variable embed_id(const Array& x, const Variable& W,
                                              const EmbedIDOptions& options = {});

}  // namespace fathom::ops
