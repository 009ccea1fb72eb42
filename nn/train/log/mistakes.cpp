// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/mistakes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/data/png.hpp>
#include <fathom/nn/trial_scope.hpp>

namespace fathom::nn::train {

namespace {

void check_batch(const Array& images, const Array& scores, const Array& labels) {
  ArgumentCheck check("WorstMistakes::add");
  check.argument("images", images, images.defined() && images.rank() == 3 ? "(n, h, w)" : "(n, c, h, w)");
  check.argument("scores", scores, "(n, classes)").argument("labels", labels, "(n)").defined();
  FATHOM_CHECK(check.hint("they are (n, h, w) or (n, c, h, w); reshape them"),
               images.rank() == 3 || images.rank() == 4, ShapeError,
               "images must have 3 or 4 axes (they have {})", images.rank());
  FATHOM_CHECK(check.hint("convert them with astype(DType::float32)"),
               images.dtype() == DType::uint8 || images.dtype() == DType::float32, DTypeError,
               "images must be uint8 or float32 (they are {})", to_string(images.dtype()));
  check.select("scores").rank(2).floating();
  check.select("labels").shape({images.shape(0)}, "one for each image");
  FATHOM_CHECK(check.hint("convert them with astype(DType::int64)"), labels.dtype() == DType::int64,
               DTypeError, "labels must be int64 (they are {})", to_string(labels.dtype()));
  const std::int64_t classes = scores.shape(1);
  FATHOM_CHECK(check.hint("give the scores that the net has for these images"),
               scores.shape(0) == images.shape(0) && classes > 0, ShapeError,
               "every image needs a row of scores ({} images, scores {})", images.shape(0),
               to_string(scores.shape()));
  const auto* label = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < labels.size(); ++i) {
    FATHOM_CHECK(check.hint("labels count from 0"), label[i] >= 0 && label[i] < classes, ValueError,
                 "labels must lie in [0, {}) (label {} is {})", classes, i, label[i]);
  }
}

/// What a row of scores says about the image, without index and image.
Mistake judge(const double* scores, std::int64_t classes, std::int64_t label) {
  const double* highest =
      std::find_if(scores, scores + classes, [](double score) { return std::isnan(score); });
  if (highest == scores + classes) highest = std::max_element(scores, scores + classes);
  double sum = 0;
  for (std::int64_t i = 0; i < classes; ++i) sum += std::exp(scores[i] - *highest);
  const double loss = std::log(sum) + *highest - scores[label];
  return {.label = label,
          .taken_for = highest - scores,
          .loss = std::isnan(loss) ? std::numeric_limits<double>::infinity() : loss,
          .confidence = 1 / sum};
}

}  // namespace

WorstMistakes::WorstMistakes(std::int64_t count) : count_(static_cast<std::size_t>(count)) {
  ArgumentCheck("WorstMistakes").at_least("count", count, 1, "it is the number of images to keep");
}

void WorstMistakes::add(const Array& images, const Array& scores, const Array& labels) {
  check_batch(images, scores, labels);
  const Array wide = scores.astype(DType::float64);
  const std::int64_t classes = scores.shape(1);
  for (std::int64_t i = 0; i < labels.size(); ++i, ++images_) {
    Mistake mistake = judge(wide.data<double>() + i * classes, classes, labels.data<std::int64_t>()[i]);
    if (mistake.taken_for == mistake.label) continue;
    ++wrong_;
    mistake.index = images_;
    consider(std::move(mistake), images, i);
  }
}

void WorstMistakes::consider(Mistake mistake, const Array& images, std::int64_t at) {
  const auto place = std::upper_bound(list_.begin(), list_.end(), mistake.loss,
                                      [](double loss, const Mistake& other) { return loss > other.loss; });
  if (place == list_.end() && list_.size() == count_) return;
  const bool has_channels = images.rank() == 4;
  mistake.image =
      Array::empty({has_channels ? images.shape(1) : 1, images.shape(-2), images.shape(-1)}, images.dtype());
  const std::size_t bytes = mistake.image.byte_size();
  if (bytes > 0) {
    std::memcpy(mistake.image.raw_mutable_data(), images.raw_data() + static_cast<std::size_t>(at) * bytes,
                bytes);
  }
  list_.insert(place, std::move(mistake));
  if (list_.size() > count_) list_.pop_back();
}

MistakePicture::MistakePicture(std::string path, Module& net, DataLoader loader,
                               MistakePictureOptions options, std::int64_t count)
    : path_(std::move(path)),
      net_(net),
      loader_(std::move(loader)),
      options_(std::move(options)),
      count_(count) {
  require_writable(path_);
}

void MistakePicture::on_end() {
  const TrialScope trial(net_);
  WorstMistakes mistakes(count_);
  for (const auto& [images, labels] : loader_) {
    mistakes.add(images, net_(Variable{images}).data(), labels);
  }
  write_png(path_, mistake_picture(mistakes.list(), options_));
}

}  // namespace fathom::nn::train
