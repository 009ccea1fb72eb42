// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/gradient_check.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

namespace fathom {
namespace {

constexpr std::array<double, 5> kPoints = {-1.0, -0.5, 0.0, 0.5, 1.0};  // in steps

/// A change in a kink smaller than this share of the outputs moves a derivative by less than the check can
/// see; it is also where rounding would look like a kink.
constexpr double kFlat = 1e-9;

struct Failure {
  std::string text;
};

bool is_fixed(const GradientCheckOptions& options, std::size_t input) {
  return input < options.no_grads.size() && options.no_grads[input];
}

std::string name_of(const Variables& ys) {
  const auto made =
      std::find_if(ys.begin(), ys.end(), [](const Variable& y) { return y.creator() != nullptr; });
  return made == ys.end() ? "gradient check" : std::string((*made).creator()->name());
}

void require_count(const Variables& ys, const Arrays& gys) {
  if (gys.empty() || gys.size() == ys.size()) return;
  throw ValueError(fmt::format(
      "gradient check: each output needs its gradient ({} outputs, {} gradients)\n  hint: leave gys "
      "empty to have them drawn",
      ys.size(), gys.size()));
}

/// One check of one function: its inputs, output gradients, and what backward gave.
class Checker {
 public:
  /// Without a name, it is taken from the function that makes the first output.
  Checker(const CheckedFunctions& function, const Arrays& inputs, const GradientCheckOptions& options,
          std::string name = {})
      : function_(function),
        inputs_(inputs),
        options_(options),
        random_(options.seed),
        name_(std::move(name)) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].dtype() != DType::float64) {
        throw DTypeError(
            fmt::format("gradient check: input {} must be float64 (it is {})\n  hint: check in double; "
                        "convert with astype",
                        i, describe(inputs[i])));
      }
    }
  }

  GradientReport run(const Arrays& gys);

 private:
  void run_backward(const Arrays& gys, bool create_graph);
  void check_direction();
  void check_elements();
  [[nodiscard]] Arrays directions();
  [[nodiscard]] Arrays evaluate(const Arrays& directions, double distance) const;
  [[nodiscard]] double numeric(const Arrays& directions, const std::string& where) const;
  void find_kink(const std::array<Arrays, 5>& samples, const std::string& where) const;
  [[nodiscard]] bool agrees(double numeric, double backward) const {
    return std::abs(numeric - backward) <= options_.tolerance * std::max(1.0, std::abs(backward));
  }
  [[nodiscard]] std::string way() const { return recorded_ ? "backward with create_graph" : "backward"; }

  const CheckedFunctions& function_;
  const Arrays& inputs_;
  const GradientCheckOptions& options_;
  Random random_;
  std::string name_;
  bool recorded_ = false;  // which of the two ways through backward is being compared
  Arrays gys_;
  Arrays gradients_;  // undefined: zero
  std::string text_;
};

double dot(const Array& a, const Array& b) {
  const double* x = a.data<double>();
  const double* y = b.data<double>();
  double total = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) total += x[i] * y[i];
  return total;
}

void Checker::run_backward(const Arrays& gys, bool create_graph) {
  recorded_ = create_graph;
  Variables xs;
  for (std::size_t i = 0; i < inputs_.size(); ++i) xs.emplace_back(inputs_[i].copy(), !is_fixed(options_, i));
  const Variables ys = function_(xs);
  if (name_.empty()) name_ = name_of(ys);
  require_count(ys, gys);
  Variables outputs;
  Variables output_gradients;
  if (gys_.empty()) {
    for (std::size_t i = 0; i < ys.size(); ++i) {
      if (!ys[i].defined()) {
        gys_.emplace_back();
      } else {
        gys_.push_back(gys.empty() || !gys[i].defined()
                           ? normal(random_.key(), ys[i].shape(), 0, 1, DType::float64)
                           : gys[i]);
      }
    }
  }
  for (std::size_t i = 0; i < ys.size(); ++i) {
    if (!ys[i].requires_grad()) continue;
    outputs.push_back(ys[i]);
    output_gradients.emplace_back(gys_[i].copy());  // an op that spoils its gradient must not spoil ours
  }
  if (!outputs.empty()) backward(outputs, output_gradients, {.create_graph = create_graph});
  gradients_.clear();
  for (const Variable& x : xs) {
    const Variable gradient = x.grad();
    gradients_.push_back(gradient.defined() ? gradient.data() : Array{});
  }
}

/// A unit vector over all elements of all inputs, no component of it small, so that none is left untested.
Arrays Checker::directions() {
  Arrays result;
  std::int64_t size = 0;
  double norm = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    result.push_back(is_fixed(options_, i) ? Array::zeros(inputs_[i].shape(), DType::float64)
                                           : normal(random_.key(), inputs_[i].shape(), 0, 1, DType::float64));
    if (is_fixed(options_, i)) continue;
    size += result[i].size();
    norm += dot(result[i], result[i]);
  }
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (is_fixed(options_, i)) continue;
    double* r = result[i].mutable_data<double>();
    for (std::int64_t j = 0; j < result[i].size(); ++j) {
      r[j] = std::copysign(std::sqrt(0.99 * r[j] * r[j] / norm + 0.01 / static_cast<double>(size)), r[j]);
    }
  }
  return result;
}

