// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/image_folder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/png.hpp>
#include <fathom/nn/data/resize.hpp>

namespace fathom::nn {

namespace {

namespace fs = std::filesystem;

/// Names in a directory, sorted, for which `wanted` holds.
template <class Wanted>
std::vector<std::string> sorted_names(const std::string& directory, const Wanted& wanted) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) {
    fathom::detail::fail_file(directory, fmt::format("cannot be read: {}", error.message()),
                              "name a directory with one folder of PNG files for each class");
  }
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries) {
    std::string name = entry.path().filename().string();
    if (name.front() != '.' && wanted(entry)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_png(const fs::directory_entry& entry) {
  std::string extension = entry.path().extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return extension == ".png" && !entry.is_directory();
}

std::string join(const std::string& directory, const std::string& name) {
  return (fs::path(directory) / name).string();
}

/// Planes (channels, h, w) of what read_png returns: one of gray, three of RGB.
Array planes(const Array& pixels, std::int64_t channels) {
  const std::int64_t step = pixels.rank() == 2 ? 1 : pixels.shape(2),
                     count = pixels.shape(0) * pixels.shape(1);
  const bool has_colors = step >= 3;
  Array result = Array::empty({channels, pixels.shape(0), pixels.shape(1)}, DType::uint8);
  const auto* in = pixels.data<std::uint8_t>();
  auto* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i, in += step) {
    if (channels == 1 && has_colors) {
      // ITU-R BT.601's shares in 1/65536, whose sum is 1.
      out[i] = static_cast<std::uint8_t>((19595U * in[0] + 38470U * in[1] + 7471U * in[2] + 32768U) >> 16U);
      continue;
    }
    for (std::int64_t channel = 0; channel < channels; ++channel)
      out[channel * count + i] = in[has_colors ? channel : 0];
  }
  return result;
}

Array read_image(const std::string& path, const ImageFolderOptions& options) {
  const Array image = planes(read_png(path), options.channels);
  return options.size ? resize(image, *options.size) : image;
}

/// All images, read by all threads.
Array read_images(const std::vector<std::string>& paths, const ImageFolderOptions& options) {
  const Array first = read_image(paths.front(), options);
  const std::int64_t height = first.shape(1), width = first.shape(2);
  const auto count = static_cast<std::int64_t>(paths.size());
  Array images = Array::empty({count, options.channels, height, width}, DType::uint8);
  std::byte* out = images.raw_mutable_data();
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::string& path = paths[static_cast<std::size_t>(i)];
      const Array image = i == 0 ? first : read_image(path, options);
      if (image.shape() != first.shape()) {
        fathom::detail::fail_file(
            path,
            fmt::format("has {} x {} pixels (height x width), the first image {} x {}: {}", image.shape(1),
                        image.shape(2), height, width, paths.front()),
            "give ImageFolderOptions::size, to which all are resized");
      }
      std::memcpy(out + static_cast<std::size_t>(i) * image.byte_size(), image.raw_data(), image.byte_size());
    }
  });
  return images;
}

}  // namespace

ImageFolder load_image_folder(const std::string& directory, const ImageFolderOptions& options) {
  ArgumentCheck check("load_image_folder");
  FATHOM_CHECK(check.hint("3 makes gray images RGB, 1 makes coloured ones gray"),
               options.channels == 1 || options.channels == 3, ValueError,
               "channels must be 1 or 3 (it is {})", options.channels);
  if (options.size) check.at_least("size", *options.size, 1, "it is the height and width of all images");
  ImageFolder folder{{}, options.classes, {}};
  if (folder.classes.empty()) {
    folder.classes =
        sorted_names(directory, [](const fs::directory_entry& entry) { return entry.is_directory(); });
  }
  if (folder.classes.empty()) {
    fathom::detail::fail_file(directory, "has no folders", "it needs one folder of PNG files for each class");
  }
  std::vector<std::int64_t> labels;
  for (std::size_t label = 0; label < folder.classes.size(); ++label) {
    const std::string path = join(directory, folder.classes[label]);
    const std::vector<std::string> names = sorted_names(path, is_png);
    if (names.empty()) {
      fathom::detail::fail_file(path, "has no PNG files",
                                "every folder is a class; convert other formats to PNG");
    }
    for (const std::string& name : names) folder.paths.push_back(join(path, name));
    labels.resize(folder.paths.size(), static_cast<std::int64_t>(label));
  }
  folder.set.images = read_images(folder.paths, options);
  folder.set.labels = Array::from(labels, {static_cast<std::int64_t>(labels.size())});
  return folder;
}

}  // namespace fathom::nn
