#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs Fathom's benchmarks side by side with PyTorch's and keeps the results as JSON; see `./dev help`."""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys

import contender
import model_rows
import models
import ops
import weight

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))


def machine():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"cpu": names[0] if names else platform.machine(), "cores": os.cpu_count(), "system": platform.platform(),
            "compiler": subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout.split("\n")[0],
            "date": datetime.date.today().isoformat()}


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


def store(path, setup, results):
    """Puts results in the file, in place of older ones of the same cases."""
    content = load(path)
    content.update(machine=machine(), versions=setup.versions)
    for result in results:
        content["results"] = [old for old in content["results"] if key(old) != key(result)] + [result]
        save(path, content)


def parse(words):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("what", choices=["ops", "models", "growth", "weight"])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="where bench_ops and bench_models are")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs", "performance"), help="folder of the JSON files")
    parser.add_argument("--rows", default="", help="only rows whose name matches this regular expression")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--isa", choices=["best", "avx2"], default="best", help="avx2: limits PyTorch and Fathom to AVX2")
    parser.add_argument("--rounds", type=int, default=3, help="turns that the medians are taken of")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each measurement")
    parser.add_argument("--core", type=int, default=contender.last_core(), help="for one thread")
    parser.add_argument("--torch", default=os.environ.get("FATHOM_TORCH_PYTHON"), help="Python that can import torch")
    parser.add_argument("--torch2", default=os.environ.get("FATHOM_TORCH2_PYTHON"), help="Python with a second PyTorch")
    return parser.parse_args(words)


def find_peers(setup):
    setup.torch, version = contender.python_with_torch([setup.torch, "/usr/bin/python3", "python3"])
    setup.torch2, version2 = contender.python_with_torch([setup.torch2])
    setup.versions = {"torch": version, "torch2": version2}
    if setup.torch:
        print(f"bench: PyTorch {version} of {setup.torch}" + (f", PyTorch {version2} of {setup.torch2}" if setup.torch2 else ""))
    else:
        print("bench: PyTorch is not installed (Debian: apt-get install python3-torch); Fathom is timed alone", file=sys.stderr)


def main():
    setup = parse(sys.argv[1:])
    find_peers(setup)
    suffix = "_avx2" if setup.isa == "avx2" else ""
    path = os.path.join(setup.out, setup.what + suffix + ".json")
    rows = re.compile(setup.rows)
    if setup.what == "ops":
        results = ops.run(setup, rows, setup.threads)
    elif setup.what == "weight":
        results = weight.run(setup)
    else:
        chosen = model_rows.ROWS if setup.what == "models" else model_rows.GROWTH
        results = models.run(setup, chosen, rows, setup.threads)
    store(path, setup, results)


if __name__ == "__main__":
    main()
