// SPDX-License-Identifier: BSD-3-Clause
#include "benchmarks/models/settings.hpp"

#include <CLI/CLI.hpp>

#include <fathom/core/error.hpp>

#include "benchmarks/command_line.hpp"

namespace fathom::benchmarks {

ModelSettings parse_model_settings(const std::vector<std::string>& words) {
  ModelSettings settings;
  std::string mode = "train";
  CLI::App app{
      "Times training steps (forward, softmax cross entropy, backward, SGD with momentum) or inference "
      "(batch\n"
      "normalizations folded into convolutions, nothing recorded) after two that are not counted. Prints a "
      "line of\n"
      "JSON."};
  app.add_option("--model", settings.model, "the network")
      ->required()
      ->check(CLI::IsMember({"mobilenet_v1", "mobilenet_v2", "small_cnn"}));
  const CLI::Option* width = app.add_option("--width", settings.width, "multiplier of MobileNets' channels")
                                 ->check(positive())
                                 ->capture_default_str();
  app.add_option("--size", settings.size, "of the images (default: 224; small_cnn 28; with --cifar 32)")
      ->check(positive());
  app.add_flag("--cifar", settings.cifar, "the network for images of 32 x 32 x 3 and 10 classes");
  app.add_option("--batch", settings.batch, "images in a step")->check(positive())->capture_default_str();
  app.add_option("--threads", settings.threads, "of Fathom")->check(positive())->capture_default_str();
  app.add_option("--mode", mode, "what a step does")
      ->check(CLI::IsMember({"train", "infer"}))
      ->capture_default_str();
  app.add_option("--steps", settings.steps, "that are measured")->check(positive())->capture_default_str();
  app.add_flag("--stdin", settings.from_stdin,
               "measure once for each line of standard input, which gives the steps");
  parse_words(app, words);
  if (settings.model == "small_cnn" && width->count() > 0) {
    throw ValueError("small_cnn has no --width\n  hint: mobilenet_v1 and mobilenet_v2 have");
  }
  settings.train = mode == "train";
  if (settings.size == 0) settings.size = settings.cifar ? 32 : settings.model == "small_cnn" ? 28 : 224;
  return settings;
}

}  // namespace fathom::benchmarks
