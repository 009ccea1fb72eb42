// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/module.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::nn {

/// ops::max_pooling_2d as a module: `MaxPool2D{{.kernel = 3, .stride = 2}}`.
class FATHOM_EXPORT MaxPool2D : public Module {
 public:
  FATHOM_MODULE()
  explicit MaxPool2D(const ops::MaxPooling2DOptions& options = {}) : options_(options) {}
  [[nodiscard]] const ops::MaxPooling2DOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  ops::MaxPooling2DOptions options_;
};

/// ops::average_pooling_2d as a module.
class FATHOM_EXPORT AveragePool2D : public Module {
 public:
  FATHOM_MODULE()
  explicit AveragePool2D(const ops::AveragePooling2DOptions& options = {}) : options_(options) {}
  [[nodiscard]] const ops::AveragePooling2DOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  ops::AveragePooling2DOptions options_;
};

/// ops::adaptive_average_pooling_2d as a module: x (n, c, h, w), y (n, c, size.y, size.x).
class FATHOM_EXPORT AdaptiveAveragePool2D : public Module {
 public:
  FATHOM_MODULE()
  explicit AdaptiveAveragePool2D(Pair2 size) : size_(size) {}
  [[nodiscard]] Pair2 size() const { return size_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  Pair2 size_;
};

/// ops::global_average_pooling_2d as a module: x (n, c, h, w), y (n, c).
class FATHOM_EXPORT GlobalAveragePool2D : public Module {
 public:
  FATHOM_MODULE()

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn
