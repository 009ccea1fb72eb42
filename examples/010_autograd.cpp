// SPDX-License-Identifier: BSD-3-Clause
// Gradients of a small expression: first order, second order, and what is not recorded.
#include <iostream>

#include <fathom/fathom.hpp>

using namespace fathom;

int main() {
  // Two leaves; true: their gradients are wanted.
  Variable x{Array::from({1.0, 2.0, 3.0}, {3}), true};
  Variable w{Array::from({0.5, -1.0, 2.0}, {3}), true};

  // Operators record a graph while they compute.
  const Variable y = ops::sum(w * x * x + 1.0);
  std::cout << "y      = " << y << '\n';

  backward(y);
  std::cout << "dy/dx  = " << x.grad() << "   (2 w x)\n";
  std::cout << "dy/dw  = " << w.grad() << "   (x^2)\n";

  // grad() gives chosen gradients back and leaves grad() of the leaves alone; with create_graph they can be
  // differentiated again.
  const Variable z = ops::sum(x * x * x);
  const Variable gx = grad({z}, {x}, {}, {.create_graph = true})[0];
  const Variable ggx = grad({ops::sum(gx)}, {x})[0];
  std::cout << "z'     = " << gx << "   (3 x^2)\n";
  std::cout << "z''    = " << ggx << "   (6 x)\n";

  // The next backward adds to a gradient; zero_grad marks it empty.
  x.zero_grad();
  backward(ops::sum(x * 2.0));
  std::cout << "again  = " << x.grad() << '\n';

  const NoGradScope scope;
  std::cout << "within NoGradScope a result requires a gradient: " << std::boolalpha
            << (x * x).requires_grad() << '\n';
}
