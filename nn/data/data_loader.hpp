// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <iterator>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>

namespace fathom::nn {

struct DataLoaderOptions {
  std::int64_t batch = 64;  ///< images in a batch
  bool shuffle = true;      ///< a new order in each epoch
  bool drop_last = false;   ///< leave out the last batch when it is smaller
  std::uint64_t seed = 1;   ///< of the orders
  std::vector<double> mean = {
      0};  ///< subtracted from the values; one number for all channels, or one for each
  std::vector<double> deviation = {1};  ///< what they are divided by then
};

/// What a loader yields: `for (const auto& [images, labels] : loader)`.
struct Batch {
  Array images;  ///< float32 (n, c, h, w), normalised
  Array labels;  ///< int64 (n)
};

/// Images and labels in batches. One range-for is one epoch, and the next has the next order: it depends on
/// seed and number of the epoch alone. uint8 images are scaled to [0, 1] before mean and deviation are
/// applied.
class FATHOM_EXPORT DataLoader {
 public:
  /// images: uint8 or float32, (n, h, w) for one channel or (n, c, h, w); labels: int64 (n). Keeps both,
  /// uncopied. Throws ShapeError, DTypeError, ValueError.
  DataLoader(Array images, Array labels, DataLoaderOptions options = {});

  class Iterator;
  /// Begins an epoch; the loader must outlive the iterator.
  [[nodiscard]] Iterator begin();
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  /// Batches in an epoch.
  [[nodiscard]] std::int64_t size() const;
  /// Images in an epoch.
  [[nodiscard]] std::int64_t images_per_epoch() const;
  /// Number of the epoch that the next begin() starts; the first is 0.
  [[nodiscard]] std::int64_t epoch() const { return epoch_; }
  /// For going on where an earlier run stopped.
  void set_epoch(std::int64_t epoch);

 private:
  /// The images order[first] ... order[first + count - 1].
  [[nodiscard]] Batch gather(const Array& order, std::int64_t first, std::int64_t count) const;

  Array images_;  // (n, c, h, w)
  Array labels_;
  DataLoaderOptions options_;
  std::vector<float> byte_values_;  // what the 256 bytes become, for each channel
  std::int64_t epoch_ = 0;
};

/// Makes each batch when it is reached.
class FATHOM_EXPORT DataLoader::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  Iterator(const DataLoader& loader, Array order) : loader_(&loader), order_(std::move(order)) { make(); }
  [[nodiscard]] const Batch& operator*() const { return batch_; }
  Iterator& operator++() {
    ++index_;
    make();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& a, std::default_sentinel_t) { return a.index_ >= a.loader_->size(); }

 private:
  void make();

  const DataLoader* loader_;
  Array order_;
  std::int64_t index_ = 0;
  Batch batch_;
};

}  // namespace fathom::nn
