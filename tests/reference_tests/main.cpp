// SPDX-License-Identifier: BSD-3-Clause
// Replays recorded values: reference_tests [name...] runs all entries, or those of the operations, optimizers
// and networks named. The first line says which kernels ran. FATHOM_REFERENCE_DIR takes the place of the
// repository's tests/reference. Exit status: 0 all that ran passed, 1 something failed or nothing ran, 2
// nothing to replay.
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>

#include "replay.hpp"

namespace {

using namespace fathom;
using nlohmann::json;

json read_manifest(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    throw IoError(path + ": cannot be read; FATHOM_REFERENCE_DIR must name a directory with a manifest.json");
  try {
    json manifest = json::parse(file);
    if (manifest.at("format") != 1) throw IoError(path + ": not of format 1");
    return manifest;
  } catch (const json::exception& error) {
    throw IoError(path + ": not a manifest: " + error.what());
  }
}

class Filter {
 public:
  Filter(int argc, char** argv) : names_(argv + 1, argv + argc) {}
  bool wants(const std::string& name) const { return names_.empty() || names_.contains(name); }

 private:
  std::set<std::string> names_;
};

reference::Report replay(const json& manifest, const std::string& directory, const Filter& filter) {
  reference::Files files(directory);
  reference::Report report;
  for (const json& entry : manifest.at("cases")) {
    if (filter.wants(entry.at("op"))) reference::replay_case(entry, files, report);
  }
  for (const json& entry : manifest.at("errors")) {
    if (filter.wants(entry.at("op"))) reference::replay_error(entry, report);
  }
  for (const json& entry : manifest.at("optimizers")) {
    const std::string name = entry.at("optimizer");
    if (filter.wants(name)) reference::replay_optimizer(entry, files, report);
  }
  for (const json& entry : manifest.at("initializers")) {
    const std::string name = entry.at("name");
    if (filter.wants(name)) reference::replay_initializer(entry, report);
  }
  for (const json& entry : manifest.at("networks")) {
    const std::string name = entry.at("id");
    if (filter.wants(name)) reference::replay_network(entry, files, report);
  }
  return report;
}

void print_instruction_sets() {
  std::set<std::string_view> ran;
  for (const KernelCount& count : kernel_counts()) ran.insert(to_string(count.isa));
  if (ran.empty()) ran.insert("none");
  fmt::print("instruction set: {} (kernels that ran: {})\n", to_string(active_isa()), fmt::join(ran, ", "));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const char* chosen = std::getenv("FATHOM_REFERENCE_DIR");
    const std::string directory = chosen != nullptr ? chosen : FATHOM_SOURCE_DIR "/tests/reference";
    const reference::Report report =
        replay(read_manifest(directory + "/manifest.json"), directory, {argc, argv});
    print_instruction_sets();
    report.print();
    return report.passed() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
