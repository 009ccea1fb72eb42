// SPDX-License-Identifier: BSD-3-Clause
// The kernels of every instruction set against the definitions of the functions in double.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic/rules.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/trigonometry.hpp>
#include <support/elementwise_table.hpp>
#include <support/restore.hpp>
#include <support/tolerance.hpp>

using namespace fathom;
using test::Elementwise;
using test::elementwise_table;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// What double arithmetic gives, in dtype, in which it may overflow.
double rounded(double value, DType dtype) {
  return dtype == DType::float32 ? static_cast<double>(static_cast<float>(value)) : value;
}

/// Random multiples of 1 / 1024 in [-4, 4], so that float32 holds them and pow's b - 1 exactly; every seventh
/// is one of the special values.
Array operands(std::int64_t length, std::uint64_t stream, DType dtype) {
  const std::vector<double> special{kNan, kInf, -kInf, 0,    -0.0, 1e30,  -1e30, 1e-30, 6,     0.5,
                                    -1.5, 60,   -60,   88.5, -95,  709.5, -740,  1e300, -1e300};
  Array result = uniform({5, stream}, {length}, -4, 4, DType::float32).astype(DType::float64);
  double* values = result.mutable_data<double>();
  for (std::int64_t i = 0; i < length; ++i) values[i] = std::round(values[i] * 1024) / 1024;
  for (std::int64_t i = static_cast<std::int64_t>(stream); i < length; i += 7) {
    values[i] = rounded(special[static_cast<std::size_t>(i / 7 + length) % special.size()], dtype);
  }
  return result.astype(dtype);
}

/// Whether `value` is `expected` up to rounding in dtype as a share of `scale`, both magnified by
/// `condition`. Two element tolerances: one for xsimd's functions, one for what is done with their results. A
/// number too small for full digits may be 0.
bool close(double value, double expected, double scale, double condition, DType dtype) {
  expected = rounded(expected, dtype);
  if (std::isnan(expected) || std::isinf(expected)) {
    return std::isnan(expected) ? std::isnan(value) : value == expected;
  }
  const double smallest = dtype == DType::float32 ? static_cast<double>(std::numeric_limits<float>::min())
                                                  : std::numeric_limits<double>::min();
  return std::abs(value - expected) <=
         condition * (2 * test::element_tolerance(dtype) * std::max(std::abs(expected), scale) + smallest);
}

/// Values and gradients of `c` at a and b, for one use and for a second one that adds to the first.
void check(const Elementwise& c, const Array& a, const Array& b) {
  const DType dtype = a.dtype();
  const Variable x(a, true);
  const Variable z(b, true);
  const Array gy = uniform({6, 0}, a.shape(), -1, 1, DType::float32).astype(dtype);
  const Variable y = c.op(x, z);
  backward(std::vector{y}, std::vector{Variable{gy}});
  const Array first_a = x.grad().data().astype(DType::float64);
  const Array first_b = c.to_b ? z.grad().data().astype(DType::float64) : Array{};
  backward(std::vector{c.op(x, z)}, std::vector{Variable{gy}});
  const Array from_a = a.astype(DType::float64);
  const Array from_b = b.astype(DType::float64);
  const Array g = gy.astype(DType::float64);
  const Array values = y.data().astype(DType::float64);
  const Array both_a = x.grad().data().astype(DType::float64);
  const Array both_b = c.to_b ? z.grad().data().astype(DType::float64) : Array{};
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double p = from_a.data<double>()[i];
    const double q = from_b.data<double>()[i];
    const double condition = c.condition ? std::min(std::max(c.condition(p, q), 1.0), 1e5) : 1;
    const auto expect = [&](const Array& array, double expected, double scale) {
      const double value = array.data<double>()[i];
      if (close(value, expected, scale, condition, dtype)) return;
      FAIL("element " << i << " of " << a.size() << ", a " << p << ", b " << q << ": " << value
                      << ", expected " << expected);
    };
    expect(values, c.value(p, q), 0);
    const double gy_i = g.data<double>()[i];
    expect(first_a, gy_i * rounded(c.to_a(p, q), dtype), std::abs(gy_i));
    expect(both_a, 2 * gy_i * rounded(c.to_a(p, q), dtype), 2 * std::abs(gy_i));
    if (!c.to_b) continue;
    expect(first_b, gy_i * rounded(c.to_b(p, q), dtype), std::abs(gy_i));
    expect(both_b, 2 * gy_i * rounded(c.to_b(p, q), dtype), 2 * std::abs(gy_i));
  }
}

}  // namespace

TEST_CASE("elementwise kernels of every instruction set follow the definitions", "[elementwise]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  for (const Elementwise& c : elementwise_table()) {
    for (std::int64_t length = 0; length <= 70; ++length) {
      INFO(c.name << " " << to_string(isa) << " " << dtype);
      check(c, operands(length, 0, dtype), operands(length, 3, dtype));
    }
  }
  SUCCEED();
}

TEST_CASE("vectorised functions keep their digits over the whole range", "[elementwise]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  constexpr std::int64_t kLength = 2000;
  const Array wide = uniform({7, 0}, {kLength}, -110, 88.6, DType::float32).astype(dtype);
  const Array near = uniform({7, 1}, {kLength}, -1, 1, DType::float32).astype(dtype);
  for (const Elementwise& c : elementwise_table()) {
    INFO(c.name << " " << to_string(isa) << " " << dtype);
    if (std::string(c.name) == "pow") continue;  // its gradient's b - 1 is rounded
    check(c, wide, near);
    check(c, near, wide);
  }
  SUCCEED();
}

