# SPDX-License-Identifier: BSD-3-Clause
"""Times ops in Fathom and PyTorch, in turns, shape by shape."""
import contextlib
import os
import statistics
import sys

from contender import AVX2_ALONE, KEEP_MEMORY, PEERS, Contender, Failure, paired_ratios, ratio, still_worth
from op_rows import ROWS


def contenders(setup, threads):
    """name -> (command, environment, [setting name, options])"""
    limits = AVX2_ALONE if setup.isa == "avx2" else {}
    result = {"fathom": ([os.path.join(setup.build, "benchmarks", "bench_ops"), "--stdin"], limits)}
    for name, python in (("torch", setup.torch), ("torch2", setup.torch2)):
        if python:
            command = [python, os.path.join(PEERS, "torch_ops.py"), "--stdin"]
            result[name + " keep"] = (command, {**KEEP_MEMORY, **limits})
            if name == "torch":
                result[name + " default"] = (command, limits)
    return result


def settings(row, names):
    """What is timed: (contender, name of the setting, further options)."""
    result = [("fathom", "fathom", "")]
    for name in names:
        if name.endswith(" keep"):
            formats = [("channels_last", "--format channels_last"), ("nchw", "--format nchw")]
            formats += [(f"nchw {variant}", f"--format nchw {variant}") for variant in row.torch_variants]
            result += [(name, f"{name} {label}", options) for label, options in formats]
        elif name.endswith(" default"):
            result.append((name, name, "--format nchw"))
    return result


def run_case(running, timed, request, rounds):
    """setting -> its time in each turn; setting -> its least time; setting -> its last answer"""
    times = {setting: [] for _, setting, _ in timed}
    least, answers = {}, {}
    for turn in range(rounds):
        first = {setting: values[0] for setting, values in times.items() if values}
        for contender, setting, options in timed:
            if turn > 0 and not still_worth(setting, first):
                continue
            try:
                answers[setting] = running[contender].ask(f"{request} {options}".strip())
                times[setting].append(answers[setting]["median_ms"])
                least[setting] = min(answers[setting]["min_ms"], least.get(setting, float("inf")))
            except Failure as failure:
                print(f"bench: {setting}: {failure}", file=sys.stderr)
    return {setting: values for setting, values in times.items() if values}, least, answers


def rates(answer, ms):
    """Of one answer, at the time that counts."""
    return {**{name: round(answer[name] * answer["median_ms"] / ms, 2) for name in ("GFLOP/s", "GB/s")},
            "written": round(answer["written"], 3)}


def best(times, name):
    """The fastest keep setting of a torch: (ms, setting)."""
    kept = [(ms, setting) for setting, ms in times.items() if setting.startswith(name + " keep")]
    return min(kept) if kept else (None, None)


def run(setup, pattern, threads=1, progress=print):
    """Yields a result for each shape and pass of the rows that match."""
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(Contender(command, threads, setup.core, environment))
                   for name, (command, environment) in contenders(setup, threads).items()}
        for contender in running.values():  # until they have started, which would take the others' time
            contender.ask("--op relu --shape 1,1,1,1 --pass forward --repeat 1")
            contender.pin()
        for row in ROWS:
            if not pattern.search(row.name):
                continue
            timed = settings(row, running)
            for request, which in row.cases():
                words = f"{request} --pass {which} --threads {threads} --seconds {setup.seconds}"
                times, least, answers = run_case(running, timed, words, setup.rounds)
                if "fathom" not in times:
                    continue
                ms = {setting: statistics.median(values) for setting, values in times.items()}
                result = {"row": row.name, "request": request, "pass": which, "threads": threads, "isa": setup.isa,
                          "ms": {setting: round(median, 5) for setting, median in ms.items()},
                          "least_ms": {setting: round(ms, 5) for setting, ms in least.items()},
                          "ratio": {setting: round(found, 4) for setting, found in paired_ratios(times).items()},
                          **rates(answers["fathom"], ms["fathom"])}
                progress(describe(result))
                yield result


def ratio_to_best(result, name="torch"):
    """PyTorch's best time by Fathom's."""
    return ratio(result, best(result["ms"], name)[1])


def describe(result):
    found = ratio_to_best(result)
    against = f", {found:.2f} times as fast as PyTorch at its best" if found else ""
    return f"{result['row']}: {result['request']} {result['pass']}: {result['ms']['fathom']:.3f} ms, {result['GFLOP/s']:.1f} GFLOP/s{against}"
