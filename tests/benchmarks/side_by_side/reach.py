# SPDX-License-Identifier: BSD-3-Clause
"""How fast an op can be at most: its multiply-adds and its bytes against what the machine does at most."""
import re
import statistics

import op_rows
import ops
from tables import joined, number, table

UNIT = {"KiB": 2**10, "MiB": 2**20}


def rates(limits, what):
    """[(bytes, GB/s)] of "reading" or "copying", in ascending order."""
    found = []
    for name, value in limits.items():
        match = re.fullmatch(rf"GB/s {what} ([0-9.]+) (KiB|MiB)", name)
        if match:
            found.append((float(match[1]) * UNIT[match[2]], value))
    return sorted(found)


def rate(limits, what, size):
    """GB/s for arrays of `size` bytes together: of the largest arrays measured that are no larger, which were no slower."""
    found = rates(limits, what)
    return next((value for bytes, value in reversed(found) if bytes <= size), found[0][1]) if found else None


def memory_ms(limits, size, written):
    """The least time for `size` bytes of which the share `written` is written; None: it is not known how much is."""
    copying = rate(limits, "copying", size)
    reading = max(copying, rate(limits, "reading", size) or 0)
    if written is None:
        return size / reading / 1e6
    # A byte that is written goes with one that is read; what is left is read alone. Writing alone is no faster than copying.
    both = min(1, 2 * written)
    return (both / copying + (1 - both) / reading) * size / 1e6


def peak(limits):
    """GFLOP/s."""
    return limits.get("GFLOP/s avx512") or limits.get("GFLOP/s avx2") or limits.get("GFLOP/s baseline")


def multiply_adds_ms(limits, result, trains):
    """What the multiply-adds of a network's step alone need, about: forward's and, in training, twice as many; None where that is
    not known."""
    forward = result.get("multiply_adds", {}).get("fathom")
    most = peak(limits) if limits else None
    return None if forward is None or most is None else 2e-6 * forward * (3 if trains else 1) / most


def least_times(result):
    """setting -> the least time of all turns: the limits, too, are what the machine does when nobody else is at it."""
    return result.get("least_ms", result["ms"])


def bound_ms(limits, result):
    """What the machine needs for it at least, and no more than was reached."""
    ms = result["ms"]["fathom"]
    written = result.get("written", 0 if result["pass"] == "backward_w" else None)
    bound = max(result["GFLOP/s"] * ms / peak(limits), memory_ms(limits, result["GB/s"] * ms * 1e6, written))
    return min(bound, least_times(result)["fathom"])


def missed(results, limits):
    """(at most < wanted, cells of the table) for each target that is missed."""
    for row in op_rows.ROWS:
        for i, which in enumerate(row.passes):
            found = [result for result in results.of("ops", row=row.name, **{"pass": which}) if ops.best(result["ms"], "torch")[0]]
            if not found:
                continue
            bounds = [bound_ms(limits, result) for result in found]
            shares = [bound / least_times(result)["fathom"] for result, bound in zip(found, bounds)]
            most = [ops.best(least_times(result), "torch")[0] / bound for result, bound in zip(found, bounds)]
            for word, pick, wanted in (("lowest", min, row.lowest), ("median", statistics.median, row.medians)):
                reached = pick([ops.ratio_to_best(result) for result in found])
                if wanted and reached < wanted[i]:
                    yield pick(most) < wanted[i], [
                        f"{row.name}, {which}, {word}", number(reached), wanted[i], number(pick(most)),
                        f"{100 * min(shares):.0f} % to {100 * max(shares):.0f} %"]


def tables(results):
    """Two tables: what the machine does not allow, and what it does."""
    limits = results.one("limits")
    if limits is None or not rates(limits, "copying"):
        return ""
    found = list(missed(results, limits))
    parts = []
    for beyond, title in ((True, "Out of reach on this machine:"), (False, "Within reach, and not reached:")):
        rows = [cells for is_beyond, cells in found if is_beyond == beyond]
        if rows:
            parts += [title, table(["", "reached", "wanted", "at most", "share of what is possible"], rows)]
    return joined(*parts)
