// SPDX-License-Identifier: BSD-3-Clause
// The hooks for time, memory and printing, and the paths that functions remember.
#include <fathom/autograd/hooks.hpp>

#include <catch2/catch.hpp>
#include <chrono>
#include <sstream>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/engine/node.hpp>
#include <fathom/autograd/memory_hook.hpp>
#include <fathom/autograd/module_path.hpp>
#include <fathom/autograd/print_hook.hpp>
#include <fathom/autograd/time_hook.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/text_table.hpp>
#include <support/functions.hpp>

using namespace fathom;
using namespace fathom::test;

namespace {

int lookups = 0;

/// A module of one's own: its name is the text that `object` points to.
std::string name_of(const void*, const void* object) {
  ++lookups;
  return static_cast<const char*>(object);
}

Variable cube(const Variable& x) {
  const ModulePathScope scope("cube", name_of);
  const Variable square = multiply(x, x);
  const ModulePathScope inner("last", name_of);
  return multiply(square, x);
}

template <class Rows>
auto row_of(const Rows& rows, const CallKey& key) {
  for (const auto& row : rows) {
    if (row.key == key) return row;
  }
  FAIL("no row of " << key.function << " in " << key.module_path);
  return rows[0];
}

}  // namespace

TEST_CASE("functions remember their module path when somebody asks, and else look nothing up", "[hooks]") {
  lookups = 0;
  CHECK(cube(leaf(2)).creator()->module_path().empty());
  CHECK(lookups == 0);
  const KeepModulePathsScope keep;
  const Variable y = cube(leaf(2));
  CHECK(y.creator()->module_path() == "cube.last");
  CHECK(y.creator()->inputs()[0]->creator->module_path() == "cube");
  CHECK(lookups == 2);  // once for each scope
  CHECK(plus(y, y).creator()->module_path().empty());
}

TEST_CASE("what a backward applies has the path of the function it belongs to", "[hooks]") {
  const KeepModulePathsScope keep;
  const Variable x = leaf(2);
  const Variable gx = grad({cube(x)}, {x}, {}, {.create_graph = true})[0];
  CHECK(function_in_backward() == nullptr);
  // The gradient of x is (that from cube.last + the first from cube) + the second from cube.
  const Function& sum = *gx.creator();
  const Function& second = *sum.inputs()[1]->creator;
  const Function& last = *sum.inputs()[0]->creator->inputs()[0]->creator;
  CHECK(sum.name() == "add_gradients");
  CHECK(second.name() == "multiply");
  CHECK(second.module_path() == "cube");
  CHECK(last.name() == "multiply");
  CHECK(last.module_path() == "cube.last");
}

TEST_CASE("TimeHook counts calls by function and module", "[hooks]") {
  const Variable x = leaf(2);
  TimeHook times;
  {
    const HookScope scope(times);
    backward(plus(cube(x), cube(x)));
  }
  static_cast<void>(cube(x));  // outside of the scope

  const std::vector<TimeHook::Row> rows = times.rows();
  CHECK(rows.size() == 3);
  for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i - 1].seconds() >= rows[i].seconds());
  // A multiply whose backward uses multiply: both products of the one in cube.last, both of the one in cube.
  const TimeHook::Row last = row_of(rows, {"multiply", "cube.last"});
  CHECK(last.forward_calls == 2 + 4);
  CHECK(last.backward_calls == 2);
  CHECK(last.seconds() > 0);
  const TimeHook::Row sum = row_of(rows, {"plus", ""});
  CHECK(sum.forward_calls == 1);
  CHECK(sum.backward_calls == 1);

  const TimeHook::Row all = row_of(times.rows(CallGroup::function), {"multiply", ""});
  CHECK(all.forward_calls == 4 + 8);
  CHECK(all.seconds() == Approx(last.seconds() + row_of(rows, {"multiply", "cube"}).seconds()).epsilon(1e-9));
  CHECK(row_of(times.rows(CallGroup::module), {"", "cube"}).backward_calls == 2);
  times.clear();
  CHECK(times.rows().empty());
}

namespace {
/// Takes a given time.
class Waiting final : public Function {
 public:
  std::string_view name() const override { return "waiting"; }
  Arrays forward(std::span<const Array> in) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
    while (std::chrono::steady_clock::now() < end) {
    }
    return {in[0].copy()};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<Waiting>({gys[0]})};
  }
};
}  // namespace

TEST_CASE("a function inside of another one's backward counts for itself", "[hooks]") {
  TimeHook times;
  const HookScope scope(times);
  const Variable x = leaf(2);
  const auto start = std::chrono::steady_clock::now();
  static_cast<void>(grad({apply<Waiting>({x})}, {x}, {}, {.create_graph = true}));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const TimeHook::Row row = times.rows().at(0);
  CHECK(row.forward_calls == 2);
  CHECK(row.forward_seconds >= 4e-3);
  CHECK(row.seconds() <= elapsed.count());  // the second wait is not counted for the backward too
}

TEST_CASE("TimeHook goes on after a function that throws", "[hooks]") {
  TimeHook times;
  const HookScope scope(times);
  const Variable x = leaf(2);
  CHECK_THROWS(apply<Failing>({x}, true, false));
  CHECK_THROWS(backward(apply<Failing>({x}, false, true)));
  backward(multiply(x, x));
  CHECK(row_of(times.rows(), {"failing", ""}).forward_calls == 1);
  CHECK(row_of(times.rows(), {"failing", ""}).backward_calls == 0);
  CHECK(row_of(times.rows(), {"multiply", ""}).backward_calls == 1);
}

