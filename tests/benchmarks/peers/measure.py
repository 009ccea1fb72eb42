# SPDX-License-Identifier: BSD-3-Clause
"""Times of single calls, as measure.hpp takes them."""
import statistics
import time


def measure(call, seconds, at_least=5, at_most=2000, warm_up=2):
    """Returns median and minimum in ms, and the number of runs."""
    for _ in range(warm_up):
        call()
    times = []
    end = time.perf_counter() + seconds
    start = time.perf_counter()
    while len(times) < at_least or (len(times) < at_most and start < end):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), min(times), len(times)
