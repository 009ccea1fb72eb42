// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/data_loader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/data_loader/prefetch.hpp>

namespace fathom::nn {

namespace {

constexpr std::size_t kByteValues = 256;

// A Random with the same seed hands out neither half nor the next quarter of all streams: they are for orders
// and for transforms.
constexpr std::uint64_t kOrders = std::uint64_t{1} << 63;
constexpr std::uint64_t kTransforms = std::uint64_t{1} << 62;

/// One number for each channel from one for all, or from one for each.
void spread(std::vector<double>& numbers, std::string_view name, std::int64_t channels,
            const ArgumentCheck& check) {
  const auto count = static_cast<std::size_t>(channels);
  FATHOM_CHECK(check.hint("one number serves all channels"), numbers.size() == 1 || numbers.size() == count,
               ShapeError, "{} must hold one number, or one for each channel ({} numbers, {} channels)", name,
               numbers.size(), channels);
  if (numbers.size() == 1) numbers.resize(count, numbers.front());
}

void check_arguments(const Array& images, const Array& labels, DataLoaderOptions& options) {
  ArgumentCheck check("DataLoader");
  check.argument("images", images, images.defined() && images.rank() == 3 ? "(n, h, w)" : "(n, c, h, w)");
  check.argument("labels", labels, "(n)").defined();
  FATHOM_CHECK(check.hint("they are (n, h, w) or (n, c, h, w); reshape them"),
               images.rank() == 3 || images.rank() == 4, ShapeError,
               "images must have 3 or 4 axes (they have {})", images.rank());
  FATHOM_CHECK(check.hint("convert them with astype(DType::float32)"),
               images.dtype() == DType::uint8 || images.dtype() == DType::float32, DTypeError,
               "images must be uint8 or float32 (they are {})", to_string(images.dtype()));
  check.rank(1);
  check.index();
  FATHOM_CHECK(check.hint("image i goes with label i; read both from the same set"),
               labels.size() == images.shape(0), ShapeError,
               "every image needs one label ({} images, {} labels)", images.shape(0), labels.size());
  check.at_least("batch", options.batch, 1, "batch is the number of images in one step");
  check.at_least("workers", options.workers, 0, "0 makes each batch when it is reached");
  check.at_least("prefetch", options.prefetch, 1, "it is the number of batches that may be made ahead");
  const std::int64_t channels = images.rank() == 4 ? images.shape(1) : 1;
  spread(options.mean, "mean", channels, check);
  spread(options.deviation, "deviation", channels, check);
  for (const double mean : options.mean) {
    FATHOM_CHECK(check.hint("take it over the training images, or 0 to shift nothing"), std::isfinite(mean),
                 ValueError, "mean must be finite (it is {})", mean);
  }
  for (const double deviation : options.deviation) {
    FATHOM_CHECK(check.hint("take it over the training images, or 1 to scale nothing"),
                 std::isfinite(deviation) && deviation > 0, ValueError,
                 "deviation must be finite and greater than 0 (it is {})", deviation);
  }
}

/// Has the start of an image fetched. In a new order each one comes from memory, which would take longer than
/// what is done with it.
void prefetch(const std::byte* bytes, std::int64_t count) {
  constexpr std::int64_t kLine = 64, kMost = 4096;
  for (std::int64_t at = 0; at < std::min(count, kMost); at += kLine) __builtin_prefetch(bytes + at);
}

}  // namespace

/// What all epochs read, none changes, and the last one keeps alive.
class DataLoader::Source {
 public:
  Source(Array images, Array labels, DataLoaderOptions options);

  [[nodiscard]] const DataLoaderOptions& options() const { return options_; }
  [[nodiscard]] std::int64_t images() const { return labels_.size(); }
  [[nodiscard]] std::int64_t batches() const {
    const bool has_rest = images() % options_.batch != 0 && !options_.drop_last;
    return images() / options_.batch + (has_rest ? 1 : 0);
  }
  /// The images order[first] ... order[first + count - 1].
  [[nodiscard]] Batch gather(const Array& order, std::int64_t first, std::int64_t count) const;

 private:
  Array images_;  // (n, c, h, w)
  Array labels_;  // int64
  DataLoaderOptions options_;
  std::vector<float> byte_values_;  // what the 256 bytes become, for each channel
};

DataLoader::Source::Source(Array images, Array labels, DataLoaderOptions options)
    : images_(std::move(images)), labels_(std::move(labels)), options_(std::move(options)) {
  check_arguments(images_, labels_, options_);
  labels_ = labels_.astype(DType::int64);
  if (images_.rank() == 3)
    images_ = images_.reshape({images_.shape(0), 1, images_.shape(1), images_.shape(2)});
  if (images_.dtype() != DType::uint8) return;
  for (std::size_t channel = 0; channel < options_.mean.size(); ++channel) {
    for (std::size_t byte = 0; byte < kByteValues; ++byte) {
      const double value = static_cast<double>(byte) / 255;
      byte_values_.push_back(
          static_cast<float>((value - options_.mean[channel]) / options_.deviation[channel]));
    }
  }
}

Batch DataLoader::Source::gather(const Array& order, std::int64_t first, std::int64_t count) const {
  const std::int64_t channels = images_.shape(1), plane = images_.shape(2) * images_.shape(3);
  Batch batch{Array::empty({count, channels, images_.shape(2), images_.shape(3)}, DType::float32),
              Array::empty({count}, DType::int64)};
  const std::int64_t* source = order.data<std::int64_t>() + first;
  const auto* from_labels = labels_.data<std::int64_t>();
  auto* to_labels = batch.labels.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) to_labels[i] = from_labels[source[i]];

