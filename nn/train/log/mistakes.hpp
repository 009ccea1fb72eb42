// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

/// An image whose highest score is not that of its label.
struct Mistake {
  std::int64_t index = 0;  ///< of the image among all that were looked at, from 0
  std::int64_t label = 0;
  std::int64_t taken_for = 0;
  double loss = 0;        ///< -log of the probability that softmax gives the label
  double confidence = 0;  ///< the probability of what it was taken for, 0 ... 1
  Array image{};          ///< (c, h, w), a copy
};

/// Picks out the images with the greatest loss among those that are taken for something else:
///
///     for (const auto& [images, labels] : loader) mistakes.add(images, net(Variable{images}).data(),
///     labels);
class FATHOM_EXPORT WorstMistakes {
 public:
  /// Keeps so many. Throws ValueError unless `count` is positive.
  explicit WorstMistakes(std::int64_t count = 25);

  /// Looks at a batch. Of equal scores the first is the highest, and a score that is NaN counts as the
  /// highest and its loss as infinite.
  /// @param images uint8 or float32 (n, h, w) or (n, c, h, w)   @param scores float32 or float64 (n, classes)
  /// @param labels int64 (n), in [0, classes)
  /// @throws ShapeError, DTypeError, ValueError
  void add(const Array& images, const Array& scores, const Array& labels);

  /// The greatest loss first; of equal ones the first image.
  [[nodiscard]] const std::vector<Mistake>& list() const { return list_; }
  [[nodiscard]] std::int64_t images() const { return images_; }  ///< that were looked at
  [[nodiscard]] std::int64_t wrong() const { return wrong_; }    ///< of them, taken for something else

 private:
  void consider(Mistake mistake, const Array& images, std::int64_t at);

  std::size_t count_;
  std::int64_t images_ = 0, wrong_ = 0;
  std::vector<Mistake> list_;
};

struct MistakePictureOptions {
  std::vector<std::string> names{};  ///< of the classes; a class without one shows its number
  std::string title = "Worst mistakes: label, what it was taken for";
  std::int64_t columns = 5;
  /// What a DataLoader took from float images and divided them by, to be undone: one number for all channels
  /// or one for each. Without them each image is stretched from its smallest value to its greatest.
  std::vector<double> mean{}, deviation{};
};

/// The images in rows, each with its label and, in red, what it was taken for and with what confidence. Small
/// images are magnified. One channel is gray, three are RGB; of other numbers the first is shown. For
/// nn::write_png.
/// @return uint8 (h, w, 3)
/// @throws ShapeError for images of different sizes, ValueError for options out of range.
[[nodiscard]] FATHOM_EXPORT Array mistake_picture(std::span<const Mistake> mistakes,
                                                  const MistakePictureOptions& options = {});

/// When the training ends, writes a picture of the worst mistakes in a data set as a PNG file.
class FATHOM_EXPORT MistakePicture final : public Callback {
 public:
  /// `net` must outlive it. Throws IoError when the file cannot be written.
  MistakePicture(std::string path, Module& net, DataLoader loader, MistakePictureOptions options = {},
                 std::int64_t count = 25);
  void on_end() override;

 private:
  std::string path_;
  Module& net_;
  DataLoader loader_;
  MistakePictureOptions options_;
  std::int64_t count_;
};

}  // namespace fathom::nn::train
