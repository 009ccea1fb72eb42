// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/cpu.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <tuple>

#include <fathom/core/error.hpp>
#include <fathom/core/threads.hpp>

namespace fathom {
namespace {

constexpr Isa kAll[] = {Isa::baseline, Isa::avx2, Isa::avx512};

std::vector<std::string_view> names(const std::vector<Isa>& isas) {
  std::vector<std::string_view> result;
  for (const Isa isa : isas) result.push_back(to_string(isa));
  return result;
}

void require_supported(Isa isa, const std::vector<Isa>& supported, std::string_view who) {
  if (std::find(supported.begin(), supported.end(), isa) != supported.end()) return;
  throw ValueError(fmt::format("{}: this CPU or build has no {}\n  hint: it has {}", who, to_string(isa),
                               fmt::join(names(supported), ", ")));
}

Isa isa_from_environment() {
  const char* wanted = std::getenv("FATHOM_ISA");
  if (wanted == nullptr || *wanted == '\0') return supported_isas().back();
  return detail::isa_from_name(wanted, supported_isas());
}

std::atomic<Isa>& isa_setting() {
  static std::atomic<Isa> isa{isa_from_environment()};
  return isa;
}

struct Counts {
  std::mutex mutex;
  std::map<std::tuple<std::string_view, Isa, DType>, std::int64_t> calls;
};
Counts& counts() {
  static Counts instance;
  return instance;
}

std::string_view sanitizers() {
#if defined(__SANITIZE_ADDRESS__)
  return "address";
#elif defined(__SANITIZE_THREAD__)
  return "thread";
#else
  return "none";
#endif
}

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return "baseline";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      break;
  }
  return "avx512";
}

bool is_supported(Isa isa) {
  if (isa == Isa::baseline) return true;
#if defined(__x86_64__)
  // The compiler's own answer takes into account which registers the system saves.
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return has_avx2;
  return has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> result;
  for (const Isa isa : kAll) {
    if (is_supported(isa)) result.push_back(isa);
  }
  return result;
}

Isa active_isa() { return isa_setting(); }

void set_isa(Isa isa) {
  require_supported(isa, supported_isas(), "set_isa");
  isa_setting() = isa;
}

std::string show_config() {
  return fmt::format(
      "fathom {}\ninstruction set: {} (available: {})\nthreads: {}\ncompiler: {}\nsanitizer: {}\n",
      FATHOM_VERSION, to_string(active_isa()), fmt::join(names(supported_isas()), ", "), num_threads(),
#if defined(__clang__)
      "clang " __clang_version__,
#else
      "g++ " __VERSION__,
#endif
      sanitizers());
}

Isa detail::isa_from_name(std::string_view name, const std::vector<Isa>& supported) {
  for (const Isa isa : kAll) {
    if (to_string(isa) != name) continue;
    require_supported(isa, supported, "FATHOM_ISA");
    return isa;
  }
  throw ValueError(
      fmt::format("FATHOM_ISA: '{}' is not an instruction set\n  hint: this CPU and build have {}", name,
                  fmt::join(names(supported), ", ")));
}

void detail::count_kernel(std::string_view kernel, Isa isa, DType dtype) {
  Counts& all = counts();
  const std::lock_guard lock(all.mutex);
  ++all.calls[{kernel, isa, dtype}];
}

std::vector<KernelCount> kernel_counts() {
  Counts& all = counts();
  const std::lock_guard lock(all.mutex);
  std::vector<KernelCount> result;
  for (const auto& [key, calls] : all.calls) {
    if (calls > 0) result.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), calls});
  }
  return result;
}

void reset_kernel_counts() {
  Counts& all = counts();
  const std::lock_guard lock(all.mutex);
  for (auto& [key, calls] : all.calls) calls = 0;
}

}  // namespace fathom
