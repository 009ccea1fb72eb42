// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fathom/core/dtype.hpp>
#include <fathom/core/export.hpp>

namespace fathom {

/// Instruction sets that kernels are compiled for. On x86 `baseline` is SSE2, `avx2` means AVX2 and FMA, and
/// `avx512` means AVX-512 F, CD, DQ, BW and VL with FMA; elsewhere there is the baseline alone.
enum class Isa : std::uint8_t { baseline, avx2, avx512 };

[[nodiscard]] FATHOM_EXPORT std::string_view to_string(Isa isa);
/// Compiled in and offered by this CPU.
[[nodiscard]] FATHOM_EXPORT bool is_supported(Isa isa);
/// Those that are supported, the best last.
[[nodiscard]] FATHOM_EXPORT std::vector<Isa> supported_isas();

/// The set in use: FATHOM_ISA=baseline|avx2|avx512 from the environment, else the best supported. A value
/// that is unknown or not supported is a ValueError at the first call.
[[nodiscard]] FATHOM_EXPORT Isa active_isa();
/// Overrides the choice from now on, for tests and comparisons; ValueError when not supported.
FATHOM_EXPORT void set_isa(Isa isa);

/// Version, instruction set, threads, compiler and sanitizers, one per line.
[[nodiscard]] FATHOM_EXPORT std::string show_config();

/// How often a kernel ran.
struct KernelCount {
  std::string_view kernel;  ///< "depthwise_convolution_2d/forward/k3s1"
  Isa isa;
  DType dtype;
  std::int64_t calls;
};
/// What ran since the start or the last reset, sorted by name.
[[nodiscard]] FATHOM_EXPORT std::vector<KernelCount> kernel_counts();
FATHOM_EXPORT void reset_kernel_counts();

namespace detail {
/// The set that FATHOM_ISA=`name` asks for; ValueError when it is unknown or not among those `supported`.
[[nodiscard]] Isa isa_from_name(std::string_view name, const std::vector<Isa>& supported);

/// `kernel` must be a string literal.
void count_kernel(std::string_view kernel, Isa isa, DType dtype);

/// Calls `f.template operator()<isa>()` for an instruction set known at run time.
template <class F>
decltype(auto) dispatch_isa(Isa isa, F&& f) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return std::forward<F>(f).template operator()<Isa::avx512>();
  if (isa == Isa::avx2) return std::forward<F>(f).template operator()<Isa::avx2>();
#endif
  static_cast<void>(isa);
  return std::forward<F>(f).template operator()<Isa::baseline>();
}
}  // namespace detail

}  // namespace fathom
