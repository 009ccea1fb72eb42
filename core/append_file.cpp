// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/append_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>

namespace fathom {

AppendFile::AppendFile(std::string path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
  if (descriptor_ < 0) detail::fail_write(path_, errno);
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    detail::fail_file(path_, "cannot be written: not a regular file", "name a file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int code = errno;
      // Half a line would spoil the next one too.
      [[maybe_unused]] const int cut = ::ftruncate(descriptor_, static_cast<off_t>(size_));
      detail::fail_write(path_, code);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  size_ += text.size();
}

void AppendFile::cut(std::uint64_t size) {
  const ArgumentCheck check("AppendFile::cut");
  FATHOM_CHECK(check.hint("a file is cut, never made longer"), size <= size_, ValueError,
               "size must not lie beyond the end ({} is {} bytes long, size is {})", path_, size_, size);
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) detail::fail_write(path_, errno);
  size_ = size;
}

}  // namespace fathom
