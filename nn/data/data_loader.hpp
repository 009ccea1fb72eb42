// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>
#include <fathom/core/random.hpp>

namespace fathom::nn {

/// What a loader yields: `for (const auto& [images, labels] : loader)`.
struct Batch {
  Array images;  ///< float32 (n, c, h, w), normalised
  Array labels;  ///< int64 (n)
};

/// What a transform is told of its batch; it serves as a RandomKey, and a RandomKey as it.
struct BatchKey {
  BatchKey(RandomKey key, std::int64_t epoch = 0, Array images = {})
      : random(key), epoch(epoch), images(std::move(images)) {}
  operator RandomKey() const { return random; }

  RandomKey random;    ///< depends on the loader's seed and on epoch and number of the batch alone
  std::int64_t epoch;  ///< from 0
  Array images;        ///< int64 (n): the number of each image in the loader's set
};

struct DataLoaderOptions {
  std::int64_t batch = 64;  ///< images in a batch
  bool shuffle = true;      ///< a new order in each epoch
  bool drop_last = false;   ///< leave out the last batch when it is smaller
  std::uint64_t seed = 1;   ///< of the orders
  std::vector<double> mean = {
      0};  ///< subtracted from the values; one number for all channels, or one for each
  std::vector<double> deviation = {1};  ///< what they are divided by then
  std::int64_t workers = 0;   ///< threads that make batches ahead; 0: each is made when it is reached
  std::int64_t prefetch = 4;  ///< batches that may be made ahead, all workers together
  /// Changes a batch after normalisation: augmentation, as in transforms.hpp. Several workers call it at
  /// once, each for its own batch. One that takes a RandomKey in place of the BatchKey serves as well.
  std::function<void(Batch& batch, const BatchKey& key)> transform = {};
};

/// Images and labels in batches. One range-for is one epoch, and the next has the next order: it depends on
/// seed and number of the epoch alone. uint8 images are scaled to [0, 1] before mean and deviation are
/// applied. The batches and their order are the same for any number of workers.
///
/// Workers run the library serially, so they take one core each from what computes. An epoch may be left at
/// any time: its workers end with its iterator. An exception from `transform` leaves begin() or ++ where its
/// batch is reached; the next ++ goes on with the batch after it.
class FATHOM_EXPORT DataLoader {
 public:
  /// images: uint8 or float32, (n, h, w) for one channel or (n, c, h, w); labels: int64 or int32 (n). Keeps
  /// them uncopied, but for int32 labels. Throws ShapeError, DTypeError, ValueError.
  DataLoader(Array images, Array labels, DataLoaderOptions options = {});

  class Iterator;
  /// Begins an epoch. The iterator may outlive the loader.
  [[nodiscard]] Iterator begin();
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  /// Batches in an epoch.
  [[nodiscard]] std::int64_t size() const;
  /// Images in an epoch.
  [[nodiscard]] std::int64_t images_per_epoch() const;
  /// That of the options.
  [[nodiscard]] std::uint64_t seed() const;
  /// Number of the epoch that the next begin() starts; the first is 0.
  [[nodiscard]] std::int64_t epoch() const { return epoch_; }
  /// The next begin() starts this epoch.
  void set_epoch(std::int64_t epoch) { set_position(epoch, 0); }
  /// For going on where an earlier run stopped: the next begin() starts this epoch at batch number `batch`,
  /// and that one and those after it are what they are in a whole epoch. size() leaves no batch. Throws
  /// ValueError.
  void set_position(std::int64_t epoch, std::int64_t batch);

 private:
  class Source;
  class Epoch;

  std::shared_ptr<const Source> source_;
  std::int64_t epoch_ = 0, first_batch_ = 0;
};

/// One pass over the data; move only.
class FATHOM_EXPORT DataLoader::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  Iterator(const Iterator&) = delete;
  Iterator& operator=(const Iterator&) = delete;
  Iterator(Iterator&&) noexcept;
  Iterator& operator=(Iterator&&) noexcept;
  ~Iterator();
  [[nodiscard]] const Batch& operator*() const { return batch_; }
  /// Number of this batch in its epoch, from 0.
  [[nodiscard]] std::int64_t batch() const { return index_; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& a, std::default_sentinel_t) { return a.index_ >= a.size_; }

 private:
  friend class DataLoader;
  Iterator(std::unique_ptr<Epoch> epoch, std::int64_t first);
  void make();

  std::unique_ptr<Epoch> epoch_;
  std::int64_t index_ = 0, size_ = 0;
  Batch batch_;
};

}  // namespace fathom::nn
