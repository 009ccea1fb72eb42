// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/error.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/nn/optim/optimizer.hpp>
#include <fathom/nn/train/ema.hpp>

namespace fathom::nn::train {

/// How far a training is: after a whole step of the optimizer, gradients being empty.
struct Position {
  std::int64_t epoch = 0;    ///< whole epochs done; DataLoader::set_position takes it with the next
  std::int64_t batch = 0;    ///< batches of the epoch after them done
  std::int64_t step = 0;     ///< optimizer's steps: where schedules are
  std::int64_t images = 0;   ///< of the unfinished epoch, like those below
  std::int64_t correct = 0;  ///< images whose highest score was the label's
  double loss = 0;           ///< sum over the images
  double epoch_seconds = 0;  ///< of training
  double seconds = 0;        ///< of all that was done
};

/// All that a training goes on with to the same last bit. Random numbers are part of it: those of a loader
/// depend on the position alone, and layers that need some keep a counter in a buffer.
struct TrainingState {
  Module& net;
  Optimizer& optimizer;
  Ema* ema = nullptr;  ///< averages of `net`, if there are any
  /// What it learns from. If given, a checkpoint keeps its seed and how many images and batches it has, and
  /// one of another loader is refused.
  const DataLoader* loader = nullptr;
  Position position = {};
  NamedArrays extra = {};  ///< whatever else there is to keep
};

/// A checkpoint is whole, and of another training than the one that is to go on with it.
class FATHOM_EXPORT OtherTrainingError : public IoError {
 public:
  /// `rule` says what the checkpoint has and what the training has.
  OtherTrainingError(const std::string& path, std::string_view rule);
};

/// Writes the state as an .npz archive that NumPy reads, sealed by a checksum of all its bytes. It appears
/// whole or not at all. Throws IoError when it cannot be written, NumericError naming the first weight,
/// buffer or average that is NaN or infinite, GraphError for a parameter that has no data yet.
FATHOM_EXPORT void save_checkpoint(const TrainingState& state, const std::string& path);
/// Fills what the state refers to, its position and its extra arrays from what save_checkpoint wrote; nothing
/// is converted. Throws IoError when the file is missing or corrupt, OtherTrainingError when it is of another
/// kind of optimizer, another loader, with averages where there are none or the other way round, or of
/// another net: then nothing has changed. Where the optimizer's or the averages' arrays do not fit, the net
/// has the file's weights already.
FATHOM_EXPORT void load_checkpoint(TrainingState& state, const std::string& path);

/// The last checkpoints of one training, "checkpoint-000000120.npz" after step 120, in a directory of its
/// own.
class FATHOM_EXPORT Checkpoints {
 public:
  /// Makes the directory. Throws IoError when it cannot be written to: before the work, not after; ValueError
  /// for keep below 1.
  explicit Checkpoints(std::string directory, std::int64_t keep = 2);

  /// Writes one by save_checkpoint, then removes all but the last `keep`, and those of later steps: they are
  /// of a run that this one has left. Returns its path. When it throws, those that there were stay.
  std::string save(const TrainingState& state) const;

  struct Loaded {
    std::string path;
    std::vector<std::string> refused;  ///< why newer ones were passed over, one text for each
  };
  /// Loads the newest that is whole. Nothing when there is none at all; IoError, naming each, when all are
  /// corrupt; OtherTrainingError as load_checkpoint.
  [[nodiscard]] std::optional<Loaded> load_last(TrainingState& state) const;

  /// Of the files, the newest first.
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// For a training that is over: removes all of them, and the directory if nothing else is in it.
  void clear() const;

 private:
  void prune(std::int64_t step) const;
  void remove_leftovers() const;

  std::string directory_;
  std::int64_t keep_;
};

}  // namespace fathom::nn::train
