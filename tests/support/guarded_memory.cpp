// SPDX-License-Identifier: BSD-3-Clause
#include <support/guarded_memory.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace fathom::test {

GuardedMemory::GuardedMemory(std::size_t size, Side side) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t usable = (size + page - 1) / page * page;
  mapped_ = usable + page;
  void* pages = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  pages_ = static_cast<std::byte*>(pages);
  std::byte* const guard = side == Side::start ? pages_ : pages_ + usable;
  data_ = side == Side::start ? pages_ + page : guard - size;
  if (mprotect(guard, page, PROT_NONE) != 0) throw std::bad_alloc();
}

GuardedMemory::~GuardedMemory() { munmap(pages_, mapped_); }

}  // namespace fathom::test
