// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/core/error.hpp>

#include "operations.hpp"
#include "replay.hpp"

namespace fathom::reference {
namespace {

using nlohmann::json;

/// What became of one call: outputs, or the text of the refusal.
struct Attempt {
  bool refused = false;
  bool by_dtype = false;
  std::string text;
  Outputs outputs;
};

Attempt attempt(const json& entry) {
  try {
    Inputs inputs;
    for (const json& input : entry.at("inputs")) {
      const Shape shape(input.at("shape").get<std::vector<std::int64_t>>());
      inputs.add(input.at("name"), Array::full(shape, input.at("fill"), dtype_of_name(input.at("dtype"))),
                 false);
    }
    return {.refused = false,
            .by_dtype = false,
            .text = {},
            .outputs = call(operations().at(entry.at("op")), entry.at("params"), inputs)};
  } catch (const DTypeError& error) {
    return {.refused = true, .by_dtype = true, .text = error.what(), .outputs = {}};
  } catch (const Error& error) {
    return {.refused = true, .by_dtype = false, .text = error.what(), .outputs = {}};
  } catch (const NotExpressible& error) {
    return {.refused = true, .by_dtype = false, .text = error.what(), .outputs = {}};
  }
}

std::string shapes_of(const Outputs& outputs) {
  std::string text;
  for (const Output& output : outputs) text += (text.empty() ? "" : ", ") + describe(output.data);
  return text;
}

std::vector<std::string> compare_shapes(const json& entry, const Outputs& outputs) {
  const auto shapes = entry.at("output_shapes").get<std::vector<std::vector<std::int64_t>>>();
  bool equal = shapes.size() == outputs.size();
  for (std::size_t k = 0; equal && k < shapes.size(); ++k)
    equal = outputs[k].data.shape() == Shape(shapes[k]);
  if (equal) return {};
  return {fmt::format("{}: gives {}, recorded {}", entry.at("what").get<std::string>(), shapes_of(outputs),
                      entry.at("output_shapes").dump())};
}

std::vector<std::string> judge(const json& entry, const Attempt& result) {
  const std::string what = entry.at("what");
  if (has_refused_types(entry)) {
    if (result.by_dtype) return {};
    return {what + ": must be refused with a DTypeError" +
            (result.refused ? ", not with: " + result.text : "")};
  }
  if (!entry.at("accepted").get<bool>()) {
    if (result.refused) return {};
    return {fmt::format("{}: must be refused, gives {}", what, shapes_of(result.outputs))};
  }
  if (result.refused) return {fmt::format("{}: must be accepted, is refused: {}", what, result.text)};
  return compare_shapes(entry, result.outputs);
}

}  // namespace

void replay_error(const json& entry, Report& report) {
  const std::string op = entry.at("op");
  if (!operations().contains(op)) {
    report.skip(op, fmt::format("no operation '{}' here", op));
    return;
  }
  const std::string id = entry.at("id");
  try {
    const Attempt result = attempt(entry);
    if (entry.contains("note")) {
      report.note(op,
                  fmt::format("{}: {}: {} there, {}", id, entry.at("what").get<std::string>(),
                              entry.at("accepted").get<bool>() ? "accepted" : "refused",
                              result.refused ? "refused here" : "here gives " + shapes_of(result.outputs)));
    } else {
      report.add(op, id, judge(entry, result));
    }
  } catch (const std::exception& error) {
    report.add(op, id, {error.what()});
  }
}

}  // namespace fathom::reference
