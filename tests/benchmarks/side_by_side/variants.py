# SPDX-License-Identifier: BSD-3-Clause
"""Compares Fathom with itself: two threads with one, float64 with float32, in turns."""
import contextlib
import os
import statistics

from contender import AVX2_ALONE, Contender
from op_rows import ROWS

# variant -> (threads, options)
VARIANTS = {"float32": (1, ""), "2 threads": (2, ""), "float64": (1, "--dtype float64")}
# Two threads count as slower below: medians of one thread on an idle core repeat to 1 or 2 %, and this is a ratio of two.
SAME = 0.95


def option(request, name, default):
    words = request.split()
    return words[words.index(name) + 1] if name in words else default


def flops(request):
    """In proportion to the operations of a request, among those of the same op with the same kernel."""
    product = 1
    for size in option(request, "--shape", "").split(","):
        product *= int(size)
    return product * int(option(request, "--out-channels", "1")) / int(option(request, "--stride", "1"))**2


def smallest(row):
    """Of each of the row's ops the request with the fewest operations."""
    of_op = {}
    for request in row.requests:
        of_op.setdefault(request.split()[1], []).append(request)
    return [min(requests, key=flops) for requests in of_op.values()]


def run(setup, pattern, progress=print):
    command = [os.path.join(setup.build, "benchmarks", "bench_ops"), "--stdin"]
    environment = AVX2_ALONE if setup.isa == "avx2" else {}
    with contextlib.ExitStack() as stack:
        # One thread stays on one core; two go where the system has them.
        running = {threads: stack.enter_context(Contender(command, threads, setup.core, environment)) for threads in (1, 2)}
        for threads, contender in running.items():
            contender.ask(f"--op relu --shape 1,1,1,1 --pass forward --repeat 1 --threads {threads}")
            contender.pin()
        for row in ROWS:
            for request in smallest(row) if pattern.search(row.name) else ():
                for which in row.passes:
                    times = {}
                    for _ in range(setup.rounds):
                        for variant, (threads, options) in VARIANTS.items():
                            line = f"{request} --pass {which} --threads {threads} {options} --seconds {setup.seconds}"
                            times.setdefault(variant, []).append(running[threads].ask(line)["median_ms"])
                    result = {"row": row.name, "request": request, "pass": which, "isa": setup.isa,
                              "ms": {variant: round(statistics.median(found), 5) for variant, found in times.items()},
                              "rate": {variant: round(statistics.median([ms / own for ms, own in zip(times["float32"], found)]), 4)
                                       for variant, found in times.items()}}
                    progress(f"{row.name}: {request} {which}: {result['ms']}")
                    yield result
