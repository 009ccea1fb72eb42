// SPDX-License-Identifier: BSD-3-Clause
// Values, gradients and gradients of gradients of every op have the same bits for any number of threads.
#include <support/op_table.hpp>
#include <support/restore.hpp>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/normalization.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/softmax.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

using namespace fathom;
using test::OpCase;

namespace {

Variable random_like(const Variable& v, std::uint64_t stream) {
  return Variable(uniform({8, stream}, v.shape(), -1, 1, v.dtype()));
}

/// Appends the gradients of `ys`, weighted at random, with respect to `xs`; returns those that exist.
Variables append_gradients(const Variables& ys, const Variables& xs, bool create_graph, Arrays& to) {
  Variables gys;
  for (std::size_t i = 0; i < ys.size(); ++i) gys.push_back(random_like(ys[i], i));
  Variables result;
  for (const Variable& gradient : grad(ys, xs, gys, {.retain_graph = true, .create_graph = create_graph})) {
    if (!gradient.defined()) continue;
    to.push_back(gradient.data());
    if (gradient.requires_grad()) result.push_back(gradient);
  }
  return result;
}

/// y, the gradients computed without a graph and with one, and the gradients of the latter.
Arrays outcome(const OpCase& op, DType dtype) {
  Variables xs;
  for (const Array& input : op.inputs) xs.emplace_back(input.astype(dtype), true);
  const Variable y = op.function(xs);
  Arrays result{y.data()};
  if (!y.requires_grad()) return result;
  append_gradients({y}, xs, false, result);
  const Variables gradients = append_gradients({y}, xs, true, result);
  if (!gradients.empty()) append_gradients(gradients, xs, false, result);
  return result;
}

/// Compared with one thread. The address sanitizer, under which all of this takes minutes, sees in one of
/// them what it would see in the others.
#ifdef __SANITIZE_ADDRESS__
constexpr int kThreads[] = {3};
#else
constexpr int kThreads[] = {2, 3, 5};
#endif

/// Whether several threads shared the work; a copy of up to four elements leaves nothing to share, nor does
/// drawing them.
bool same_for_all_threads(const OpCase& op, DType dtype) {
  set_num_threads(1);
  const Arrays one = outcome(op, dtype);
  const std::int64_t before = detail::shared_loops();
  for (const int threads : kThreads) {
    set_num_threads(threads);
    const Arrays many = outcome(op, dtype);
    REQUIRE(many.size() == one.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO(op << ", " << dtype << ", " << to_string(active_isa()) << ", " << threads << " threads, result "
              << i);
      CHECK(identical(many[i], one[i]));
    }
  }
  return detail::shared_loops() > before || one[0].size() <= 4;
}

Array random(const Shape& shape, std::uint64_t seed) {
  return uniform({seed, 9}, shape, -1, 1, DType::float64);
}

/// What sums over blocks, or has a grain of its own, in sizes that reach beyond one of them.
std::vector<OpCase> large_cases() {
  using In = Variables;
  const Shape image{6, 8, 37, 41};
  Array labels = permutation({3, 3}, 9000);
  for (std::int64_t i = 0; i < labels.size(); ++i) labels.mutable_data<std::int64_t>()[i] %= 10;
  std::vector<OpCase> cases{
      {"sum axis 0",
       [](const In& in) { return ops::sum(in[0], {.axis = Axes{0}}); },
       {random({300, 301}, 2)}},
      {"sum axis 1",
       [](const In& in) { return ops::sum(in[0], {.axis = Axes{1}}); },
       {random({300, 301}, 3)}},
      {"mean axes 0, 2",
       [](const In& in) {
         return ops::mean(in[0], {.axis = Axes{0, 2}});
       },
       {random({30, 31, 97}, 4)}},
      {"mul broadcast",
       [](const In& in) { return in[0] * in[1]; },
       {random({70, 1, 37}, 5), random({41, 1}, 6)}},
      {"relu", [](const In& in) { return ops::relu(in[0]); }, {random({91, 1001}, 7)}},
      {"tanh", [](const In& in) { return ops::tanh(in[0]); }, {random({91, 1001}, 8)}},
      {"transpose", [](const In& in) { return ops::transpose(in[0]); }, {random({301, 302}, 9)}},
      {"softmax", [](const In& in) { return ops::softmax(in[0]); }, {random({900, 101}, 10)}},
      {"softmax_cross_entropy",
       [labels](const In& in) { return ops::softmax_cross_entropy(in[0], labels); },
       {random({9000, 10}, 11)}},
      {"batch_normalization of rows",
       [](const In& in) { return ops::batch_normalization(in[0], in[1], in[2]); },
       {random({17, 11, 29, 31}, 12), test::nonzero({11}, 13), random({11}, 14)}},
      {"batch_normalization of short rows",
       [](const In& in) { return ops::batch_normalization(in[0], in[1], in[2]); },
       {random({90, 21, 7, 7}, 15), test::nonzero({21}, 16), random({21}, 17)}},
      {"batch_normalization of columns",
       [](const In& in) { return ops::batch_normalization(in[0], in[1], in[2]); },
       {random({1300, 67}, 18), test::nonzero({67}, 19), random({67}, 20)}},
      {"batch_normalization of rows, relu6, residual",
       [](const In& in) {
         return ops::batch_normalization(in[0], in[1], in[2], nullptr,
                                         {.activation = Activation::relu6, .residual = in[3]});
       },
       {random({17, 11, 29, 31}, 12), test::nonzero({11}, 13), random({11}, 14),
        random({17, 11, 29, 31}, 33)}},
      {"batch_normalization of columns, relu",
       [](const In& in) {
         return ops::batch_normalization(in[0], in[1], in[2], nullptr, {.activation = Activation::relu});
       },
       {random({1300, 67}, 18), test::nonzero({67}, 19), random({67}, 20)}},
      {"layer_normalization",
       [](const In& in) { return ops::layer_normalization(in[0], in[1], in[2]); },
       {random({301, 97}, 34), random({97}, 35), random({97}, 36)}},
      {"group_normalization",
       [](const In& in) { return ops::group_normalization(in[0], 3, in[1], in[2]); },
       {random({5, 12, 29, 31}, 37), random({12}, 38), random({12}, 39)}},
      {"local_response_normalization",
       [](const In& in) { return ops::local_response_normalization(in[0]); },
       {random({5, 12, 29, 31}, 40)}},
      {"max_pooling_2d",
       [](const In& in) { return ops::max_pooling_2d(in[0], {.kernel = 3, .stride = 2, .pad = 1}); },
       {random(image, 21)}},
      {"average_pooling_2d",
       [](const In& in) { return ops::average_pooling_2d(in[0], {.kernel = 3, .stride = 2, .pad = 1}); },
       {random(image, 22)}},
      {"global_average_pooling_2d",
       [](const In& in) { return ops::global_average_pooling_2d(in[0]); },
       {random(image, 23)}},
      {"linear",
       [](const In& in) { return ops::linear(in[0], in[1], in[2]); },
       {random({130, 301}, 24), random({270, 301}, 25), random({270}, 26)}},
      {"matmul",
       [](const In& in) { return ops::matmul(in[0], in[1]); },
       {random({3, 70, 290}, 27), random({290, 270}, 28)}}};
  const auto convolution = [&](const std::string& name, const Shape& x, const Shape& W, std::int64_t outputs,
                               std::function<Variable(const In&)> function) {
    cases.push_back({name, std::move(function), {random(x, 30), random(W, 31), random({outputs}, 32)}});
  };
  const auto depthwise = [&](const Shape& x, std::int64_t multiplier, std::int64_t kernel,
                             std::int64_t stride) {
    const std::int64_t outputs = multiplier * x[1];
    convolution(
        fmt::format("depthwise_convolution_2d kernel {} stride {} x {}", kernel, stride, to_string(x)), x,
        {multiplier, x[1], kernel, kernel}, outputs, [stride](const In& in) {
          return ops::depthwise_convolution_2d(in[0], in[1], in[2], {.stride = stride, .pad = 1});
        });
  };
  for (const std::int64_t stride : {1, 2, 3}) {
    for (const std::int64_t kernel : {3, 5, 4}) depthwise({7, 19, 27, 29}, 2, kernel, stride);
  }
  depthwise({7, 90, 9, 11}, 1, 3, 1);
  depthwise({7, 19, 27, 29}, 1, 3, 3);
  for (const std::int64_t stride : {1, 2}) {
    const std::string text = " stride " + std::to_string(stride);
    convolution("convolution_2d" + text, {6, 12, 27, 29}, {34, 12, 3, 3}, 34, [stride](const In& in) {
      return ops::convolution_2d(in[0], in[1], in[2], {.stride = stride, .pad = 1});
    });
    convolution("convolution_2d 1x1" + text, {6, 40, 17, 19}, {70, 40, 1, 1}, 70, [stride](const In& in) {
      return ops::convolution_2d(in[0], in[1], in[2], {.stride = stride});
    });
    convolution("deconvolution_2d" + text, {6, 12, 17, 19}, {12, 34, 3, 3}, 34, [stride](const In& in) {
      return ops::deconvolution_2d(in[0], in[1], in[2], {.stride = stride, .pad = 1});
    });
  }
  return cases;
}

}  // namespace

TEST_CASE("every op of the table has the same bits for any number of threads", "[threads][op_table]") {
  const test::RestoreSettings restore;
  const detail::FineGrain fine;  // the table's inputs are small
  set_isa(GENERATE(from_range(supported_isas())));
  for (const OpCase& op : test::op_table()) {
    INFO(op);
    CHECK(same_for_all_threads(op, DType::float32));
  }
}

TEST_CASE("ops on large arrays have the same bits for any number of threads", "[threads]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  for (const OpCase& op : large_cases()) {
    INFO(op);
    CHECK(same_for_all_threads(op, dtype));
  }
}
