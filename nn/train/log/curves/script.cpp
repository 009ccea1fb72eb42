// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include <fathom/nn/train/log/curves/gnuplot.hpp>

namespace fathom::nn::train::detail {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

/// The last number in the column of that name, NaN when there is none.
double last_value(const std::vector<std::string_view>& lines, std::string_view column) {
  const std::vector<std::string_view> names = split(lines.front(), ',');
  const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), column) - names.begin());
  for (std::size_t i = lines.size(); i-- > 1;) {
    const std::vector<std::string_view> cells = split(lines[i], ',');
    if (at >= cells.size() || cells[at].empty()) continue;
    double value = kNone;
    std::from_chars(cells[at].data(), cells[at].data() + cells[at].size(), value);
    return value;
  }
  return kNone;
}

/// In single quotes, where gnuplot takes everything as it is but a quote itself.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    result += letter == '\n' ? ' ' : letter;
    if (letter == '\'') result += '\'';
  }
  return result + '\'';
}

/// A round distance between marks, so that there are at most ten.
double tic_distance(double epochs) {
  constexpr double kMostTics = 10;
  for (double power = 1;; power *= 10) {
    for (const double distance : {power, 2 * power, 5 * power}) {
      if (distance * kMostTics >= epochs) return distance;
    }
  }
}

/// One of the two pictures: the training's curve, and the validation's where there is one.
std::string panel(std::string_view data, const std::vector<std::string_view>& lines, std::string_view column,
                  bool is_share) {
  const auto curve = [&](std::string_view name, const std::string& of, int style) {
    const double last = last_value(lines, of);
    const std::string number = is_share ? fmt::format("{:.2f} %", 100 * last) : fmt::format("{:.4f}", last);
    return fmt::format(
        R"({} using "epoch":({}column("{}")) with linespoints linestyle {} title '{}, last {}')", data,
        is_share ? "100*" : "", of, style, name, number);
  };
  std::string text = fmt::format("  plot {}", curve("training", std::string(column), 1));
  const std::string validation = fmt::format("validation_{}", column);
  if (!std::isnan(last_value(lines, validation)))
    text += ", \\\n       " + curve("validation", validation, 2);
  return text + '\n';
}

constexpr std::string_view kFormat =
    R"(# Draws {name}.svg and {name}.png from {name}.csv, all in the working directory: gnuplot {name}.gp
set datafile separator ','
set datafile missing NaN
set style line 1 linecolor rgb '#7f7f7f' linewidth 2 pointtype 6 pointsize 0.7
set style line 2 linecolor rgb '#1f77b4' linewidth 2 pointtype 7 pointsize 0.7
set grid linetype 1 linewidth 1 linecolor rgb '#d8d8d8'
set offsets 0, 0, graph 0.05, graph 0.05
set lmargin 10
set xlabel 'epoch'
set xrange [{first}:{last}]
set xtics {every}
do for [kind in 'svg png'] {{
  if (kind eq 'svg') {{ set terminal svg size 900,760 font 'sans-serif,14' background rgb 'white' }}
  if (kind eq 'png') {{ set terminal pngcairo size 900,760 font 'sans,11' }}
  set output {quoted_name}.'.'.kind
  set multiplot layout 2,1 title {title} noenhanced
  set ylabel 'loss (mean over the images)'
  set key top right
{loss}  set ylabel 'accuracy (% of the images)'
  set key bottom right
{accuracy}  unset multiplot
  unset output
}}
)";

}  // namespace

std::string curves_script(std::string_view name, std::string_view title, std::string_view csv) {
  std::vector<std::string_view> lines = split(csv, '\n');
  if (lines.back().empty()) lines.pop_back();
  if (lines.size() < 2) return {};
  const double epochs = last_value(lines, "epoch");
  const std::string data = quoted(fmt::format("{}.csv", name));
  return fmt::format(fmt::runtime(kFormat), fmt::arg("name", name), fmt::arg("quoted_name", quoted(name)),
                     fmt::arg("title", quoted(title)), fmt::arg("first", epochs > 1 ? 1 : 0.5),
                     fmt::arg("last", epochs > 1 ? epochs : 1.5), fmt::arg("every", tic_distance(epochs)),
                     fmt::arg("loss", panel(data, lines, "loss", false)),
                     fmt::arg("accuracy", panel(data, lines, "accuracy", true)));
}

}  // namespace fathom::nn::train::detail
