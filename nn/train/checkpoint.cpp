// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/checkpoint.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/train/checkpoint/finite.hpp>

namespace fathom::nn::train {

namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kNet = "net/", kOptimizer = "optimizer/", kEma = "ema/", kExtra = "extra/",
                           kFile = "checkpoint-", kSuffix = ".npz";
constexpr const char *kKind = "optimizer/kind", *kLoader = "loader", *kUpdates = "ema_updates";

/// Calls `visit` with the name of each number of a position and the number itself.
template <class Of, class Visit>
void visit_position(Of& position, const Visit& visit) {
  visit("position/epoch", position.epoch);
  visit("position/batch", position.batch);
  visit("position/step", position.step);
  visit("position/images", position.images);
  visit("position/correct", position.correct);
  visit("position/loss", position.loss);
  visit("position/epoch_seconds", position.epoch_seconds);
  visit("position/seconds", position.seconds);
}

template <class T>
Array number(T value) {
  return Array::from({value}, {});
}

Array text(std::string_view value) {
  const std::span letters(reinterpret_cast<const std::uint8_t*>(value.data()), value.size());
  return Array::from(letters, {std::ssize(value)});
}

/// Images and batches in an epoch, and the seed.
Array numbers_of(const DataLoader& loader) {
  return Array::from({loader.images_per_epoch(), loader.size(), static_cast<std::int64_t>(loader.seed())},
                     {3});
}

/// The entries of a checkpoint by their names.
class Entries {
 public:
  explicit Entries(const std::string& path) : path_(path) {
    require_seal(path);
    const NpzReader reader(path);
    for (const std::string& name : reader.names()) entries_.emplace_back(name, reader.load(name));
  }

  /// For one that is of another training.
  [[noreturn]] void fail(std::string_view rule) const { throw OtherTrainingError(path_, rule); }
  /// For one that this library cannot read.
  [[noreturn]] void fail(std::string_view rule, std::string_view hint) const {
    fathom::detail::fail_file(path_, rule, hint);
  }
  [[nodiscard]] const Array& at(std::string_view name) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == entries_.end()) {
      fail(fmt::format("is no checkpoint of this version: it has no {}", name), "read it with numpy.load");
    }
    return found->second;
  }
  template <class T>
  void read(std::string_view name, T& value) const {
    value = *at(name).data<T>();
  }
  [[nodiscard]] std::string read_text(std::string_view name) const {
    const Array& letters = at(name);
    return {reinterpret_cast<const char*>(letters.data<std::uint8_t>()),
            static_cast<std::size_t>(letters.size())};
  }
  /// Those whose names begin with `prefix`, without it, in the order of the file.
  [[nodiscard]] NamedArrays with_prefix(std::string_view prefix) const {
    NamedArrays result;
    for (const auto& [name, array] : entries_) {
      if (name.starts_with(prefix)) result.emplace_back(name.substr(prefix.size()), array);
    }
    return result;
  }

 private:
  std::string path_;
  NamedArrays entries_;
};

std::string state_name(const StateArray& array) { return fmt::format("{}/{}", array.parameter, array.name); }

/// What can be told before anything is loaded.
void require_same_training(const Entries& entries, const TrainingState& state) {
  if (const std::string kind = entries.read_text(kKind); kind != state.optimizer.kind()) {
    entries.fail(
        fmt::format("is of another optimizer: {}, this training has {}", kind, state.optimizer.kind()));
  }
  std::int64_t updates = -1;
  entries.read(kUpdates, updates);
  if ((updates >= 0) != (state.ema != nullptr)) {
    entries.fail(updates >= 0 ? "has averages of the weights, and the training keeps none"
                              : "has no averages of the weights, and the training keeps them");
  }
  if (state.loader == nullptr) return;
  const Array& saved = entries.at(kLoader);
  const Array own = numbers_of(*state.loader);
  if (identical(saved, own)) return;
  const auto words = [](const Array& numbers) {
    const auto* number = numbers.data<std::int64_t>();
    return fmt::format("{} images in {} batches with seed {}", number[0], number[1],
                       static_cast<std::uint64_t>(number[2]));
  };
  entries.fail(fmt::format("is of another loader: {}, this training's has {}", words(saved), words(own)));
}

