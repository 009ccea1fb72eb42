// SPDX-License-Identifier: BSD-3-Clause
#include "benchmarks/ops/settings.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include <fathom/core/error.hpp>

#include "benchmarks/command_line.hpp"

namespace fathom::benchmarks {
namespace {

/// Which options an op has besides those that all have.
struct OpOptions {
  std::string_view op;
  std::vector<std::string_view> options;
  std::size_t rank = 4;         ///< axes of x
  bool has_parameters = false;  ///< and so a backward_w
};

const std::vector<OpOptions>& op_options() {
  static const std::vector<OpOptions> table{
      {"depthwise_convolution_2d",
       {"--kernel", "--stride", "--pad", "--dilation", "--multiplier", "--bias"},
       4,
       true},
      {"convolution_2d",
       {"--out-channels", "--kernel", "--stride", "--pad", "--dilation", "--groups", "--bias"},
       4,
       true},
      {"linear", {"--out-channels", "--bias"}, 2, true},
      {"batch_normalization", {"--activation", "--residual"}, 4, true},
      {"relu", {}},
      {"relu6", {}},
      {"add", {}, 4, true},
      {"max_pooling_2d", {"--kernel", "--stride", "--pad", "--cover-all"}},
      {"average_pooling_2d", {"--kernel", "--stride", "--pad"}},
      {"global_average_pooling_2d", {}},
      {"softmax_cross_entropy", {}, 2},
  };
  return table;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const OpOptions& op : op_options()) names.emplace_back(op.op);
  return names;
}

const std::map<std::string, Pass> passes{
    {"forward", Pass::forward}, {"backward_x", Pass::backward_x}, {"backward_w", Pass::backward_w}};
const std::map<std::string, Activation> activations{
    {"none", Activation::none}, {"relu", Activation::relu}, {"relu6", Activation::relu6}};
const std::map<std::string, DType> dtypes{{"float32", DType::float32}, {"float64", DType::float64}};

template <class T>
std::vector<std::string> names_of(const std::map<std::string, T>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

/// The command line and where its words go.
class Parser {
 public:
  Parser() {
    require("--op", op_, "what is measured")->check(CLI::IsMember(op_names()));
    app_.add_option("--shape", shape_, "of x: N,C,H,W, or N,C for linear and softmax_cross_entropy")
        ->required()
        ->delimiter(',')
        ->check(positive());
    require("--pass", pass_, "gradient of x or of the parameters (for add: of its second summand)")
        ->check(CLI::IsMember(names_of(passes)));
    app_.add_option("--out-channels", out_channels_, "default: those of x")->check(positive());
    app_.add_option("--kernel", kernel_, "default: 3, for pooling 2")->check(positive());
    app_.add_option("--stride", stride_, "default: 1, for pooling the kernel's size")->check(positive());
    app_.add_option("--pad", pad_, "default: what keeps the size at stride 1, for pooling 0")
        ->check(CLI::NonNegativeNumber);
    app_.add_option("--dilation", dilation_, "pixels from tap to tap")->check(positive());
    app_.add_option("--multiplier", multiplier_, "filters for each channel")->check(positive());
    app_.add_option("--groups", groups_, "of channels")->check(positive());
    app_.add_flag("--bias", settings_.bias, "add a bias");
    app_.add_option("--activation", activation_, "fused into batch_normalization")
        ->check(CLI::IsMember(names_of(activations)));
    app_.add_flag("--residual", settings_.residual, "a summand fused into batch_normalization");
    app_.add_flag(
        "--cover-all", settings_.cover_all,
        "round the pooling's output size up, as Fathom's op does by default and PyTorch's does not");
    app_.add_option("--threads", settings_.threads, "default: 1")->check(positive());
    app_.add_option("--dtype", dtype_, "default: float32")->check(CLI::IsMember(names_of(dtypes)));
    app_.add_option("--seconds", settings_.budget.seconds, "to measure for (default: 0.3)")
        ->check(positive());
    app_.add_option("--repeat", repeat_, "exactly so many runs instead")->check(positive());
    app_.footer(
        "--stdin: reads such lines of options from standard input and answers each with a line of JSON");
  }

  OpSettings parse(const std::vector<std::string>& words) {
    parse_words(app_, words);
    settings_.op = op_;
    settings_.pass = passes.at(pass_);
    settings_.activation = activations.at(activation_);
    settings_.dtype = dtypes.at(dtype_);
    settings_.out_channels = out_channels_;
    settings_.kernel = kernel_;
    settings_.stride = stride_;
    settings_.pad = pad_;
    settings_.dilation = dilation_;
    settings_.multiplier = multiplier_;
    settings_.groups = groups_;
    if (repeat_) settings_.budget = {.seconds = 0, .at_least = *repeat_, .at_most = *repeat_};
    require_options_of_op();
    settings_.shape = Shape(shape_);
    return settings_;
  }

 private:
  CLI::Option* require(const std::string& name, std::string& value, const std::string& text) {
    return app_.add_option(name, value, text)->required();
  }

  void require_options_of_op() {
    const auto& table = op_options();
    const OpOptions& op =
        *std::find_if(table.begin(), table.end(), [&](const auto& o) { return o.op == op_; });
    for (const std::string_view option :
         {"--out-channels", "--kernel", "--stride", "--pad", "--dilation", "--multiplier", "--groups",
          "--bias", "--activation", "--residual", "--cover-all"}) {
      const bool has = std::find(op.options.begin(), op.options.end(), option) != op.options.end();
      if (!has && app_.get_option(std::string(option))->count() > 0) {
        throw ValueError(
            fmt::format("{} has no option {}\n  hint: it has {}", op_, option,
                        op.options.empty() ? "none" : fmt::format("{}", fmt::join(op.options, ", "))));
      }
    }
    if (!op.has_parameters && settings_.pass == Pass::backward_w) {
      throw ValueError(fmt::format("{} has no parameters\n  hint: --pass forward or backward_x", op_));
    }
    if (shape_.size() != op.rank && !(op_ == "linear" && shape_.size() == 4)) {
      throw ValueError(fmt::format("{} takes a --shape of {} numbers, not {}", op_, op.rank, shape_.size()));
    }
    if (op_ == "linear") shape_.resize(4, 1);
  }

  CLI::App app_{
      "Times one pass of a public op, allocation and checks included, after comparing its results with\n"
      "plain loops in double. Prints a line of JSON."};
  OpSettings settings_;
  std::string op_, pass_, activation_ = "none", dtype_ = "float32";
  std::vector<std::int64_t> shape_;
  std::optional<std::int64_t> out_channels_, kernel_, stride_, pad_;
  std::int64_t dilation_ = 1, multiplier_ = 1, groups_ = 1;
  std::optional<std::size_t> repeat_;
};

}  // namespace

std::string_view to_string(Pass pass) {
  return pass == Pass::forward ? "forward" : pass == Pass::backward_x ? "backward_x" : "backward_w";
}

OpSettings parse_op_settings(const std::vector<std::string>& words) { return Parser{}.parse(words); }

}  // namespace fathom::benchmarks
