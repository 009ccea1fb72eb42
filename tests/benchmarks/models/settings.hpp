// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fathom::benchmarks {

/// What one measurement is about.
struct ModelSettings {
  std::string model;
  double width = 1;
  std::int64_t size = 0;  ///< height and width of the images
  bool cifar = false;
  std::int64_t batch = 1;
  int threads = 1;
  bool train = true;
  std::size_t steps = 10;
  bool from_stdin = false;  ///< measure once for each line of standard input, as many steps as it says

  [[nodiscard]] std::int64_t in_channels() const { return model == "small_cnn" && !cifar ? 1 : 3; }
  [[nodiscard]] std::int64_t classes() const { return model == "small_cnn" || cifar ? 10 : 1000; }
};

/// Settings from the words of a command line. Throws ValueError; HelpRequest for --help.
[[nodiscard]] ModelSettings parse_model_settings(const std::vector<std::string>& words);

}  // namespace fathom::benchmarks