void load_optimizer(const Entries& entries, Optimizer& optimizer) {
  const NamedArrays saved = entries.with_prefix(kOptimizer);
  try {
    for (const auto& [name, array] : saved) {
      const std::size_t slash = name.find('/');
      if (slash == std::string::npos) continue;  // of the optimizer itself
      std::size_t parameter = 0;
      std::from_chars(name.data(), name.data() + slash, parameter);
      if (parameter < optimizer.parameters().size()) {
        optimizer.set_state(parameter, std::string_view(name).substr(slash + 1), array);
      }
    }
  } catch (const Error& error) {
    entries.fail(fmt::format("does not fit the optimizer: {}", error.what()));
  }
  std::vector<std::string> has, wants;
  for (const StateArray& array : optimizer.state()) has.push_back(state_name(array));
  for (const auto& [name, array] : saved) {
    if (name.find('/') != std::string::npos) wants.push_back(name);
  }
  if (has != wants) {
    entries.fail(fmt::format("does not fit the optimizer: {} arrays of state, the optimizer has {}",
                             wants.size(), has.size()));
  }
  for (auto [name, value] : optimizer.numbers()) {
    entries.read(std::string(kOptimizer) + name, value);
    optimizer.set_number(name, value);
  }
}

void load_ema(const Entries& entries, Ema* ema) {
  if (ema == nullptr) return;
  std::int64_t updates = 0;
  entries.read(kUpdates, updates);
  try {
    ema->set_state(entries.with_prefix(kEma), updates);
  } catch (const Error& error) {
    entries.fail(fmt::format("does not fit the averages: {}", error.what()));
  }
}

/// The step that a checkpoint's name says; -1 for another file.
std::int64_t step_of(std::string_view name) {
  if (!name.starts_with(kFile) || !name.ends_with(kSuffix)) return -1;
  const std::string_view digits = name.substr(kFile.size(), name.size() - kFile.size() - kSuffix.size());
  std::int64_t step = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  return error == std::errc{} && end == digits.data() + digits.size() ? step : -1;
}

/// What a run that was killed while it wrote has left.
bool is_leftover(std::string_view name) { return name.starts_with(kFile) && name.ends_with(".tmp"); }

}  // namespace

OtherTrainingError::OtherTrainingError(const std::string& path, std::string_view rule)
    : IoError(fmt::format(
          "{}: {}\n  hint: go on with the same net, optimizer, loader, schedule and callbacks, or "
          "begin anew in another directory",
          path, rule)) {}

void save_checkpoint(const TrainingState& state, const std::string& path) {
  require_initialized("save_checkpoint", state.net);
  const NamedArrays averages = state.ema != nullptr ? state.ema->state() : NamedArrays{};
  detail::require_finite(path, state.net, averages);
  NamedArrays entries{{"format", number(kFormat)}};
  visit_position(state.position,
                 [&](const char* name, auto value) { entries.emplace_back(name, number(value)); });
  const auto add = [&](std::string_view prefix, const std::string& name, const Array& value) {
    entries.emplace_back(std::string(prefix) + name, value);
  };
  for (const auto& [name, value] : state.net.named_parameters()) add(kNet, name, value.data());
  for (const auto& [name, value] : state.net.named_buffers()) add(kNet, name, value);
  entries.emplace_back(kKind, text(state.optimizer.kind()));
  for (const auto& [name, value] : state.optimizer.numbers()) add(kOptimizer, name, number(value));
  for (const StateArray& array : state.optimizer.state()) add(kOptimizer, state_name(array), array.value);
  entries.emplace_back(kUpdates, number(state.ema != nullptr ? state.ema->updates() : std::int64_t{-1}));
  for (const auto& [name, value] : averages) add(kEma, name, value);
  if (state.loader != nullptr) entries.emplace_back(kLoader, numbers_of(*state.loader));
  for (const auto& [name, value] : state.extra) add(kExtra, name, value);
  // Weights hardly shrink, and a training should not wait.
  save_npz(path, entries, {.compress = false, .seal = true});
}

