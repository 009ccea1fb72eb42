// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/data/image_folder.hpp>
#include <fathom/nn/data/png.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <span>
#include <string>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Bytes8 = std::vector<std::uint8_t>;

namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

/// boots/{a,b}.png and caps/z.PNG of 1 x 2 pixels: RGB, gray, RGBA; and much that is no image.
struct Folder : TemporaryDirectory {
  Folder() {
    for (const char* name : {"caps", "boots", ".hidden", "boots/sub.png"})
      std::filesystem::create_directory(*this / name);
    nn::write_png(*this / "boots/b.png", Array::from(Bytes8{7, 8}, {1, 2}));
    nn::write_png(*this / "boots/a.png", Array::from(Bytes8{255, 0, 0, 10, 20, 30}, {1, 2, 3}));
    nn::write_png(*this / "caps/z.PNG", Array::from(Bytes8{1, 2, 3, 9, 4, 5, 6, 9}, {1, 2, 4}));
    nn::write_png(*this / "beside.png", Array::from(Bytes8{1}, {1, 1}));
    write_text(*this / "caps/notes.txt", "no image");
    write_text(*this / "caps/.png", "no image");
  }
};

}  // namespace

TEST_CASE("a folder of images has a class for each folder in it", "[image_folder]") {
  const Folder folder;
  const nn::ImageFolder colored = nn::load_image_folder(folder.path());
  CHECK(colored.classes == std::vector<std::string>{"boots", "caps"});
  CHECK(colored.paths ==
        std::vector<std::string>{folder / "boots/a.png", folder / "boots/b.png", folder / "caps/z.PNG"});
  CHECK(identical(colored.set.labels, Array::from<std::int64_t>({0, 0, 1}, {3})));
  CHECK(identical(
      colored.set.images,
      Array::from(Bytes8{255, 10, 0, 20, 0, 30, 7, 8, 7, 8, 7, 8, 1, 4, 2, 5, 3, 6}, {3, 3, 1, 2})));

  const nn::ImageFolder gray = nn::load_image_folder(folder.path(), {.channels = 1});
  CHECK(identical(gray.set.images, Array::from(Bytes8{76, 18, 7, 8, 2, 5}, {3, 1, 1, 2})));
}

TEST_CASE("the classes may be given: some, or in another order", "[image_folder]") {
  const Folder folder;
  const nn::ImageFolder turned = nn::load_image_folder(folder.path(), {.classes = {"caps", "boots"}});
  CHECK(identical(turned.set.labels, Array::from<std::int64_t>({0, 1, 1}, {3})));
  CHECK(nn::load_image_folder(folder.path(), {.classes = {"caps"}}).set.labels.size() == 1);
  CHECK_THROWS_WITH(nn::load_image_folder(folder.path(), {.classes = {"caps", "hats"}}),
                    Contains("hats: cannot be read: No such file or directory\n  hint: "));
}

TEST_CASE("images of several sizes are an error, or resized", "[image_folder]") {
  const Folder folder;
  nn::write_png(folder / "caps/y.png", Array::from(Bytes8{2, 4, 6, 8}, {2, 2}));
  CHECK_THROWS_AS(nn::load_image_folder(folder.path()), IoError);
  CHECK_THROWS_WITH(
      nn::load_image_folder(folder.path()),
      Equals(folder / "caps/y.png" + ": has 2 x 2 pixels (height x width), the first image 1 x 2: " +
             folder / "boots/a.png" + "\n  hint: give ImageFolderOptions::size, to which all are resized"));
  const nn::ImageFolder resized = nn::load_image_folder(folder.path(), {.channels = 1, .size = Pair2{1, 1}});
  CHECK(identical(resized.set.images, Array::from(Bytes8{47, 8, 5, 4}, {4, 1, 1, 1})));
}

TEST_CASE("errors of a folder name what is wrong", "[image_folder]") {
  const Folder folder;
  CHECK_THROWS_WITH(nn::load_image_folder(folder / "missing"),
                    Contains("missing: cannot be read: No such file"));
  CHECK_THROWS_WITH(nn::load_image_folder(folder / "boots/sub.png"),
                    Contains("sub.png: has no folders\n  hint: "));
  CHECK_THROWS_WITH(nn::load_image_folder(folder.path(), {.channels = 4}),
                    Contains("load_image_folder: channels must be 1 or 3 (it is 4)"));
  CHECK_THROWS_AS(nn::load_image_folder(folder.path(), {.size = Pair2{0, 1}}), ValueError);
  write_text(folder / "caps/broken.png", "no image");
  CHECK_THROWS_WITH(nn::load_image_folder(folder.path()), Contains("caps/broken.png: is no PNG file"));
  std::filesystem::create_directory(folder / "empty");
  CHECK_THROWS_WITH(nn::load_image_folder(folder.path()), Contains("empty: has no PNG files\n  hint: "));
}
