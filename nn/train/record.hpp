// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include <fathom/core/array.hpp>

namespace fathom::nn::train {

/// How well a model does on images it does not learn from.
struct Evaluation {
  std::int64_t images = 0;
  double loss = 0;       ///< mean over the images
  double accuracy = 0;   ///< share of the images whose highest score is the label's, 0 ... 1
  double top5 = 0;       ///< share of the images whose label is among the five highest scores, 0 ... 1
  Array confusion = {};  ///< int64 (classes, classes): images of class [row] that were taken for [column]
};

/// What is known after an optimizer's step.
struct StepRecord {
  std::int64_t epoch = 0;             ///< from 1
  std::int64_t epochs = 0;            ///< of the whole training
  std::int64_t step = 0;              ///< optimizer's steps since the start of the training, from 1
  std::int64_t steps = 0;             ///< of the whole training
  std::int64_t images = 0;            ///< of this epoch so far
  std::int64_t images_per_epoch = 0;  ///< in all
  double loss = 0;                    ///< mean over the images of this epoch so far, like accuracy
  double accuracy = 0;                ///< 0 ... 1
  double learning_rate = 0;           ///< of this step
  double seconds = 0;  ///< of training, without the time between an interruption and its resumption
};

/// What is known after an epoch.
struct EpochRecord {
  std::int64_t epoch = 0;        ///< from 1
  std::int64_t epochs = 0;       ///< of the whole training
  std::int64_t step = 0;         ///< optimizer's steps since the start of the training
  double loss = 0;               ///< mean over the epoch's training images, while the weights changed
  double accuracy = 0;           ///< on the same, 0 ... 1
  double learning_rate = 0;      ///< of the epoch's last step
  double images_per_second = 0;  ///< of training, validation not counted
  double seconds = 0;            ///< as in StepRecord, validation counted
  std::optional<Evaluation> validation = {};
};

}  // namespace fathom::nn::train
