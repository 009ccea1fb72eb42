// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/labels.hpp>

#include <vector>

#include <fmt/format.h>

namespace fathom::ops::detail {

std::string element_of(std::string_view name, const Shape& shape, std::int64_t offset) {
  std::vector<std::int64_t> index(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    index[axis] = offset % shape[axis];
    offset /= shape[axis];
  }
  return fmt::format("{}{}", name, to_string(Shape(index)));
}

std::int64_t check_labels(const ArgumentCheck& check, const Array& t, std::int64_t classes,
                          std::optional<std::int64_t> ignore_label, std::string_view hint,
                          std::string_view name) {
  std::int64_t counted = 0;
  dispatch_index(t.dtype(), "labels", [&]<class L>() {
    const L* labels = t.data<L>();
    for (std::int64_t i = 0; i < t.size(); ++i) {
      const std::int64_t label = labels[i];
      if (label == ignore_label) continue;
      ++counted;
      if (label >= 0 && label < classes) continue;
      const std::string ignored = ignore_label ? fmt::format(" or be the ignored {}", *ignore_label) : "";
      check.fail<ValueError>(fmt::format("labels must lie in [0, {}){} ({} is {})", classes, ignored,
                                         element_of(name, t.shape(), i), label),
                             hint);
    }
  });
  return counted;
}

}  // namespace fathom::ops::detail
