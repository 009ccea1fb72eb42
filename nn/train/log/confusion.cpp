// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/confusion.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>
#include <fathom/core/text_table.hpp>

namespace fathom::nn::train {

namespace {

using Row = std::vector<std::string>;

void check_matrix(std::string_view op, const Array& confusion) {
  ArgumentCheck check(op);
  check.argument("confusion", confusion, "(classes, classes)").rank(2);
  FATHOM_CHECK(check.hint("ops::confusion_matrix makes one"), confusion.shape(0) == confusion.shape(1),
               ShapeError, "confusion must have as many columns as rows (it is {})",
               to_string(confusion.shape()));
  FATHOM_CHECK(check.hint("it holds numbers of images"), confusion.dtype() == DType::int64, DTypeError,
               "confusion must be int64 (it is {})", to_string(confusion.dtype()));
}

std::string name(std::int64_t index, const std::vector<std::string>& names) {
  const auto at = static_cast<std::size_t>(index);
  return at < names.size() ? fmt::format("{} {}", index, names[at]) : fmt::format("{}", index);
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-"
                    : fmt::format("{:.1f}", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

/// Images of a class: the sum of its row.
std::int64_t images_of(const Array& confusion, std::int64_t label) {
  const auto* row = confusion.data<std::int64_t>() + label * confusion.shape(1);
  return std::accumulate(row, row + confusion.shape(1), std::int64_t{0});
}

}  // namespace

std::string confusion_table(const Array& confusion, const std::vector<std::string>& names) {
  check_matrix("confusion_table", confusion);
  const std::int64_t classes = confusion.shape(0);
  const auto* counts = confusion.data<std::int64_t>();
  std::vector<Row> rows(1, Row{"label \\ taken for"});
  for (std::int64_t taken = 0; taken < classes; ++taken) rows[0].push_back(fmt::format("{}", taken));
  rows[0].insert(rows[0].end(), {"images", "right %"});
  std::int64_t all = 0, right = 0;
  for (std::int64_t label = 0; label < classes; ++label) {
    Row row{name(label, names)};
    for (std::int64_t taken = 0; taken < classes; ++taken) {
      const std::int64_t count = counts[label * classes + taken];
      row.push_back(count == 0 ? "." : fmt::format("{}", count));
    }
    const std::int64_t images = images_of(confusion, label), found = counts[label * classes + label];
    row.insert(row.end(), {fmt::format("{}", images), percent(found, images)});
    rows.push_back(std::move(row));
    all += images;
    right += found;
  }
  rows.emplace_back();
  Row last{"right % of column"};
  for (std::int64_t taken = 0; taken < classes; ++taken) {
    std::int64_t sum = 0;
    for (std::int64_t label = 0; label < classes; ++label) sum += counts[label * classes + taken];
    last.push_back(percent(counts[taken * classes + taken], sum));
  }
  last.insert(last.end(), {fmt::format("{}", all), percent(right, all)});
  rows.push_back(std::move(last));
  return text_table(rows, std::string("l").append(static_cast<std::size_t>(classes) + 2, 'r'));
}

std::string confusion_pairs(const Array& confusion, const std::vector<std::string>& names,
                            std::int64_t count) {
  check_matrix("confusion_pairs", confusion);
  ArgumentCheck("confusion_pairs").at_least("count", count, 0, "it is the number of lines");
  const std::int64_t classes = confusion.shape(0);
  const auto* counts = confusion.data<std::int64_t>();
  std::vector<std::int64_t> pairs;
  for (std::int64_t at = 0; at < confusion.size(); ++at) {
    if (at / classes != at % classes && counts[at] > 0) pairs.push_back(at);
  }
  std::stable_sort(pairs.begin(), pairs.end(), [&](auto a, auto b) { return counts[a] > counts[b]; });
  pairs.resize(std::min(pairs.size(), static_cast<std::size_t>(count)));
  std::vector<Row> rows{{"label", "taken for", "images", "% of the label's"}};
  for (const std::int64_t at : pairs) {
    rows.push_back({name(at / classes, names), name(at % classes, names), fmt::format("{}", counts[at]),
                    percent(counts[at], images_of(confusion, at / classes))});
  }
  return text_table(rows, "llrr");
}

ConfusionLog::ConfusionLog(std::string path, std::vector<std::string> names)
    : path_(std::move(path)), names_(std::move(names)) {
  require_writable(path_);
}

void ConfusionLog::on_epoch(const EpochRecord& record) {
  if (!record.validation || !record.validation->confusion.defined()) return;
  constexpr std::int64_t kMostClasses = 30;
  const Array& confusion = record.validation->confusion;
  std::string text = fmt::format("epoch {}\n\n", record.epoch);
  if (confusion.shape(0) <= kMostClasses) text += confusion_table(confusion, names_) + '\n';
  text += confusion_pairs(confusion, names_);
  write_file(path_, std::as_bytes(std::span(text)));
}

}  // namespace fathom::nn::train
