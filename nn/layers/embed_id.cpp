// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/embed_id.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/embed_id.hpp>

namespace fathom::nn {

EmbedID::EmbedID(std::int64_t ids, std::int64_t out_size, const EmbedIDOptions& options, Random& random)
    : options_(options) {
  ArgumentCheck check{"EmbedID"};
  check.at_least("ids", ids, 1, "it is how many ids there are");
  check.at_least("out_size", out_size, 1, "it is the length of the vector of an id");
  W = Parameter{options.initial_W(random.key(), {ids, out_size}, {.in = 1, .out = out_size}, DType::float32)};
}

Variable EmbedID::operator()(const Array& ids) {
  const ModuleScope scope(*this);
  return ops::embed_id(ids, W, {.ignore_label = options_.ignore_label});
}

}  // namespace fathom::nn