  auto* to = batch.images.mutable_data<float>();
  const std::byte* image_bytes = images_.raw_data();
  const auto element = static_cast<std::int64_t>(item_size(images_.dtype()));
  const auto place = [&](std::int64_t i) { return (source[i / channels] * channels + i % channels) * plane; };
  constexpr std::int64_t kGrain = 1 << 15;
  const auto each_plane = [&](auto convert) {
    parallel_for(count * channels, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, plane)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     if (i + 1 < end) prefetch(image_bytes + place(i + 1) * element, plane * element);
                     convert(place(i), to + i * plane, i % channels);
                   }
                 });
  };
  if (images_.dtype() == DType::uint8) {
    const auto* from = images_.data<std::uint8_t>();
    each_plane([&](std::int64_t offset, float* out, std::int64_t channel) {
      const float* values = byte_values_.data() + static_cast<std::size_t>(channel) * kByteValues;
      for (std::int64_t i = 0; i < plane; ++i) out[i] = values[from[offset + i]];
    });
  } else {
    const auto* from = images_.data<float>();
    each_plane([&](std::int64_t offset, float* out, std::int64_t channel) {
      const auto mean = static_cast<float>(options_.mean[static_cast<std::size_t>(channel)]);
      const auto deviation = static_cast<float>(options_.deviation[static_cast<std::size_t>(channel)]);
      for (std::int64_t i = 0; i < plane; ++i) out[i] = (from[offset + i] - mean) / deviation;
    });
  }
  return batch;
}

/// The batches of one epoch from number `first` on, one after another.
class DataLoader::Epoch {
 public:
  Epoch(std::shared_ptr<const Source> source, std::int64_t epoch, std::int64_t first);
  [[nodiscard]] std::int64_t size() const { return source_->batches(); }
  [[nodiscard]] Batch next() { return prefetch_ ? prefetch_->next() : make(next_++); }

 private:
  [[nodiscard]] Batch make(std::int64_t index) const;

  std::shared_ptr<const Source> source_;
  std::int64_t epoch_;
  Array order_;
  std::int64_t next_;
  std::unique_ptr<detail::Prefetch> prefetch_;  // the last member: its threads use the others
};

DataLoader::Epoch::Epoch(std::shared_ptr<const Source> source, std::int64_t epoch, std::int64_t first)
    : source_(std::move(source)), epoch_(epoch), next_(first) {
  const DataLoaderOptions& options = source_->options();
  order_ = options.shuffle
               ? permutation({options.seed, kOrders | static_cast<std::uint64_t>(epoch)}, source_->images())
               : Array::arange(source_->images(), DType::int64);
  if (options.workers == 0 || first == size()) return;
  prefetch_ =
      std::make_unique<detail::Prefetch>([this, first](std::int64_t index) { return make(first + index); },
                                         size() - first, options.workers, options.prefetch);
}

Batch DataLoader::Epoch::make(std::int64_t index) const {
  const DataLoaderOptions& options = source_->options();
  const std::int64_t first = index * options.batch;
  const std::int64_t count = std::min(options.batch, order_.size() - first);
  Batch batch = source_->gather(order_, first, count);
  if (!options.transform) return batch;
  const auto stream =
      kTransforms | static_cast<std::uint64_t>(epoch_) << 32 | static_cast<std::uint64_t>(index);
  const std::span images(order_.data<std::int64_t>() + first, static_cast<std::size_t>(count));
  options.transform(batch, {{options.seed, stream}, epoch_, Array::from(images, {count})});
  return batch;
}

DataLoader::DataLoader(Array images, Array labels, DataLoaderOptions options)
    : source_(std::make_shared<Source>(std::move(images), std::move(labels), std::move(options))) {}

std::int64_t DataLoader::size() const { return source_->batches(); }

std::int64_t DataLoader::images_per_epoch() const {
  return source_->options().drop_last ? size() * source_->options().batch : source_->images();
}

std::uint64_t DataLoader::seed() const { return source_->options().seed; }

void DataLoader::set_position(std::int64_t epoch, std::int64_t batch) {
  ArgumentCheck check("DataLoader::set_position");
  check.at_least("epoch", epoch, 0, "epochs count from 0");
  check.at_least("batch", batch, 0, "batches count from 0");
  FATHOM_CHECK(check.hint("a position fits the set and the size of batches that it was taken with"),
               batch <= size(), ValueError, "batch must be at most size() (batch {} of {})", batch, size());
  epoch_ = epoch;
  first_batch_ = batch;
}

DataLoader::Iterator DataLoader::begin() {
  const std::int64_t first = std::exchange(first_batch_, 0);
  return {std::make_unique<Epoch>(source_, epoch_++, first), first};
}

DataLoader::Iterator::Iterator(std::unique_ptr<Epoch> epoch, std::int64_t first)
    : epoch_(std::move(epoch)), index_(first), size_(epoch_->size()) {
  make();
}
DataLoader::Iterator::Iterator(Iterator&&) noexcept = default;
DataLoader::Iterator& DataLoader::Iterator::operator=(Iterator&&) noexcept = default;
DataLoader::Iterator::~Iterator() = default;

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  ++index_;
  make();
  return *this;
}

void DataLoader::Iterator::make() {
  batch_ = {};
  if (index_ < size_) batch_ = epoch_->next();
}

}  // namespace fathom::nn
