// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/nn/module.hpp>
#include <fathom/ops/normalization.hpp>

namespace fathom::nn {

struct LayerNormOptions {
  std::int64_t axes = 1;  ///< how many of the last axes are normalized; read where the shape is left out
  double eps = 1e-5;      ///< added to the variance
};

/// ops::layer_normalization: each sample over its last axes, x (n..., d...) with gamma and beta (d...).
/// Training and evaluation are the same. Left out, the shape is that of the last axes of the first x.
class FATHOM_EXPORT LayerNorm final : public Module {
 public:
  Parameter gamma;  ///< (d...), first 1
  Parameter beta;   ///< (d...), first 0
  FATHOM_MODULE(gamma, beta)

  /// Throws ValueError for sizes below 1, no axes, or a negative eps.
  explicit LayerNorm(const Shape& shape, const LayerNormOptions& options = {});
  explicit LayerNorm(std::int64_t size, const LayerNormOptions& options = {})
      : LayerNorm(Shape{size}, options) {}
  explicit LayerNorm(const LayerNormOptions& options = {});
  [[nodiscard]] const LayerNormOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  void initialize(const Shape& shape);

  LayerNormOptions options_;
};

struct GroupNormOptions {
  double eps = 1e-5;  ///< added to the variance
};

/// ops::group_normalization: groups of channels of each sample, x (n, channels, d...). Training and
/// evaluation are the same. Left out, channels is that of the first x.
class FATHOM_EXPORT GroupNorm final : public Module {
 public:
  Parameter gamma;  ///< (channels), first 1
  Parameter beta;   ///< (channels), first 0
  FATHOM_MODULE(gamma, beta)

  /// Throws ValueError unless groups divides channels, or for a negative eps.
  GroupNorm(std::int64_t groups, std::int64_t channels, const GroupNormOptions& options = {});
  explicit GroupNorm(std::int64_t groups, const GroupNormOptions& options = {});
  [[nodiscard]] std::int64_t groups() const { return groups_; }
  [[nodiscard]] const GroupNormOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  void initialize(std::int64_t channels);

  std::int64_t groups_;
  GroupNormOptions options_;
};

/// ops::local_response_normalization as a module: `LocalResponseNorm{{.n = 5, .k = 1}}`.
class FATHOM_EXPORT LocalResponseNorm final : public Module {
 public:
  FATHOM_MODULE()
  explicit LocalResponseNorm(const ops::LocalResponseNormalizationOptions& options = {});
  [[nodiscard]] const ops::LocalResponseNormalizationOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  ops::LocalResponseNormalizationOptions options_;
};

}  // namespace fathom::nn