void load_checkpoint(TrainingState& state, const std::string& path) {
  const Entries entries(path);
  std::int64_t format = 0;
  entries.read("format", format);
  if (format != kFormat) {
    entries.fail(
        fmt::format("has format {}, and this version of the library reads format {}", format, kFormat),
        "go on with the version that wrote it");
  }
  require_same_training(entries, state);
  const auto rename = [](std::string_view name) {
    return std::string(name.starts_with(kNet) ? name.substr(kNet.size()) : "");
  };
  try {
    load(state.net, path, {.rename = rename});
  } catch (const IoError& error) {
    entries.fail(fmt::format("is of another net\n{}", error.what()));
  }
  load_optimizer(entries, state.optimizer);
  load_ema(entries, state.ema);
  visit_position(state.position, [&](const char* name, auto& value) { entries.read(name, value); });
  state.extra = entries.with_prefix(kExtra);
}

Checkpoints::Checkpoints(std::string directory, std::int64_t keep)
    : directory_(std::move(directory)), keep_(keep) {
  ArgumentCheck("Checkpoints").at_least("keep", keep, 1, "it is the number of files that stay");
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) {
    fathom::detail::fail_file(directory_, fmt::format("cannot be created: {}", error.message()),
                              "choose another directory for the checkpoints");
  }
  require_writable((std::filesystem::path(directory_) / "checkpoint-0.npz").string());
}

std::string Checkpoints::save(const TrainingState& state) const {
  const std::string name = fmt::format("{}{:09}{}", kFile, state.position.step, kSuffix);
  std::string path = (std::filesystem::path(directory_) / name).string();
  save_checkpoint(state, path);
  prune(state.position.step);
  return path;
}

std::vector<std::string> Checkpoints::paths() const {
  std::vector<std::pair<std::int64_t, std::string>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::int64_t step = step_of(entry.path().filename().string());
    if (step >= 0) found.emplace_back(step, entry.path().string());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> result;
  for (auto& [step, path] : found) result.push_back(std::move(path));
  return result;
}

// What cannot be removed stays: it harms nothing.
void Checkpoints::prune(std::int64_t step) const {
  std::error_code ignored;
  std::int64_t kept = 0;
  for (const std::string& path : paths()) {
    const bool is_later = step_of(std::filesystem::path(path).filename().string()) > step;
    if (is_later || ++kept > keep_) std::filesystem::remove(path, ignored);
  }
  remove_leftovers();
}

void Checkpoints::clear() const {
  std::error_code ignored;
  for (const std::string& path : paths()) std::filesystem::remove(path, ignored);
  remove_leftovers();
  ::rmdir(directory_.c_str());  // it stays if there is more in it, and if the path is a link to it
}

void Checkpoints::remove_leftovers() const {
  std::error_code ignored;
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    if (is_leftover(entry.path().filename().string())) leftovers.push_back(entry.path());
  }
  for (const auto& path : leftovers) std::filesystem::remove(path, ignored);
}

std::optional<Checkpoints::Loaded> Checkpoints::load_last(TrainingState& state) const {
  Loaded loaded;
  for (const std::string& path : paths()) {
    try {
      require_seal(path);
    } catch (const IoError& error) {
      loaded.refused.emplace_back(error.what());
      continue;
    }
    load_checkpoint(state, path);
    loaded.path = path;
    return loaded;
  }
  if (loaded.refused.empty()) return std::nullopt;
  throw IoError(fmt::format("{}: no checkpoint there is whole\n{}\n  hint: remove them to begin anew",
                            directory_, fmt::join(loaded.refused, "\n")));
}

}  // namespace fathom::nn::train
