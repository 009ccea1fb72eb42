// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include <fathom/core/error.hpp>

namespace fathom {

namespace {

/// "Permission denied": the reason of the last system call.
std::string reason(int code) { return std::strerror(code); }

/// A new file beside its target that becomes the target by `commit`, or disappears.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path) : path_(path), target_(resolve(path)) {
    struct stat status {};
    if (::stat(target_.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) detail::fail_write(path_, EISDIR);
      if (!S_ISREG(status.st_mode))
        detail::fail_file(path_, "cannot be written: not a regular file", "name a file");
      if (::access(target_.c_str(), W_OK) != 0) detail::fail_write(path_, errno);
    }
    static std::atomic<unsigned> count{0};
    // A run that was killed may have left its file, and in a container pids repeat.
    do {
      name_ = fmt::format("{}.{}-{}.tmp", target_, ::getpid(), count++);
      descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) detail::fail_write(path_, errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  void write(std::span<const std::byte> contents) {
    while (!contents.empty()) {
      const ssize_t written = ::write(descriptor_, contents.data(), contents.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) detail::fail_write(path_, errno);
      contents = contents.subspan(static_cast<std::size_t>(written));
    }
  }
  void commit() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOSYS) detail::fail_write(path_, errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) detail::fail_write(path_, errno);
    if (::rename(name_.c_str(), target_.c_str()) != 0) detail::fail_write(path_, errno);
    name_.clear();
    sync_directory();
  }

 private:
  /// Makes the renaming last. The file is in place already: a file system that cannot do this is no error.
  void sync_directory() const {
    const std::size_t slash = target_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
  }
  // Renaming onto a symbolic link would replace the link instead of what it names.
  static std::string resolve(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    return real ? std::string(real.get()) : path;
  }

  std::string path_, target_, name_;
  int descriptor_ = -1;
};

/// zlib's inflate state for gzip, released on every way out.
struct Inflater {
  z_stream stream{};
  Inflater() {
    constexpr int kGzip = 16 + MAX_WBITS;
    if (inflateInit2(&stream, kGzip) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

namespace detail {
void fail_file(const std::string& path, std::string_view rule, std::string_view hint) {
  throw IoError(fmt::format("{}: {}\n  hint: {}", path, rule, hint));
}

void fail_write(const std::string& path, int code) {
  std::string_view hint = "choose another place for the output";
  if (code == ENOENT || code == ENOTDIR)
    hint = "its directory does not exist: create it, or choose another place";
  if (code == EACCES || code == EPERM || code == EROFS) hint = "choose a place that this user may write to";
  if (code == ENOSPC || code == EDQUOT) hint = "free some space, or choose another disk";
  if (code == EFBIG) hint = "raise the limit on the size of files (ulimit -f), or choose another disk";
  if (code == EISDIR) hint = "name a file, not a directory";
  fail_file(path, fmt::format("cannot be written: {}", reason(code)), hint);
}
}  // namespace detail

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  const auto fail = [&](int code) {
    const std::string_view hint = code == ENOENT
                                      ? "check the path; relative ones start at the working directory"
                                      : "name a regular file that this user may read";
    detail::fail_file(path_, fmt::format("cannot be read: {}", reason(code)), hint);
  };
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(errno);
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    const int code = !known ? errno : S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    ::close(descriptor_);
    fail(code);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

Bytes InputFile::read(std::uint64_t offset, std::uint64_t count) const {
  if (offset > size_ || count > size_ - offset) {
    detail::fail_file(
        path_,
        fmt::format("is truncated: bytes {} to {} are wanted, it has {}", offset, offset + count, size_),
        "copy or write the file again");
  }
  Bytes bytes(count);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) detail::fail_file(path_, fmt::format("cannot be read: {}", reason(errno)), "check the disk");
    if (got == 0)
      detail::fail_file(path_, "became shorter while it was read", "wait until its writer has finished");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Bytes read_file(const std::string& path) {
  const InputFile file(path);
  return file.read(0, file.size());
}

Bytes gunzip(std::span<const std::byte> packed, const std::string& path) {
  const auto fail = [&](std::string_view what) {
    detail::fail_file(path, what, "copy or download the file again");
  };
  Bytes out;
  Inflater inflater;
  z_stream& stream = inflater.stream;
  // zlib's old interface takes a non-const pointer and does not write through it.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  std::size_t left = packed.size();
  std::size_t done = 0;
  const auto refill = [&] {
    if (stream.avail_in != 0) return;
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(left, std::numeric_limits<uInt>::max()));
    left -= stream.avail_in;
  };
  for (;;) {
    refill();
    if (done == out.size()) out.resize(std::max<std::size_t>(1 << 16, 2 * out.size()));
    const std::size_t room = std::min<std::size_t>(out.size() - done, std::numeric_limits<uInt>::max());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(room);
    const int code = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code == Z_STREAM_END) {
      refill();
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) fail("is corrupt gzip data");
    } else if (code == Z_BUF_ERROR ||
               (code == Z_OK && stream.avail_in == 0 && left == 0 && stream.avail_out != 0)) {
      fail(fmt::format("is truncated gzip data: it ends after {} unpacked bytes", done));
    } else if (code != Z_OK) {
      fail(fmt::format("is corrupt gzip data: {}", stream.msg != nullptr ? stream.msg : "no end"));
    }
  }
  out.resize(done);
  return out;
}

void write_file(const std::string& path, std::span<const std::byte> contents) {
  TemporaryFile file(path);
  file.write(contents);
  file.commit();
}

void require_writable(const std::string& path) { const TemporaryFile file(path); }

}  // namespace fathom
