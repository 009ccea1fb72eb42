// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/curves.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include <fathom/core/file.hpp>
#include <fathom/nn/train/log/curves/gnuplot.hpp>

namespace fathom::nn::train {

namespace {

std::string read_text(const std::string& path) {
  const Bytes bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Curves::Curves(const std::string& path, CurvesOptions options)
    : path_(path), options_(std::move(options)), data_(path + ".csv") {
  require_writable(path + ".gp");
}

void Curves::on_start(std::int64_t first) { data_.on_start(first); }

void Curves::on_epoch(const EpochRecord& record) {
  data_.on_epoch(record);
  if (options_.each_epoch) draw();
}

void Curves::on_end() { draw(); }

void Curves::draw() const {
  const std::filesystem::path path(path_);
  const std::string name = path.filename().string(), directory = path.parent_path().string();
  const std::string script = detail::curves_script(name, options_.title, read_text(data_.path()));
  if (script.empty()) return;
  write_file(path_ + ".gp", std::as_bytes(std::span(script)));
  const std::string failure = detail::run_gnuplot(options_.gnuplot, directory, name + ".gp");
  if (failure.empty()) return;
  std::ostream& messages = options_.messages != nullptr ? *options_.messages : std::cerr;
  messages << fmt::format(
                  "curves: nothing was drawn: {}\n  hint: the data are in {}; draw them by `cd {} && gnuplot "
                  "{}.gp` "
                  "(Debian's package is gnuplot-nox)\n",
                  failure, data_.path(), directory.empty() ? "." : directory, name)
           << std::flush;
}

}  // namespace fathom::nn::train
