// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

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

/// The same with one number: a slope, a bound, an axis.
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
// LeakyReLU{0.01}}`.

class FATHOM_EXPORT ReLU final : public detail::FunctionModule<ops::relu> {};
class FATHOM_EXPORT ReLU6 final : public detail::FunctionModule<ops::relu6> {};
class FATHOM_EXPORT Sigmoid final : public detail::FunctionModule<ops::sigmoid> {};
class FATHOM_EXPORT Tanh final : public detail::FunctionModule<ops::tanh> {};

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
class FATHOM_EXPORT Softmax final : public detail::NumberModule<std::int64_t, ops::softmax> {
 public:
  explicit Softmax(std::int64_t axis = 1) : NumberModule(axis) {}
};
class FATHOM_EXPORT LogSoftmax final : public detail::NumberModule<std::int64_t, ops::log_softmax> {
 public:
  explicit LogSoftmax(std::int64_t axis = 1) : NumberModule(axis) {}
};

}  // namespace fathom::nn