TEST_CASE("the table of TimeHook has a line for each row and a total", "[hooks]") {
  TimeHook times;
  {
    const HookScope scope(times);
    backward(cube(leaf(2)));
  }
  std::istringstream table(times.table());
  std::vector<std::string> lines;
  for (std::string line; std::getline(table, line);) lines.push_back(line);
  REQUIRE(lines.size() == 6);
  CHECK(lines[0].starts_with("function  module"));
  CHECK(lines[1].find_first_not_of('-') == std::string::npos);
  CHECK(lines[2].starts_with("multiply  cube"));
  CHECK(lines[5].starts_with("total "));
  CHECK(lines[5].ends_with("100.0"));
  for (const std::string& line : lines) CHECK(line.size() == lines[0].size());
  CHECK(times.table(CallGroup::function).starts_with("function  forward "));
  CHECK(times.table(CallGroup::module).starts_with("module     forward "));
}

TEST_CASE("MemoryHook sees what functions leave behind and the peak in them", "[hooks][memory]") {
  const Variable x{Array::ones({1 << 16}, DType::float64), true};
  const std::int64_t bytes = 8 << 16;
  const std::int64_t before = memory_statistics().bytes_in_use;
  reset_peak_memory();
  { const Array high = Array::zeros({1 << 20}, DType::float64); }
  const std::int64_t peak = memory_statistics().peak_bytes;
  MemoryHook memory;
  {
    const HookScope scope(memory);
    const Variable y = cube(x);
    CHECK(row_of(memory.rows(), {"multiply", "cube"}).forward_bytes == bytes);
    CHECK(row_of(memory.rows(), {"multiply", "cube"}).peak_bytes >= before + bytes);
    CHECK(row_of(memory.rows(CallGroup::function), {"multiply", ""}).forward_bytes == 2 * bytes);
    backward(std::vector<Variable>{y},
             std::vector<Variable>{Variable{Array::ones({1 << 16}, DType::float64)}});
  }
  CHECK(memory.rows().front().backward_calls == 1);
  CHECK(memory_statistics().peak_bytes >= peak);  // the program's own measurement is not disturbed
  CHECK(memory.table().find("\ntotal ") != std::string::npos);
}

TEST_CASE("hooks are called outermost first before a function and innermost first after it", "[hooks]") {
  class Noting final : public FunctionHook {
   public:
    Noting(std::string name, std::string& calls) : name_(std::move(name)), calls_(&calls) {}
    void before_forward(const Function&, std::span<const Array>) override { note("<"); }
    void after_forward(const Function&, std::span<const Array>, std::span<const Array>) override {
      note(">");
    }
    void before_backward(const Function&, std::span<const Variable>) override { note("("); }
    void after_backward(const Function&, std::span<const Variable>, std::span<const Variable>) override {
      note(")");
    }

   private:
    void note(std::string_view mark) { *calls_ += name_ + std::string(mark) + ' '; }
    std::string name_;
    std::string* calls_;
  };
  std::string calls;
  Noting a{"a", calls}, b{"b", calls};
  const HookScope outer(a);
  const HookScope inner(b);
  const Variable x = leaf(2);
  SECTION("backward_arrays") {
    backward(apply<MultiplyWithArrays>({x, x}));
    CHECK(calls == "a< b< b> a> a( b( b) a) ");
  }
  SECTION("backward") {
    backward(plus(x, x));
    CHECK(calls == "a< b< b> a> a( b( b) a) ");
  }
}

TEST_CASE("a TimeHook has the time of those inside of it", "[hooks]") {
  /// Takes its time after each forward.
  class Slow final : public FunctionHook {
   public:
    void after_forward(const Function&, std::span<const Array>, std::span<const Array>) override {
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
      while (std::chrono::steady_clock::now() < end) {
      }
    }
  };
  TimeHook outside, inside;
  Slow slow;
  const HookScope outer(outside);
  const HookScope middle(slow);
  const HookScope inner(inside);
  static_cast<void>(plus(leaf(1), leaf(2)));
  CHECK(outside.rows().at(0).forward_seconds >= inside.rows().at(0).forward_seconds + 2e-3);
}

TEST_CASE("MemoryHook leaves the pool's peak alone when a function throws", "[hooks][memory]") {
  reset_peak_memory();
  { const Array high = Array::zeros({1 << 20}, DType::float64); }
  const std::int64_t peak = memory_statistics().peak_bytes;
  {
    MemoryHook memory;
    const HookScope scope(memory);
    CHECK_THROWS(apply<Failing>({leaf(2)}, true, false));
  }
  CHECK(memory_statistics().peak_bytes == peak);
}

TEST_CASE("PrintHook prints a line for each call", "[hooks]") {
  std::ostringstream out;
  PrintHook print(out);
  {
    const HookScope scope(print);
    const Variable x{Array::ones({2, 3}, DType::float64), true};
    const Variable constant{Array::ones({2, 3}, DType::float64)};
    const ModulePathScope module("block", name_of);
    const Variable y = apply<MultiplyWithArrays>({x, constant});
    backward(std::vector<Variable>{y}, std::vector<Variable>{constant});
  }
  CHECK(out.str() ==
        "multiply_with_arrays: float64 [2, 3], float64 [2, 3] -> float64 [2, 3]  in: block\n"
        "backward of multiply_with_arrays: float64 [2, 3] -> float64 [2, 3], -  in: block\n");
}

TEST_CASE("numbers and tables are aligned", "[hooks][text]") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(-1234567) == "-1,234,567");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(-3 * 1024 * 1024) == "-3.0 MiB");
  CHECK(text_table({{"name", "n"}, {"a", "10"}, {}, {"", "7"}}, "lr") ==
        "name   n\n"
        "--------\n"
        "a     10\n"
        "--------\n"
        "       7\n");
}
