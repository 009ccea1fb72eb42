// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include <fathom/core/export.hpp>

namespace fathom {

/// How many threads an operation may use; at least 1, else ValueError. The results have the same bits for any
/// number.
FATHOM_EXPORT void set_num_threads(int threads);
/// Default: OMP_NUM_THREADS, else the number of cores that the process may use.
[[nodiscard]] FATHOM_EXPORT int num_threads();

namespace detail {
using LoopBody = void (*)(void* context, std::int64_t begin, std::int64_t end);
FATHOM_EXPORT void parallel_for(std::int64_t count, std::int64_t grain, int threads, void* context,
                                LoopBody body);

/// How many pieces parallel_for makes.
[[nodiscard]] std::int64_t piece_count(std::int64_t count, std::int64_t grain, int threads);

/// For tests: as long as one lives, pieces may be as small as one item, so that small data is shared out too.
class FineGrain {
 public:
  FineGrain();
  FineGrain(const FineGrain&) = delete;
  FineGrain& operator=(const FineGrain&) = delete;
  ~FineGrain();
};
/// How many loops have been cut in pieces so far.
[[nodiscard]] std::int64_t shared_loops();
}  // namespace detail

/// Within its lifetime parallel_for on this thread runs serially: for threads of one's own, which should add
/// none to those that compute.
class FATHOM_EXPORT SerialScope {
 public:
  SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;
  ~SerialScope();

 private:
  bool outer_;
};

/// Calls `body(begin, end)` for contiguous pieces of [0, count), each of at least `grain` items, one for each
/// thread. Runs serially when there is one piece, inside another parallel_for, in a SerialScope, and while
/// another thread of the program has the workers. An exception from a piece reaches the caller (the first
/// piece's, if several throw). A reduction must not depend on the pieces: cut it into blocks of fixed size
/// and let `count` be the number of blocks. `threads` is for callers that must know how many pieces there can
/// be, since num_threads() may change meanwhile.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body&& body, int threads = num_threads()) {
  using Plain = std::remove_reference_t<Body>;
  detail::parallel_for(count, grain, threads, const_cast<void*>(static_cast<const void*>(&body)),
                       [](void* context, std::int64_t begin, std::int64_t end) {
                         (*static_cast<Plain*>(context))(begin, end);
                       });
}

}  // namespace fathom
