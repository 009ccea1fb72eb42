// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <cstdlib>

#include <fathom/core/check.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>

#include "support/restore.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;

TEST_CASE("the instruction set can be chosen among those supported", "[cpu]") {
  const test::RestoreSettings restore;
  REQUIRE(is_supported(Isa::baseline));
  for (const Isa isa : supported_isas()) {
    set_isa(isa);
    CHECK(active_isa() == isa);
    CHECK_THAT(show_config(), Contains("instruction set: " + std::string(to_string(isa))));
  }
  CHECK_THAT(show_config(), Contains("threads: ") && Contains("compiler: ") && Contains("sanitizer: "));
}

TEST_CASE("FATHOM_ISA decides at the start", "[cpu]") {
  const char* wanted = std::getenv("FATHOM_ISA");
  if (wanted != nullptr) {
    CHECK(to_string(active_isa()) == wanted);
  } else {
    CHECK(active_isa() == supported_isas().back());
  }
}

TEST_CASE("FATHOM_ISA names a set that the machine has", "[cpu]") {
  const std::vector<Isa> all = {Isa::baseline, Isa::avx2, Isa::avx512};
  for (const Isa isa : all) CHECK(detail::isa_from_name(to_string(isa), all) == isa);
  CHECK_THROWS_AS(detail::isa_from_name("avx512", {Isa::baseline, Isa::avx2}), ValueError);
  CHECK_THROWS_WITH(detail::isa_from_name("avx512", {Isa::baseline, Isa::avx2}),
                    Equals("FATHOM_ISA: this CPU or build has no avx512\n  hint: it has baseline, avx2"));
  CHECK_THROWS_WITH(detail::isa_from_name("avx2", {Isa::baseline}),
                    Equals("FATHOM_ISA: this CPU or build has no avx2\n  hint: it has baseline"));
  CHECK_THROWS_WITH(detail::isa_from_name("AVX2", all),
                    Equals("FATHOM_ISA: 'AVX2' is not an instruction set\n"
                           "  hint: this CPU and build have baseline, avx2, avx512"));
}

TEST_CASE("a set that the machine lacks is refused", "[cpu]") {
  const test::RestoreSettings restore;
  for (const Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (is_supported(isa)) {
      CHECK_NOTHROW(set_isa(isa));
    } else {
      CHECK_THROWS_AS(set_isa(isa), ValueError);
    }
  }
}

TEST_CASE("kernels are counted by name, instruction set and type", "[cpu]") {
  reset_kernel_counts();
  CHECK(kernel_counts().empty());
  detail::count_kernel("op/forward/k3s1", Isa::baseline, DType::float32);
  detail::count_kernel("op/forward/k3s1", Isa::baseline, DType::float32);
  detail::count_kernel("op/forward/k3s1", Isa::baseline, DType::float64);
  const std::vector<KernelCount> counts = kernel_counts();
  REQUIRE(counts.size() == 2);
  CHECK(counts[0].kernel == "op/forward/k3s1");
  CHECK(counts[0].dtype == DType::float32);
  CHECK(counts[0].calls == 2);
  CHECK(counts[1].calls == 1);
}

TEST_CASE("an argument check words all arguments", "[check]") {
  const Array x = Array::zeros({64, 32, 28, 28}, DType::float32);
  const Array W = Array::zeros({1, 16, 3, 3}, DType::float32);
  ArgumentCheck check("some_op");
  check.argument("x", x, "(n, c, h, w)")
      .rank(4)
      .floating()
      .argument("Weight", W, "(m, c, kH, kW)")
      .same_dtype();
  CHECK(check.text("the rule (a, b)", "do this") ==
        "some_op: the rule (a, b)\n"
        "  x:      float32 [64, 32, 28, 28]  (n, c, h, w)\n"
        "  Weight: float32 [1, 16, 3, 3]     (m, c, kH, kW)\n"
        "  hint: do this");
  CHECK_THROWS_WITH(
      check.rank(3),
      Contains("some_op: Weight must have 3 axes (m, c, kH, kW) (it has 4)") &&
          EndsWith("\n  hint: reshape gives it the right number of axes; an axis of size 1 counts too"));
  CHECK_THROWS_WITH(check.at_least("stride", Pair2(1, 0), 1),
                    Contains("some_op: stride must be at least 1 (it is [1, 0])"));
  CHECK_THROWS_WITH(check.at_least("groups", 0, 1), Contains("some_op: groups must be at least 1 (it is 0)"));
  CHECK_THROWS_WITH(check.index(), Contains("some_op: Weight must be int32 or int64 (it is float32)"));
  CHECK_THROWS_WITH(
      check.shape({2}, "that of x"),
      Contains("some_op: Weight must have the shape [2], that of x (it has [1, 16, 3, 3])") &&
          EndsWith("\n  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_WITH(check.at_least("groups", 0, 1, "leave it at 1"), EndsWith("\n  hint: leave it at 1"));
  const auto require = [&](bool condition) {
    FATHOM_CHECK(check.hint("try {}"), condition, ValueError, "rule {}", 7);
  };
  CHECK_NOTHROW(require(true));
  CHECK_THROWS_AS(require(false), ValueError);
  CHECK_THROWS_WITH(require(false), StartsWith("some_op: rule 7\n  ") && EndsWith("\n  hint: try {}"));
}

TEST_CASE("context is added once, by the innermost", "[error]") {
  ShapeError error("op: rule");
  error.add_context("net.conv");
  error.add_context("net");
  CHECK(std::string(error.what()) == "op: rule\n  in: net.conv");
}
