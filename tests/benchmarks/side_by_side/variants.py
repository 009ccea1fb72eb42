# SPDX-License-Identifier: BSD-3-Clause
"""Compares Fathom with itself: two threads with one, float64 with float32, in turns."""
import os
import statistics

from contender import AVX2_ALONE, Contender
from op_rows import ROWS

VARIANTS = {"float32": "--threads 1", "2 threads": "--threads 2", "float64": "--threads 1 --dtype float64"}


def smallest(row):
    """The request of the row's ops with the fewest elements in x."""
    def elements(request):
        product = 1
        for size in request.split("--shape ")[1].split()[0].split(","):
            product *= int(size)
        return product

    of_op = {}
    for request in row.requests:
        of_op.setdefault(request.split()[1], []).append(request)
    return [min(requests, key=elements) for requests in of_op.values()]


def run(setup, pattern, progress=print):
    command = [os.path.join(setup.build, "benchmarks", "bench_ops"), "--stdin"]
    with Contender(command, 2, None, AVX2_ALONE if setup.isa == "avx2" else {}) as fathom:
        for row in ROWS:
            for request in smallest(row) if pattern.search(row.name) else ():
                for which in row.passes:
                    times = {}
                    for _ in range(setup.rounds):
                        for variant, options in VARIANTS.items():
                            answer = fathom.ask(f"{request} --pass {which} {options} --seconds {setup.seconds}")
                            times.setdefault(variant, []).append(answer["median_ms"])
                    result = {"row": row.name, "request": request, "pass": which, "isa": setup.isa,
                              "ms": {variant: round(statistics.median(found), 5) for variant, found in times.items()}}
                    progress(f"{row.name}: {request} {which}: {result['ms']}")
                    yield result
