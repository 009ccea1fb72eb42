// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/activation.hpp>
#include <fathom/nn/init.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

class BatchNorm2D;

struct LinearOptions {
  std::int64_t n_batch_axes = 1;  ///< leading axes of x that stay; the rest is flattened
  bool bias = true;
  Activation activation = Activation::none;      ///< of the result
  Initializer initial_W = init::lecun_normal();  ///< fans: in_size and out_size
  Initializer initial_b = init::constant(0);
};

/// y = x W^T + b, ops::linear: x (n, d...) with in_size = prod(d), y (n, out_size). Left out, in_size is that
/// of the first x: W and b get then the values that they would have got at once.
class FATHOM_EXPORT Linear : public Module {
 public:
  Parameter W;  ///< (out_size, in_size)
  Parameter b;  ///< (out_size), or absent
  FATHOM_MODULE(W, b)

  /// Throws ValueError for sizes below 1.
  Linear(std::int64_t in_size, std::int64_t out_size, const LinearOptions& options, Random& random);
  Linear(std::int64_t out_size, const LinearOptions& options, Random& random);
  [[nodiscard]] const LinearOptions& options() const { return options_; }

  /// Takes a batch normalization that follows, with its activation, into W and b: from now on the layer
  /// computes what both did in evaluation, and cannot train. Returns false, and changes nothing, unless the
  /// two have the same channels and type and this layer has no activation. Throws GraphError for a parameter
  /// without data. `nn::fold_batch_norm` calls it.
  [[nodiscard]] bool fold(const BatchNorm2D& bn);

 protected:
  Variable forward(const Variable& x) override;

 private:
  void initialize(std::int64_t in_size);

  LinearOptions options_;
  std::int64_t out_size_;
  RandomKey key_W_, key_b_;
  bool is_folded_ = false;
};

}  // namespace fathom::nn
