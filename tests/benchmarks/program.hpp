// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

namespace fathom::benchmarks {

/// Thrown for --help.
struct HelpRequest {
  std::string text;
};

/// The body of main: prints help, or an error for an exit status of 1.
template <class F>
int run_program(F&& body) {
  try {
    return body();
  } catch (const HelpRequest& request) {
    std::cout << request.text;
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

}  // namespace fathom::benchmarks
