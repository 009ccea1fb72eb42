// SPDX-License-Identifier: BSD-3-Clause
// A trivial program: `./dev bench weight` times how long it takes from its start to its end.
#include <cstdio>

#include <fathom/fathom.hpp>

int main() {
  const fathom::Variable x(fathom::Array::ones({2, 3}, fathom::DType::float32), true);
  backward(fathom::ops::sum(fathom::ops::relu(x)));
  std::printf("%g\n", fathom::ops::sum(x.grad()).item());
}