Arrays Checker::evaluate(const Arrays& directions, double distance) const {
  Variables moved;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Array x = inputs_[i].copy();
    double* to = x.mutable_data<double>();
    const double* r = directions[i].data<double>();
    for (std::int64_t j = 0; j < x.size(); ++j) to[j] += distance * r[j];
    // Second-order checks differentiate inside the function, so that recording stays on.
    moved.emplace_back(std::move(x), !is_fixed(options_, i));
  }
  Arrays results;
  for (const Variable& y : function_(moved)) results.push_back(y.defined() ? y.data() : Array{});
  return results;
}

/// Five points: (y(-h) - 8 y(-h/2) + 8 y(h/2) - y(h)) / 6h, exact up to the fourth order.
double Checker::numeric(const Arrays& directions, const std::string& where) const {
  std::array<Arrays, 5> samples;
  for (std::size_t p = 0; p < kPoints.size(); ++p)
    samples[p] = evaluate(directions, kPoints[p] * options_.step);
  find_kink(samples, where);
  double total = 0;
  for (std::size_t k = 0; k < gys_.size(); ++k) {
    if (!samples[0][k].defined() || !gys_[k].defined()) continue;
    const double* gy = gys_[k].data<double>();
    std::array<const double*, 5> y{};
    for (std::size_t p = 0; p < y.size(); ++p) y[p] = samples[p][k].data<double>();
    for (std::int64_t j = 0; j < gys_[k].size(); ++j) {
      total += gy[j] * ((y[0][j] - y[4][j]) + 8 * (y[3][j] - y[1][j]));
    }
  }
  return total / (6 * options_.step);
}

/// Root mean square distance of five equally spaced samples from their least-squares parabola.
double parabola_residual(const std::array<double, 5>& y) {
  // Orthogonal polynomials on -2..2 of degree 3 and 4 carry all that a parabola leaves over.
  const double cubic = (-y[0] + 2 * y[1] - 2 * y[3] + y[4]) / std::sqrt(10.0);
  const double quartic = (y[0] - 4 * y[1] + 6 * y[2] - 4 * y[3] + y[4]) / std::sqrt(70.0);
  return std::sqrt((cubic * cubic + quartic * quartic) / 5);
}

void Checker::find_kink(const std::array<Arrays, 5>& samples, const std::string& where) const {
  for (std::size_t k = 0; k < gys_.size(); ++k) {
    if (!samples[0][k].defined()) continue;
    double scale = 1;
    for (std::int64_t j = 0; j < samples[2][k].size(); ++j) {
      const double value = std::abs(samples[2][k].data<double>()[j]);
      if (std::isfinite(value)) scale = std::max(scale, value);
    }
    for (std::int64_t j = 0; j < samples[0][k].size(); ++j) {
      std::array<double, 5> y{};
      for (std::size_t p = 0; p < y.size(); ++p) y[p] = samples[p][k].data<double>()[j];
      const auto finite = std::count_if(y.begin(), y.end(), [](double v) { return std::isfinite(v); });
      if (finite == 0) continue;
      const auto [low, high] = std::minmax_element(y.begin(), y.end());
      const double range = *high - *low;
      const bool kink =
          finite < 5 || (range > kFlat * scale && parabola_residual(y) > options_.kink_tolerance * range);
      if (!kink) continue;
      throw Failure{fmt::format(
          "not differentiable here: output {} element {} has a kink within {:g} of this point {}\n"
          "  values     {:.10g}  {:.10g}  {:.10g}  {:.10g}  {:.10g}\n"
          "  hint: keep the inputs ten steps away from kinks and ties",
          k, j, options_.step, where, y[0], y[1], y[2], y[3], y[4])};
    }
  }
}

void Checker::check_direction() {
  const Arrays r = directions();
  double analytic = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (gradients_[i].defined()) analytic += dot(gradients_[i], r[i]);
  }
  const double difference = numeric(r, "along the random direction");
  const std::string numbers = fmt::format(
      "  numeric    {:.12g}\n  {:<10} {:.12g}\n  difference {:.3g}, allowed {:.3g}\n", difference, "backward",
      analytic, std::abs(difference - analytic), options_.tolerance * std::max(1.0, std::abs(analytic)));
  const std::string what =
      fmt::format("{} along a random direction (seed {})\n{}", way(), options_.seed, numbers);
  if (!agrees(difference, analytic)) throw Failure{"gradients differ: " + what};
  text_ += what;
}

/// "input 1 element [0, 2]"
std::string element_name(std::size_t input, const Shape& shape, std::int64_t element) {
  const Strides strides = contiguous_strides(shape);
  Shape index;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    index.push_back(element / strides[axis]);
    element %= strides[axis];
  }
  return fmt::format("input {} element {}", input, to_string(index));
}

