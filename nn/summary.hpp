// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// What one layer, or one function that is called beside layers, does in a forward.
struct SummaryRow {
  std::string path;                  ///< "features.1.conv"; empty in the model itself
  std::string kind;                  ///< the class of a module without modules inside; else the function
  std::optional<Shape> output = {};  ///< absent for a module that holds parameters and calls no function
  std::int64_t parameters = 0;  ///< numbers to learn; counted in the first row of a module that is used again
  std::int64_t multiply_adds = 0;     ///< of convolutions and matrix products; 0 for others
  std::int64_t activation_bytes = 0;  ///< of the outputs; 0 for those that share the data of an input
};

struct Summary {
  std::vector<SummaryRow> rows;  ///< in the order of the forward
  SummaryRow total;
};

struct SummaryOptions {
  std::int64_t batch = 1;
};

/// Runs a forward over zeros of shape (batch, sample_shape...), in evaluation and without a graph, and notes
/// what happens. Training flags, running statistics, gradients and counters of dropout are as before. Any
/// module with the usual forward will do; functions of one's own count with their `multiply_adds`.
///
/// Throws GraphError naming a parameter that has no data yet, ValueError for a batch below 1.
[[nodiscard]] FATHOM_EXPORT Summary summary(Module& model, const Shape& sample_shape,
                                            const SummaryOptions& options = {});

/// A table with totals.
[[nodiscard]] FATHOM_EXPORT std::string to_string(const Summary& summary);
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, const Summary& summary);

}  // namespace fathom::nn
