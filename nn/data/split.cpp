// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/split.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include <fathom/core/check.hpp>
#include <fathom/core/random.hpp>

namespace fathom::nn {

namespace {

using Numbers = std::vector<std::int64_t>;

void check_set(std::string_view name, const ImageSet& set) {
  ArgumentCheck check(name);
  check.argument("images", set.images, "(n, ...)").argument("labels", set.labels, "(n)").rank(1).index();
  FATHOM_CHECK(check.hint("image i goes with label i; read both from the same set"),
               set.images.rank() >= 1 && set.images.shape(0) == set.labels.size(), ShapeError,
               "every image needs one label ({} labels)", set.labels.size());
}

/// How many of each class are taken: the rounded share of all together, by largest remainders.
std::vector<std::int64_t> quotas(const std::map<std::int64_t, Numbers>& classes, double share,
                                 std::int64_t total) {
  std::vector<std::int64_t> counts;
  std::vector<double> rests;
  for (const auto& [label, numbers] : classes) {
    const double exact = share * static_cast<double>(numbers.size());
    counts.push_back(static_cast<std::int64_t>(exact));
    rests.push_back(exact - std::floor(exact));
    total -= counts.back();
  }
  std::vector<std::size_t> order(counts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rests[a] > rests[b]; });
  for (std::size_t i = 0; i < order.size() && total > 0; ++i, --total) ++counts[order[i]];
  return counts;
}

}  // namespace

ImageSet select(const ImageSet& set, std::span<const std::int64_t> numbers) {
  check_set("select", set);
  const std::int64_t count = set.labels.size();
  for (const std::int64_t number : numbers) {
    FATHOM_CHECK(ArgumentCheck("select").hint("images are numbered from 0"), number >= 0 && number < count,
                 ValueError, "there must be an image of each number ({} of {} images)", number, count);
  }
  Shape shape = set.images.shape();
  shape[0] = static_cast<std::int64_t>(numbers.size());
  ImageSet part{Array::empty(shape, set.images.dtype()), Array::empty({shape[0]}, DType::int64)};
  const Array labels = set.labels.astype(DType::int64);
  const std::size_t size = count == 0 ? 0 : set.images.byte_size() / static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = static_cast<std::size_t>(numbers[i]);
    if (size != 0)
      std::memcpy(part.images.raw_mutable_data() + i * size, set.images.raw_data() + number * size, size);
    part.labels.mutable_data<std::int64_t>()[i] = labels.data<std::int64_t>()[number];
  }
  return part;
}

Split split(const ImageSet& set, const SplitOptions& options) {
  check_set("split", set);
  FATHOM_CHECK(ArgumentCheck("split").hint("0.1 is a tenth of the images"),
               options.validation >= 0 && options.validation <= 1, ValueError,
               "validation must be a share of the images, 0 ... 1 (it is {})", options.validation);
  const std::int64_t count = set.labels.size();
  const Array order = permutation({options.seed, 0}, count), labels = set.labels.astype(DType::int64);
  std::map<std::int64_t, Numbers>
      classes;  // the numbers of each class in random order; without strata one class
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t number = order.data<std::int64_t>()[i];
    classes[options.stratified ? labels.data<std::int64_t>()[number] : 0].push_back(number);
  }
  const std::vector<std::int64_t> counts =
      quotas(classes, options.validation, std::llround(options.validation * static_cast<double>(count)));
  Numbers train, validation;
  auto quota = counts.begin();
  for (const auto& [label, numbers] : classes) {
    const auto middle = numbers.begin() + *quota++;
    validation.insert(validation.end(), numbers.begin(), middle);
    train.insert(train.end(), middle, numbers.end());
  }
  std::sort(train.begin(), train.end());
  std::sort(validation.begin(), validation.end());
  return {.train = select(set, train), .validation = select(set, validation)};
}

}  // namespace fathom::nn
