#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs Fathom's benchmarks side by side with PyTorch's, keeps the results as JSON and writes them into the page.

ops       one pass of one op after the other
models    training steps and inference, with one and two threads
growth    how the cost of a training step grows with batch and width, with one and two threads
variants  ops in float64 and with two threads, against float32 and one
accuracy  the default recipe of 040_fashion_mnist to its end, with two threads: accuracy against wall-clock
weight    start-up of a trivial program, size of the library, cost of a node of the graph
limits    what one core of the machine can do at most
page      only the tables and charts of the page
all       all of these; ops and models again limited to AVX2
"""
import argparse
import datetime
import glob
import json
import os
import platform
import re
import subprocess
import sys

import accuracy
import contender
import model_rows
import models
import ops
import page
import variants
import weight

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))


def commit():
    """Of the sources that are measured, "changed" where they are not those of the commit; None outside of a repository."""
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True)

    named = git("rev-parse", "--short", "HEAD")
    if named.returncode != 0:
        return None
    # What this program writes itself changes nothing.
    is_changed = git("diff", "--quiet", "HEAD", "--", ".", ":!docs").returncode != 0
    return named.stdout.strip() + (", changed" if is_changed else "")


def last_cache():
    """Size of the last cache, such as "32 MiB", or None."""
    sizes = {}
    for folder in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*"):
        try:
            with open(os.path.join(folder, "level")) as level, open(os.path.join(folder, "size")) as size:
                sizes[int(level.read())] = int(size.read().strip().removesuffix("K"))
        except (OSError, ValueError):
            continue
    return f"{sizes[max(sizes)] / 1024:g} MiB" if sizes else None


def machine():
    with open("/proc/cpuinfo") as file:
        found = dict(re.findall(r"^(model name|cpu family|model|flags)\s*: (.*)$", file.read(), re.M))
    sets = [name for name in ("avx2", "avx512f") if name in found.get("flags", "").split()]
    name = f"{found.get('model name', platform.machine())} (family {found.get('cpu family')}, model {found.get('model')}; {', '.join(sets)})"
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    return {"cpu": name, "cores": os.cpu_count(), "last_cache": last_cache(), "system": platform.platform(), "compiler": compiler}


def load(path):
    if not os.path.exists(path):
        return {"results": []}
    with open(path) as file:
        return json.load(file)


def save(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def key(result):
    return [result.get(name) for name in ("row", "request", "pass", "threads", "isa")]


def store(path, setup, results, whole=False):
    """Puts results in the file, in place of older ones of the same cases, one by one: a run may be cut short. Each says what it was
    recorded with; "machine" and "versions" of the whole file, which older files have, stay as long as a result relies on them. At
    the end of a `whole` run cases that it had no more are dropped."""
    recorded = {"date": datetime.date.today().isoformat(), "commit": commit(), **machine(), **setup.versions}
    content = load(path)
    stored = []
    for result in results:
        stored.append(key(result))
        result = {**result, "recorded": recorded}
        places = [i for i, old in enumerate(content["results"]) if key(old) == key(result)]
        if places:
            content["results"][places[0]] = result
        else:
            content["results"].append(result)
        save(path, tidy(content))
    if whole and stored:
        kinds = {tuple(of_case[3:]) for of_case in stored}  # threads and isa: others have runs of their own
        content["results"] = [result for result in content["results"] if key(result) in stored or tuple(key(result)[3:]) not in kinds]
        save(path, tidy(content))


def tidy(content):
    return {"results": content["results"]} if all("recorded" in result for result in content["results"]) else content


def parse(words):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ops", "models", "growth", "variants", "accuracy", "weight", "limits", "page", "all"])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="where the benchmarks have been built")
    parser.add_argument("--out", help="folder of the JSON files and charts (default: docs/performance)")
    parser.add_argument("--page", help="whose tables are replaced (default: docs/performance.md, with --out none)")
    parser.add_argument("--rows", default="", help="only rows whose name matches this regular expression")
    parser.add_argument("--threads", type=lambda word: [int(part) for part in word.split(",")], help="default: 1; networks 1,2")
    parser.add_argument("--isa", choices=["best", "avx2"], default="best", help="avx2: limits PyTorch and Fathom to AVX2")
    parser.add_argument("--rounds", type=int, default=3, help="turns that the medians are taken of")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each measurement (networks: at least 2 steps)")
    parser.add_argument("--core", type=int, default=contender.last_core(), help="for one thread")
    parser.add_argument("--torch", default=os.environ.get("FATHOM_TORCH_PYTHON"), help="Python that can import torch")
    parser.add_argument("--torch2", default=os.environ.get("FATHOM_TORCH2_PYTHON"), help="Python with a second PyTorch")
    parser.add_argument("--limit", type=int, help="accuracy: use only so many images")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile, which takes a minute for a network")
    setup = parser.parse_args(words)
    setup.rows = re.compile(setup.rows)
    if setup.out is None:
        setup.out = os.path.join(ROOT, "docs", "performance")
        setup.page = setup.page or os.path.join(ROOT, "docs", "performance.md")
    return setup


def find_peers(setup):
    setup.torch, version = contender.python_with_torch([setup.torch] if setup.torch else ["/usr/bin/python3", "python3"])
    setup.torch2, version2 = contender.python_with_torch([setup.torch2] if setup.torch2 else [])
    setup.versions = {"torch": version, "torch2": version2}
    if setup.torch:
        print(f"bench: PyTorch {version} of {setup.torch}" + (f", PyTorch {version2} of {setup.torch2}" if setup.torch2 else ""))
    else:
        print("bench: PyTorch is not installed (Debian: apt-get install python3-torch libopenblas0-pthread): Fathom is timed "
              "alone", flush=True)


def measure(setup, what):
    path = os.path.join(setup.out, what + ("_avx2" if setup.isa == "avx2" else "") + ".json")
    whole = setup.rows.pattern == ""
    if what == "limits":
        store(path, setup, weight.limits(setup))
    elif what == "weight":
        store(path, setup, weight.run(setup))
    elif what == "variants":
        store(path, setup, variants.run(setup, setup.rows), whole)
    elif what == "accuracy":
        for threads in setup.threads or [2]:
            store(path, setup, accuracy.run(setup, threads))
    elif what == "ops":
        for threads in setup.threads or [1]:
            store(path, setup, ops.run(setup, setup.rows, threads), whole)
    else:
        rows, only = (model_rows.ROWS, ()) if what == "models" else (model_rows.GROWTH, ["torch keep channels_last foreach"])
        for threads in setup.threads or ([1] if setup.isa == "avx2" else [1, 2]):
            store(path, setup, models.run(setup, rows, setup.rows, threads, only), whole)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    setup = parse(sys.argv[1:])
    if setup.what != "page":
        find_peers(setup)
    for what in ("ops", "models", "growth", "variants", "accuracy", "weight", "limits") if setup.what == "all" else () if setup.what == "page" else (setup.what,):
        measure(setup, what)
    if setup.what == "all":
        setup.isa = "avx2"
        for what in ("ops", "models"):
            measure(setup, what)
    if setup.page:
        page.write(setup.out, setup.page)


if __name__ == "__main__":
    main()
