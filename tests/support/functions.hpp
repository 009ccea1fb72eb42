// SPDX-License-Identifier: BSD-3-Clause
// Functions of the tests' own: the engine is tested without the library's ops.
#pragma once

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>

namespace fathom::test {

inline Variable multiply(const Variable& a, const Variable& b);

/// a * b of equal shapes; keeps both inputs.
class Multiply final : public Function {
 public:
  std::string_view name() const override { return "multiply"; }
  Arrays forward(std::span<const Array> in) override {
    retain_inputs({0, 1});
    return {zip("multiply", in[0], in[1], [](auto a, auto b) { return a * b; })};
  }
  Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    return {wanted[0] ? multiply(gys[0], input(1)) : Variable{},
            wanted[1] ? multiply(gys[0], input(0)) : Variable{}};
  }
};

/// The same, with the fast way for gradients without a graph.
class MultiplyWithArrays final : public Function {
 public:
  std::string_view name() const override { return "multiply_with_arrays"; }
  Arrays forward(std::span<const Array> in) override {
    retain_inputs({0, 1});
    return {zip("multiply", in[0], in[1], [](auto a, auto b) { return a * b; })};
  }
  Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    return {wanted[0] ? multiply(gys[0], input(1)) : Variable{},
            wanted[1] ? multiply(gys[0], input(0)) : Variable{}};
  }
  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    for (std::size_t i = 0; i < 2; ++i) {
      if (!wanted[i]) continue;
      const double* gy = gys[0].data<double>();
      const double* other = input_array(1 - i).data<double>();
      const bool add = into[i].accumulates();
      double* gx = into[i].buffer().mutable_data<double>();
      for (std::int64_t j = 0; j < gys[0].size(); ++j) gx[j] = gy[j] * other[j] + (add ? gx[j] : 0.0);
    }
  }
};

/// a + b of equal shapes; keeps nothing.
class Plus final : public Function {
 public:
  std::string_view name() const override { return "plus"; }
  Arrays forward(std::span<const Array> in) override {
    return {zip("plus", in[0], in[1], [](auto a, auto b) { return a + b; })};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override { return {gys[0], gys[0]}; }
};

/// x * 1, twice: two outputs of which the second is kept.
class Twice final : public Function {
 public:
  std::string_view name() const override { return "twice"; }
  Arrays forward(std::span<const Array> in) override {
    retain_output(1);
    return {in[0].copy(), in[0].copy()};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    if (gys[0].defined() && gys[1].defined()) return {apply<Plus>({gys[0], gys[1]})};
    return {gys[0].defined() ? gys[0] : gys[1]};
  }
};

/// Fails where it is told to.
class Failing final : public Function {
 public:
  Failing(bool in_forward, bool in_backward) : in_forward_(in_forward), in_backward_(in_backward) {}
  std::string_view name() const override { return "failing"; }
  Arrays forward(std::span<const Array> in) override {
    retain_input(0);
    const Array scratch = Array::zeros({1000}, DType::float64);
    if (in_forward_) throw std::runtime_error("forward failed");
    return {in[0].copy()};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Array scratch = Array::zeros({1000}, DType::float64);
    if (in_backward_) throw std::runtime_error("backward failed");
    return {gys[0]};
  }

 private:
  bool in_forward_;
  bool in_backward_;
};

inline Variable multiply(const Variable& a, const Variable& b) { return apply<Multiply>({a, b}); }
inline Variable plus(const Variable& a, const Variable& b) { return apply<Plus>({a, b}); }
inline Variable leaf(double value) { return Variable(Array::scalar(value, DType::float64), true); }

}  // namespace fathom::test
