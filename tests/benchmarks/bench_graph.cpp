// SPDX-License-Identifier: BSD-3-Clause
// Times what a node of the graph costs besides its arithmetic: a chain of additions of one element, forward
// and backward. Prints a line of JSON.
#include <iostream>
#include <nlohmann/json.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/arithmetic.hpp>

#include "benchmarks/measure.hpp"

int main() {
  using namespace fathom;
  constexpr int kNodes = 1000;
  set_num_threads(1);
  const Variable x(Array::ones({1}, DType::float32), true), one(Array::ones({1}, DType::float32));
  const benchmarks::Times times = benchmarks::measure({}, [&] {
    Variable y = x;
    for (int i = 0; i < kNodes; ++i) y = y + one;
    backward(y);
  });
  const double microseconds = 1e3 / kNodes;
  std::cout << nlohmann::ordered_json{{"nodes", kNodes},
                                      {"median_us_per_node", times.median_ms * microseconds},
                                      {"min_us_per_node", times.min_ms * microseconds}}
                   .dump()
            << '\n';
}
