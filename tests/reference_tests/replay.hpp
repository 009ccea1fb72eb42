// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json.hpp>

#include "files.hpp"
#include "report.hpp"

namespace fathom::reference {

/// Each replays one entry of the manifest's list of that name and adds to the report what came out.
void replay_case(const nlohmann::json& entry, Files& files, Report& report);
void replay_error(const nlohmann::json& entry, Report& report);
void replay_optimizer(const nlohmann::json& entry, Files& files, Report& report);
void replay_initializer(const nlohmann::json& entry, Report& report);
void replay_network(const nlohmann::json& entry, Files& files, Report& report);

/// Whether the float inputs of a case or error entry differ in type, or one is or becomes float16: this
/// library refuses those.
[[nodiscard]] bool has_refused_types(const nlohmann::json& entry);

}  // namespace fathom::reference
