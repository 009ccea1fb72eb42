// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::nn {

struct SGDOptions {
  double rate = 0.01;  ///< learning rate; `set_lr` changes it between steps
  double momentum = 0;
  double weight_decay = 0;
};

/// Stochastic gradient descent with momentum and weight decay. A step changes each parameter p that has a
/// gradient g:
///
///     g' = g + weight_decay * p
///     v  = momentum * v - rate * g'
///     p  = p + v
///
/// The velocity v starts at zero. With the rate inside v a change of the rate reaches old gradients slowly
/// (Chainer's MomentumSGD with WeightDecay; PyTorch multiplies by the rate last). Gradients are only read.
class FATHOM_EXPORT SGD {
 public:
  /// Throws ValueError for a negative number, a momentum of 1 or more, or a parameter that is listed twice.
  explicit SGD(Variables parameters, const SGDOptions& options = {});

  /// One step. Parameters without gradient stay as they are. The first step makes the velocities; later ones
  /// allocate nothing.
  void step();
  /// Marks the gradients empty.
  void zero_grad();

  [[nodiscard]] double lr() const { return options_.rate; }
  /// Throws ValueError for a negative rate.
  void set_lr(double rate);
  [[nodiscard]] const SGDOptions& options() const { return options_; }

  [[nodiscard]] const Variables& parameters() const { return parameters_; }
  /// The velocity of parameter `i`, in its shape and dtype; undefined before its first step and without
  /// momentum.
  [[nodiscard]] const Array& velocity(std::size_t i) const { return velocities_.at(i); }

 private:
  /// One parameter's place in the row of all elements that one parallel loop walks.
  struct Segment {
    DType dtype;
    std::int64_t begin, end;
    std::byte* value;
    const std::byte* gradient;
    std::byte* velocity;  ///< null without momentum
  };
  void make_velocities();
  template <class T>
  void update(const Segment& segment, std::int64_t begin, std::int64_t end) const;

  Variables parameters_;
  SGDOptions options_;
  Arrays velocities_;
  std::vector<Segment> segments_;
};

}  // namespace fathom::nn
