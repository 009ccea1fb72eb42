// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include <fathom/core/error.hpp>

#include "benchmarks/program.hpp"

namespace fathom::benchmarks {

/// Checks that a number is above 0, in the words of a user.
inline CLI::Validator positive() {
  return {[](std::string& word) {
            double number = 0;
            const bool is_positive = CLI::detail::lexical_cast(word, number) && number > 0;
            return is_positive ? std::string() : fmt::format("must be a positive number (it is {})", word);
          },
          "POSITIVE"};
}

/// Throws HelpRequest for --help, ValueError for words that are no options of `app`.
inline void parse_words(CLI::App& app, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    throw HelpRequest{app.help()};
  } catch (const CLI::ParseError& error) {
    throw ValueError(fmt::format("{}\n  hint: --help lists the options", error.what()));
  }
}

}  // namespace fathom::benchmarks
