// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/interrupt.hpp>

#include <atomic>

namespace fathom::nn::train {

namespace {

constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};

std::atomic<int> pending{0};
std::atomic<int> scopes{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may write it");

void note_signal(int number) {
  pending = number;
  for (const int each : kSignals) {
    struct sigaction action {};
    ::sigaction(each, nullptr, &action);
    if (action.sa_handler == note_signal) std::signal(each, SIG_DFL);  // another is not the scope's to change
  }
}

}  // namespace

InterruptScope::InterruptScope() : is_outermost_(scopes++ == 0) {
  if (!is_outermost_) return;
  pending = 0;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptScope::~InterruptScope() {
  --scopes;
  if (!is_outermost_) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

int InterruptScope::signal() { return scopes > 0 ? pending.load() : 0; }

std::string_view interrupt_name(int signal) { return signal == SIGINT ? "SIGINT (Ctrl-C)" : "SIGTERM"; }

}  // namespace fathom::nn::train
