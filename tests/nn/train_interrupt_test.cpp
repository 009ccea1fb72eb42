// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/interrupt.hpp>

#include <catch2/catch.hpp>
#include <csignal>

using namespace fathom::nn::train;

namespace {

using Handler = void (*)(int);

Handler handler_of(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

void other(int /*signal*/) {}

}  // namespace

TEST_CASE("the first signal raises a flag, and the second would end the program", "[train][interrupt]") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const Handler before = std::signal(signal, other);
  {
    const InterruptScope scope;
    CHECK_FALSE(InterruptScope::requested());
    {
      const InterruptScope inner;
      REQUIRE(std::raise(signal) == 0);
    }
    CHECK(InterruptScope::requested());
    CHECK(InterruptScope::signal() == signal);
    CHECK(handler_of(SIGINT) == SIG_DFL);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
  }
  CHECK_FALSE(InterruptScope::requested());
  CHECK(handler_of(signal) == other);
  {
    const InterruptScope anew;
    CHECK_FALSE(InterruptScope::requested());
  }
  std::signal(signal, before);
  CHECK(interrupt_name(SIGINT) == "SIGINT (Ctrl-C)");
  CHECK(interrupt_name(SIGTERM) == "SIGTERM");
}

TEST_CASE("a signal that is ignored stays so", "[train][interrupt]") {
  const Handler before = std::signal(SIGINT, SIG_IGN);
  {
    const InterruptScope scope;
    REQUIRE(std::raise(SIGINT) == 0);
    CHECK_FALSE(InterruptScope::requested());
  }
  CHECK(handler_of(SIGINT) == SIG_IGN);
  std::signal(SIGINT, before);
}

TEST_CASE("a signal that was ignored is not the scope's, whatever comes", "[train][interrupt]") {
  const Handler before = std::signal(SIGINT, SIG_IGN);
  {
    const InterruptScope scope;
    REQUIRE(std::raise(SIGTERM) == 0);
    CHECK(InterruptScope::signal() == SIGTERM);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    REQUIRE(handler_of(SIGINT) == SIG_IGN);
    REQUIRE(std::raise(SIGINT) == 0);
    std::signal(SIGINT, other);
  }
  CHECK(handler_of(SIGINT) == other);
  std::signal(SIGINT, before);
}