TEST_CASE("functions keep their digits at every magnitude", "[elementwise]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  constexpr std::int64_t kLength = 3000;
  const double most = dtype == DType::float32 ? 40 : 330;  // so that no gradient overflows
  Array spread = uniform({7, 2}, {kLength}, -most, most, DType::float64);
  double* values = spread.mutable_data<double>();
  for (std::int64_t i = 0; i < kLength; ++i) values[i] = (i % 2 == 0 ? 1 : -1) * std::exp2(values[i]);
  const Array near = uniform({7, 3}, {kLength}, -1, 1, DType::float32).astype(dtype);
  for (const Elementwise& c : elementwise_table()) {
    INFO(c.name << " " << to_string(isa) << " " << dtype);
    if (c.to_b) continue;
    check(c, spread.astype(dtype), near);
  }
  SUCCEED();
}

TEST_CASE("odd functions keep the sign of zero and numbers too small to be bent", "[elementwise]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  const auto [name, op] = GENERATE(table<const char*, Variable (*)(const Variable&)>({
      {"expm1", ops::expm1},
      {"log1p", ops::log1p},
      {"sin", ops::sin},
      {"tan", ops::tan},
      {"arctan", ops::arctan},
      {"sinh", ops::sinh},
      {"tanh", ops::tanh},
      {"elu", [](const Variable& x) { return ops::elu(x); }},
  }));
  INFO(name << " " << to_string(isa) << " " << dtype);
  const bool is_float = dtype == DType::float32;
  const double least = is_float ? static_cast<double>(std::numeric_limits<float>::denorm_min())
                                : std::numeric_limits<double>::denorm_min();
  const double normal =
      is_float ? static_cast<double>(std::numeric_limits<float>::min()) : std::numeric_limits<double>::min();
  const Array x = Array::from({0.0, -0.0, least, -least, 1000 * least, -1000 * least, normal, -normal}, {8});
  const Array y = op(Variable{x.astype(dtype)}).data().astype(DType::float64);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    CHECK(y.data<double>()[i] == x.data<double>()[i]);
    CHECK(std::signbit(y.data<double>()[i]) == std::signbit(x.data<double>()[i]));
  }
}

TEST_CASE("an element's bits depend neither on its place nor on the number of threads", "[elementwise]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  constexpr std::int64_t kLength = 20'021;
  const Variable a(uniform({8, 0}, {kLength}, -3, 3, dtype), true);
  const Variable b(uniform({8, 1}, {kLength}, -3, 3, dtype), true);
  const auto results = [](const Elementwise& c, const Variable& x, const Variable& z) {
    const Variable y = c.op(x, z);
    const Variables gys{Variable{x.data()}};
    Variables all = grad(Variables{y}, c.to_b ? Variables{x, z} : Variables{x}, gys);
    all.push_back(y);
    return all;
  };
  for (const Elementwise& c : elementwise_table()) {
    INFO(c.name << " " << to_string(isa) << " " << dtype);
    set_num_threads(1);
    const Variables expected = results(c, a, b);
    for (const int threads : {2, 3, 5}) {
      set_num_threads(threads);
      const Variables got = results(c, a, b);
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(identical(got[i].data(), expected[i].data()));
    }
    for (const std::int64_t i : {0, 1, 17, 16'384, 20'020}) {
      const auto alone = [&](const Variable& x) {
        const double value = x.data().astype(DType::float64).data<double>()[i];
        return Variable(Array::full({1}, value, dtype), true);
      };
      const Variables got = results(c, alone(a), alone(b));
      for (std::size_t k = 0; k < got.size(); ++k) {
        CHECK(identical(got[k].data(), alone(expected[k]).data()));
      }
    }
  }
}

TEST_CASE("elementwise kernels write nothing but their elements and share numbers of step 0",
          "[elementwise]") {
  const Isa isa = GENERATE(from_range(supported_isas()));
  using Table = ops::rules::Arithmetic;
  const Table& table =
      detail::dispatch_isa(isa, []<Isa set>() -> const Table& { return ops::rules::kernels<set, Table>(); });
  const ops::rules::RuleKernels<ops::rules::Mul, float>& mul = table;
  constexpr std::int64_t kMost = 40;
  // The slack of an array: 16 floats on either side, NaN where kernels may read.
  std::vector<float> a(kMost + 32, std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t i = 0; i < kMost; ++i) a[static_cast<std::size_t>(16 + i)] = static_cast<float>(i + 1);
  const float b = 3;
  for (std::int64_t count = 0; count <= kMost; ++count) {
    for (const bool accumulates : {false, true}) {
      INFO(to_string(isa) << ", " << count << " elements, accumulates: " << accumulates);
      std::vector<float> y(kMost + 32, -7);
      const ops::rules::Operand<float> operands[] = {{a.data() + 16, 1}, {&b, 0}};
      mul.value(ops::rules::Mul{}, operands, y.data() + 16, count, accumulates);
      bool is_right = true;
      for (std::int64_t i = -16; i < kMost + 16; ++i) {
        const float product = static_cast<float>(3 * (i + 1));
        const float expected = i < 0 || i >= count ? -7 : accumulates ? product - 7 : product;
        is_right = is_right && y[static_cast<std::size_t>(16 + i)] == expected;
      }
      CHECK(is_right);
    }
  }
}

TEST_CASE("elementwise kernels are counted by rule and direction", "[elementwise]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  const Variable x(Array::ones({3}, DType::float64), true);
  reset_kernel_counts();
  const Variable y = ops::relu6(x);
  backward(std::vector{y}, std::vector{Variable{y.data()}});
  std::vector<std::string> names;
  for (const KernelCount& count : kernel_counts()) {
    CHECK(count.isa == isa);
    CHECK(count.dtype == DType::float64);
    CHECK(count.calls == 1);
    names.emplace_back(count.kernel);
  }
  CHECK(names == std::vector<std::string>{"relu6/backward", "relu6/forward"});
}
