// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>

namespace fathom::nn {

/// Images with one label for each: what a DataLoader takes.
struct ImageSet {
  Array images;  ///< uint8 (n, h, w) or (n, c, h, w)
  Array labels;  ///< int64 (n)
};

}  // namespace fathom::nn
