# SPDX-License-Identifier: BSD-3-Clause
"""What a program pays for linking Fathom or libtorch, start-up and size, and for each node of a graph."""
import glob
import json
import os
import statistics
import subprocess
import tempfile
import time

from contender import PEERS

RUNS = 11


def start_ms(command):
    """Median time from start to end, after two runs that fill the caches."""
    times = []
    for run in range(RUNS + 2):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times[2:]), 2)


def mb(path):
    return round(os.path.getsize(os.path.realpath(path)) / 1e6, 2)


def libraries_of(path):
    """What the dynamic loader loads for it, itself included."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    found = [line.split("=>")[1].split()[0] for line in listed.splitlines() if "=> /" in line]
    return sorted({os.path.realpath(library) for library in [path, *found]})


def weight_of(program, library):
    """A program that is linked against the library."""
    libraries = libraries_of(library)
    return {"start_ms": start_ms([program]), "library_mb": mb(library), "libraries": len(libraries),
            "all_mb": round(sum(map(mb, libraries)), 2)}


def torch_weight(folder):
    """Debian's libtorch, or None."""
    found = glob.glob("/usr/lib/*/libtorch_cpu.so.*") or glob.glob("/usr/lib/*/libtorch_cpu.so")
    if not found:
        return None
    source, program = os.path.join(folder, "torch.cpp"), os.path.join(folder, "torch")
    with open(source, "w") as file:
        file.write("int main() {}\n")
    subprocess.run(["c++", source, "-o", program, "-Wl,--no-as-needed", found[0], "-Wl,--allow-shlib-undefined"], check=True)
    return weight_of(program, found[0])


def answer_of(setup, command):
    """What a program says that runs on one core."""
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
                            preexec_fn=lambda: os.sched_setaffinity(0, {setup.core}))
    return json.loads(answer.stdout)


def us_per_node(setup, command):
    return round(answer_of(setup, command)["median_us_per_node"], 3)


def limits(setup, progress=print):
    """What one core of the machine can do at most."""
    found = answer_of(setup, [os.path.join(setup.build, "benchmarks", "bench_limits"), "--seconds", str(setup.seconds)])
    progress(f"limits of one core: {found}")
    yield {"row": "limits", **{name: round(value, 1) for name, value in found.items()}}


def run(setup, progress=print):
    built = os.path.join(setup.build, "benchmarks")
    fathom = weight_of(os.path.join(built, "bench_start"), os.path.join(built, "libbench_fathom.so"))
    fathom["us_per_node"] = us_per_node(setup, [os.path.join(built, "bench_graph")])
    result = {"row": "weight", "fathom": fathom, "torch": None, "limits": {"start_ms": 20, "library_mb": 6, "us_per_node": 1}}
    progress(f"a trivial program takes {fathom['start_ms']} ms (limit 20), the stripped shared library {fathom['library_mb']} MB "
             f"(limit 6), a node {fathom['us_per_node']} us (limit 1)")
    if setup.torch:
        with tempfile.TemporaryDirectory() as folder:
            result["torch"] = torch_weight(folder)
        result["import_torch_ms"] = start_ms([setup.torch, "-c", "import torch"])
        result["torch_us_per_node"] = us_per_node(setup, [setup.torch, os.path.join(PEERS, "torch_graph.py")])
    if result["torch"]:
        progress("an empty program with Debian's libtorch takes {start_ms} ms; libtorch_cpu has {library_mb} MB, with all "
                 "{libraries} libraries {all_mb} MB".format(**result["torch"]))
    yield result
