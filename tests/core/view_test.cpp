// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/view.hpp>

#include <algorithm>
#include <catch2/catch.hpp>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>

#include "support/restore.hpp"

using namespace fathom;

namespace {

Array positions(std::initializer_list<std::int64_t> values) {
  return Array::from(values, {static_cast<std::int64_t>(values.size())});
}

std::vector<View> views() {
  const View all(Shape{4, 5, 6});
  const std::vector<std::size_t> order{2, 0, 1};
  const std::vector<std::size_t> middle{1};
  const std::vector<std::size_t> ends{0, 2};
  const Arrays one{positions({4, 0, 4, -5})};
  const Arrays two{positions({3, 0, 3}), positions({4, 4, 4})};
  return {all,
          all.sliced(1, 3, 2, -2),
          all.selected(0, 2).expanded(1),
          all.permuted(order),
          all.sliced(2, 0, 1).stretched({3, 4, 5, 7}),
          all.selected(1, 4).stretched({2, 4, 6}),
          all.taken(middle, one),
          all.permuted(order).taken(ends, two),
          all.sliced(0, 3, 4, -1).taken(middle, one).expanded(3),
          all.taken(middle, one).sliced(1, 3, 2, -2).permuted(order),
          all.sliced(1, 2, 0)};
}

/// The element of the base that element `i` of the view is, by the definition.
std::int64_t met(const View& view, std::int64_t i) {
  std::int64_t at = view.offset();
  std::int64_t entry = view.table_offset();
  for (std::size_t axis = view.rank(); axis-- > 0; i /= view.axes()[axis].size) {
    at += i % view.axes()[axis].size * view.axes()[axis].stride;
    entry += i % view.axes()[axis].size * view.axes()[axis].table_stride;
  }
  return at + view.table()[static_cast<std::size_t>(entry)];
}

}  // namespace

TEST_CASE("gather and scatter follow the view's definition", "[view]") {
  const View view = GENERATE(from_range(views()));
  const int threads = GENERATE(1, 3);
  const test::RestoreSettings restore;
  set_num_threads(threads);
  const Array x = normal({1, 0}, view.base(), 0, 1, DType::float64);
  const Array y = gather(x, view);
  REQUIRE(y.shape() == view.shape());
  Array sums = Array::ones(view.base(), DType::float64);
  std::vector<int> visits(static_cast<std::size_t>(x.size()), 0);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t at = met(view, i);
    CHECK(y.data<double>()[i] == x.data<double>()[at]);
    sums.mutable_data<double>()[at] += y.data<double>()[i];
    ++visits[static_cast<std::size_t>(at)];
  }
  Array added = Array::ones(view.base(), DType::float64);
  scatter_add(y, view, added);
  CHECK(identical(added, sums));

  const bool is_met_twice = std::any_of(visits.begin(), visits.end(), [](int count) { return count > 1; });
  CHECK((view.repeats() || !is_met_twice));
  if (view.repeats()) return;
  Array written = Array::zeros(view.base(), DType::float64);
  scatter(y, view, written);
  for (std::int64_t at = 0; at < x.size(); ++at) {
    const bool visited = visits[static_cast<std::size_t>(at)] == 1;
    CHECK(written.data<double>()[at] == (visited ? x.data<double>()[at] : 0.0));
  }
}

TEST_CASE("a view of what index arrays took shows what a view of their result shows", "[view]") {
  const View all(Shape{4, 5, 6});
  const std::vector<std::size_t> ends{0, 2};
  const Arrays two{positions({3, 0, 1, 2}), positions({4, 5, 0, 1})};
  using Step = View (*)(const View&);
  const Step step = GENERATE(Step([](const View& v) { return v.sliced(0, 1, 2); }),
                             Step([](const View& v) { return v.sliced(0, 3, 2, -2).sliced(0, 1, 1); }),
                             Step([](const View& v) { return v.selected(0, 2); }), Step([](const View& v) {
                               return v.sliced(0, 2, 1).stretched({3, 5});
                             }),
                             Step([](const View& v) { return v.sliced(1, 4, 3, -2).sliced(0, 1, 3); }));
  const Array x = normal({3, 0}, {4, 5, 6}, 0, 1, DType::float64);
  const View taken = all.taken(ends, two);
  const Array result = gather(x, taken);
  CHECK(identical(gather(x, step(taken)), gather(result, step(View(result.shape())))));
}

TEST_CASE("views refuse what they cannot describe", "[view][errors]") {
  const std::vector<std::size_t> first{0};
  const View taken = View(Shape{4, 5}).taken(first, Arrays{positions({1, 3})});
  CHECK_THROWS_WITH(taken.taken(first, Arrays{positions({0})}),
                    "View::taken: index arrays may choose once only\n  hint: gather along this view and take "
                    "from the result");
  CHECK_THROWS_AS(View(Shape{std::int64_t{1} << 62, 4}), ShapeError);
}

TEST_CASE("views of large arrays give the same bits for any number of threads", "[view]") {
  const test::RestoreSettings restore;
  const View all(Shape{70, 60, 50});
  const std::vector<std::size_t> order{1, 2, 0};
  const View view = GENERATE_REF(all.permuted(order), all.sliced(2, 1, 20, 2), all.expanded(0),
                                 all.sliced(1, 0, 1).stretched({3, 70, 60, 50}));
  const Array x = normal({2, 0}, view.base(), 0, 1, DType::float32);
  set_num_threads(1);
  const Array serial = gather(x, view);
  Array serial_sum = Array::zeros(view.base(), DType::float32);
  scatter_add(serial, view, serial_sum);
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CHECK(identical(gather(x, view), serial));
    Array sum = Array::zeros(view.base(), DType::float32);
    scatter_add(serial, view, sum);
    CHECK(identical(sum, serial_sum));
  }
}

TEST_CASE("gather and scatter refuse arrays that the view was not made for", "[view][errors]") {
  const View view(Shape{2, 3});
  Array y = Array::zeros({2, 3}, DType::float32);
  CHECK_THROWS_AS(gather(Array::zeros({3, 2}, DType::float32), view), ShapeError);
  CHECK_THROWS_AS(scatter(Array::zeros({3, 2}, DType::float32), view, y), ShapeError);
  CHECK_THROWS_AS(scatter(Array::zeros({2, 3}, DType::float64), view, y), DTypeError);
  CHECK_THROWS_AS(scatter_add(Array::zeros({2, 3}, DType::float32), View(Shape{6}), y), ShapeError);
}
