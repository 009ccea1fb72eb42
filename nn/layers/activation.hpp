// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include <fathom/nn/module.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/softmax.hpp>

namespace fathom::nn {

namespace detail {

/// A function of one variable as a module.
template <Variable (*F)(const Variable&)>
class FunctionModule : public Module {
 public:
  FATHOM_MODULE()

 protected:
  Variable forward(const Variable& x) override { return F(x); }
};

/// The same with one number or choice: a slope, a bound, an axis.
template <class Number, Variable (*F)(const Variable&, Number)>
class NumberModule : public Module {
 public:
  FATHOM_MODULE()
  explicit NumberModule(Number number) : number_(number) {}

 protected:
  Variable forward(const Variable& x) override { return F(x, number_); }

 private:
  Number number_;
};

}  // namespace detail

// The functions of ops/activation.hpp and ops/softmax.hpp as modules: `Sequential{Linear{64, 10, {}, random},
// LeakyReLU{0.01}}`. Those with parameters stand at the end.

class FATHOM_EXPORT ReLU final : public detail::FunctionModule<ops::relu> {};
class FATHOM_EXPORT ReLU6 final : public detail::FunctionModule<ops::relu6> {};
class FATHOM_EXPORT Sigmoid final : public detail::FunctionModule<ops::sigmoid> {};
class FATHOM_EXPORT Tanh final : public detail::FunctionModule<ops::tanh> {};
class FATHOM_EXPORT HardSwish final : public detail::FunctionModule<ops::hard_swish> {};
class FATHOM_EXPORT Mish final : public detail::FunctionModule<ops::mish> {};

class FATHOM_EXPORT ClippedReLU final : public detail::NumberModule<double, ops::clipped_relu> {
 public:
  explicit ClippedReLU(double z = 20) : NumberModule(z) {}
};
class FATHOM_EXPORT LeakyReLU final : public detail::NumberModule<double, ops::leaky_relu> {
 public:
  explicit LeakyReLU(double slope = 0.2) : NumberModule(slope) {}
};
class FATHOM_EXPORT HardSigmoid final : public detail::NumberModule<double, ops::hard_sigmoid> {
 public:
  explicit HardSigmoid(double slope = 0.2) : NumberModule(slope) {}
};
class FATHOM_EXPORT ELU final : public detail::NumberModule<double, ops::elu> {
 public:
  explicit ELU(double alpha = 1) : NumberModule(alpha) {}
};
class FATHOM_EXPORT Softplus final : public detail::NumberModule<double, ops::softplus> {
 public:
  explicit Softplus(double beta = 1) : NumberModule(beta) {}
};
/// Swish with a beta that stays: x sigmoid(beta x).
class FATHOM_EXPORT SiLU final : public detail::NumberModule<double, ops::swish> {
 public:
  explicit SiLU(double beta = 1) : NumberModule(beta) {}
};
class FATHOM_EXPORT GELU final : public detail::NumberModule<ops::GeluForm, ops::gelu> {
 public:
  explicit GELU(ops::GeluForm form = ops::GeluForm::exact) : NumberModule(form) {}
};
class FATHOM_EXPORT CReLU final : public detail::NumberModule<std::int64_t, ops::crelu> {
 public:
  explicit CReLU(std::int64_t axis = 1) : NumberModule(axis) {}
};
class FATHOM_EXPORT Softmax final : public detail::NumberModule<std::int64_t, ops::softmax> {
 public:
  explicit Softmax(std::int64_t axis = 1) : NumberModule(axis) {}
};
class FATHOM_EXPORT LogSoftmax final : public detail::NumberModule<std::int64_t, ops::log_softmax> {
 public:
  explicit LogSoftmax(std::int64_t axis = 1) : NumberModule(axis) {}
};

/// With the alpha and scale of the paper.
class FATHOM_EXPORT SELU final : public Module {
 public:
  FATHOM_MODULE()

 protected:
  Variable forward(const Variable& x) override { return ops::selu(x); }
};

/// The largest of `pool_size` neighbours. Chainer's link of that name is `Sequential{Linear{in, out *
/// pool_size, {}, random}, Maxout{pool_size}}`.
class FATHOM_EXPORT Maxout final : public Module {
 public:
  FATHOM_MODULE()
  explicit Maxout(std::int64_t pool_size, std::int64_t axis = 1) : pool_size_(pool_size), axis_(axis) {}

 protected:
  Variable forward(const Variable& x) override { return ops::maxout(x, pool_size_, axis_); }

 private:
  std::int64_t pool_size_, axis_;
};

/// ops::prelu with a slope that is learnt: one for all by default, `PReLU{{channels}}` for one each.
class FATHOM_EXPORT PReLU final : public Module {
 public:
  Parameter W;  ///< sizes of x's axes from 1 on, or of the first of them, or ()
  FATHOM_MODULE(W)
  explicit PReLU(const Shape& shape = {}, double initial_W = 0.25);

 protected:
  Variable forward(const Variable& x) override;
};

/// ops::swish with a beta that is learnt. Left out, its shape is that of the first x without the axis of
/// samples.
class FATHOM_EXPORT Swish final : public Module {
 public:
  Parameter beta;  ///< sizes of x's axes from 1 on, or of the first of them, or ()
  FATHOM_MODULE(beta)
  explicit Swish(const std::optional<Shape>& shape = std::nullopt, double initial_beta = 1);

 protected:
  Variable forward(const Variable& x) override;

 private:
  double initial_beta_;
};

}  // namespace fathom::nn