void Checker::check_elements() {
  constexpr int kShown = 5;
  int wrong = 0;
  std::int64_t checked = 0;
  std::string details;
  Arrays unit;
  for (const Array& x : inputs_) unit.push_back(Array::zeros(x.shape(), DType::float64));
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (is_fixed(options_, i)) continue;
    for (std::int64_t j = 0; j < inputs_[i].size(); ++j, ++checked) {
      unit[i].mutable_data<double>()[j] = 1;
      const double difference = numeric(unit, "at " + element_name(i, inputs_[i].shape(), j));
      unit[i].mutable_data<double>()[j] = 0;
      const double analytic = gradients_[i].defined() ? gradients_[i].data<double>()[j] : 0.0;
      if (agrees(difference, analytic)) continue;
      if (++wrong <= kShown) {
        details += fmt::format("\n  {}: numeric {:.12g}, backward {:.12g}",
                               element_name(i, inputs_[i].shape(), j), difference, analytic);
      }
    }
  }
  if (wrong > 0) {
    throw Failure{fmt::format("gradients differ: {}, {} of {} elements{}{}", way(), wrong, checked, details,
                              wrong > kShown ? "\n  ..." : "")};
  }
  text_ += fmt::format("{}: each of {} elements agrees\n", way(), checked);
}

GradientReport Checker::run(const Arrays& gys) {
  try {
    // Without a graph the engine may take a function's backward_arrays, with one it takes backward: both are
    // checked.
    for (const bool create_graph : {false, true}) {
      run_backward(gys, create_graph);
      for (std::size_t i = 0; i < gradients_.size(); ++i) {
        if (is_fixed(options_, i) && gradients_[i].defined())
          throw Failure{fmt::format("input {} is fixed but got a gradient", i)};
      }
      if (options_.every_element) check_elements();  // first: it can say which element is wrong
      check_direction();
    }
  } catch (const Failure& failure) {
    return {false, fmt::format("{}: {}", name_, failure.text)};
  }
  return {true, fmt::format("{}: gradients agree\n{}", name_, text_)};
}

Arrays in_double(std::initializer_list<Variable> inputs) {
  Arrays arrays;
  for (const Variable& input : inputs) arrays.push_back(input.data().astype(DType::float64));
  return arrays;
}

CheckedFunctions with_one_output(const CheckedFunction& function) {
  return [&function](const Variables& inputs) { return Variables{function(inputs)}; };
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const GradientReport& report) { return out << report.text; }

GradientReport check_backward(const CheckedFunctions& function, const Arrays& inputs, const Arrays& gys,
                              const GradientCheckOptions& options) {
  return Checker(function, inputs, options).run(gys);
}

GradientReport check_backward(const CheckedFunction& function, const Arrays& inputs,
                              const GradientCheckOptions& options) {
  return check_backward(with_one_output(function), inputs, {}, options);
}

GradientReport check_double_backward(const CheckedFunctions& function, const Arrays& inputs,
                                     const Arrays& gys, const GradientCheckOptions& options) {
  // Inputs of the gradient function: the inputs, then the output gradients.
  Arrays all = inputs;
  Variables xs;
  for (const Array& x : inputs) xs.emplace_back(x, true);
  const Variables ys = function(xs);
  Random random(options.seed ^ 0x9e3779b97f4a7c15U);
  require_count(ys, gys);
  for (std::size_t i = 0; i < ys.size(); ++i) {
    const bool is_given = !gys.empty() && gys[i].defined();
    if (!ys[i].defined())
      throw ValueError(
          fmt::format("gradient check: output {} is undefined\n  hint: return defined outputs only", i));
    all.push_back(is_given ? gys[i] : normal(random.key(), ys[i].shape(), 0, 1, DType::float64));
  }
  const std::size_t count = inputs.size();
  const CheckedFunctions gradients = [&](const Variables& arguments) {
    Variables wanted;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_fixed(options, i)) wanted.push_back(arguments[i]);
    }
    const Variables ys =
        function(Variables(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(count)));
    return grad(ys, wanted, std::span(arguments).subspan(count), {.create_graph = true});
  };
  return Checker(gradients, all, options, name_of(ys) + ", second order").run({});
}

GradientReport check_double_backward(const CheckedFunction& function, const Arrays& inputs,
                                     const GradientCheckOptions& options) {
  return check_double_backward(with_one_output(function), inputs, {}, options);
}

GradientReport check_backward(const CheckedFunction& function, std::initializer_list<Variable> inputs,
                              const GradientCheckOptions& options) {
  return check_backward(function, in_double(inputs), options);
}

GradientReport check_double_backward(const CheckedFunction& function, std::initializer_list<Variable> inputs,
                                     const GradientCheckOptions& options) {
  return check_double_backward(function, in_double(inputs), options);
}

}  // namespace fathom
