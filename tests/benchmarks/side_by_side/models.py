# SPDX-License-Identifier: BSD-3-Clause
"""Times networks in Fathom and PyTorch, in turns. Each setting has a process of its own, whose memory is its own."""
import contextlib
import os
import statistics
import sys

from contender import AVX2_ALONE, KEEP_MEMORY, PEERS, Contender, Failure, paired_ratios, ratio, still_worth

# With several threads each setting is timed with one, too, in the same turns: what threads gain is less than what the machine loses or
# gains within an hour.
ALONE = "alone "

# Settings of PyTorch: name -> (own options, environment). The best of those that keep memory is what counts.
TRAINING = {
    "keep channels_last foreach": ("--format channels_last --foreach", KEEP_MEMORY),
    "keep nchw foreach": ("--foreach", KEEP_MEMORY),
    "default": ("", {}),
}
MEMORY = {"channels_last": ("--format channels_last --foreach", {})}
INFERENCE = {
    "keep channels_last optimize_for_inference": ("--format channels_last --optimized", KEEP_MEMORY),
    "keep nchw optimize_for_inference": ("--optimized", KEEP_MEMORY),
    "keep channels_last frozen": ("--format channels_last --frozen", KEEP_MEMORY),
    "default": ("", {}),
}
COMPILED = {"keep channels_last compiled": ("--format channels_last --foreach --compiled", KEEP_MEMORY)}


def commands(setup, row, threads, only):
    """setting -> (command, environment); of PyTorch's settings those that `only` names, if it does."""
    limits = AVX2_ALONE if setup.isa == "avx2" else {}
    options = [*row.options.split(), "--threads", str(threads), "--stdin"]
    result = {"fathom": ([os.path.join(setup.build, "benchmarks", "bench_models"), *options], limits)}
    for torch, python in (("torch", setup.torch), ("torch2", setup.torch2)):
        settings = {**(TRAINING if row.trains else INFERENCE), **(MEMORY if row.memory else {}),
                    **(COMPILED if torch == "torch2" and not setup.no_compile else {})}
        if torch == "torch2":
            settings.pop("default")
        for name, (own, environment) in settings.items() if python else ():
            if only and f"{torch} {name}" not in only:
                continue
            command = [python, os.path.join(PEERS, "torch_models.py"), *options, *own.split()]
            result[f"{torch} {name}"] = (command, {**environment, **limits})
    return result


def run_row(setup, row, threads, only):
    times, answers = {}, {}
    with contextlib.ExitStack() as stack:
        running = {prefix + setting: stack.enter_context(Contender(command, count, setup.core, environment))
                   for prefix, count in (("", threads), (ALONE, 1)) if not prefix or threads > 1
                   for setting, (command, environment) in commands(setup, row, count, only).items()}
        # Two steps before the turns: then all have started, and it is clear how many steps fit.
        steps = {}
        for setting, contender in list(running.items()):
            try:
                steps[setting] = max(2, min(1000, int(setup.seconds * 1e3 / contender.ask("2")["min_ms"])))
                contender.pin()
            except Failure as failure:
                print(f"bench: {setting}: {failure}", file=sys.stderr)
                del running[setting]
        for turn in range(setup.rounds):
            first = {setting: found[0] for setting, found in times.items()}
            for setting, contender in running.items():
                if turn > 0 and not still_worth(setting.removeprefix(ALONE), first):
                    continue
                answers[setting] = contender.ask(str(steps[setting]))
                times.setdefault(setting, []).append(answers[setting]["median_ms"])
    kept = ("multiply_adds", "images_per_s", "peak_rss_mib", "rss_after_import_mib", "minor_faults_per_step", "system_allocations_per_step")
    return {"row": row.name, "request": row.options, "threads": threads, "isa": setup.isa,
            "ms": {setting: round(statistics.median(values), 4) for setting, values in times.items()},
            "ratio": {setting: round(found, 4) for setting, found in paired_ratios(times).items()} if "fathom" in times else {},
            **{name: {setting: round(answer[name], 3) for setting, answer in answers.items() if name in answer} for name in kept}}


def run(setup, rows, pattern, threads, only=(), progress=print):
    """Yields a result for each row that matches."""
    for row in rows:
        if pattern.search(row.name):
            result = run_row(setup, row, threads, only)
            if "fathom" in result["ms"]:
                progress(describe(result))
                yield result


def best(times, torch="torch"):
    """The fastest setting of a torch: (ms, setting)."""
    found = [(ms, setting) for setting, ms in times.items() if setting.startswith(torch + " keep")]
    return min(found) if found else (None, None)


def gain(result, setting):
    """How many times as fast several threads are as one, in the same turns; None where that is not known."""
    ratios = {"fathom": 1, **result.get("ratio", {})}
    alone = ratios.get(ALONE + setting)
    return alone / ratios[setting] if alone else None


def memory_ratio(result, setting="torch channels_last"):
    peaks = result["peak_rss_mib"]
    if setting not in peaks:
        return None
    return (peaks[setting] - result["rss_after_import_mib"][setting]) / peaks["fathom"]


def describe(result):
    _, setting = best(result["ms"])
    against = f", {ratio(result, setting):.2f} times as fast as {setting}" if setting else ""
    return f"{result['row']}, threads: {result['threads']}: {result['ms']['fathom']:.3f} ms{against}"
