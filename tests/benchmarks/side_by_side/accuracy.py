# SPDX-License-Identifier: BSD-3-Clause
"""Accuracy against wall-clock: one training after the other of the default recipe of examples/040_fashion_mnist.cpp."""
import hashlib
import json
import os
import subprocess
import tempfile

from contender import KEEP_MEMORY, PEERS

SEED = 1
DATA = "/usr/share/datasets/fashion-mnist"
FORMATS = ("nchw", "channels_last")
TRIAL_IMAGES = 6400  # which format is faster


def md5_sums():
    """As md5sum prints them, by the file."""
    if not os.path.isdir(DATA):
        raise SystemExit(f"bench: error: {DATA} does not exist\n  hint: apt-get install dataset-fashion-mnist")
    sums = {}
    for name in sorted(os.listdir(DATA)):
        with open(os.path.join(DATA, name), "rb") as file:
            sums[name] = hashlib.md5(file.read()).hexdigest()
    return sums


def result(row, request, threads, lines):
    return {"row": row, "request": request, "threads": threads, "seed": SEED,
            "epochs": [{"seconds": round(line["seconds"], 2), "accuracy": line["validation_accuracy"]} for line in lines],
            "images_per_s": round(sum(line["images_per_second"] for line in lines) / len(lines))}


def of_fathom(setup, threads):
    request = f"--recipe default --seed {SEED} --threads {threads}" + (f" --limit {setup.limit}" if setup.limit else "")
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log.jsonl")
        command = [os.path.join(setup.build, "examples", "040_fashion_mnist"), *request.split(), "--quiet", "--out", folder, "--log", log]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(log) as file:
            return result("Fathom", request, threads, [json.loads(line) for line in file])


def of_torch(setup, row, python, threads):
    def lines(request):
        answer = subprocess.run([python, os.path.join(PEERS, "torch_fashion_mnist.py"), *request.split()], check=True,
                                stdout=subprocess.PIPE, text=True, env={**os.environ, **KEEP_MEMORY}).stdout
        return [json.loads(line) for line in answer.splitlines()[1:]]

    speed = {memory: lines(f"--epochs 1 --threads {threads} --limit {TRIAL_IMAGES} --format {memory}")[0]["images_per_second"]
             for memory in FORMATS}
    request = f"--seed {SEED} --threads {threads} --format {max(speed, key=speed.get)}" + (f" --limit {setup.limit}" if setup.limit else "")
    return result(row, request, threads, lines(request))


def run(setup, threads, progress=print):
    sums = md5_sums()
    for row, python in (("Fathom", None), ("PyTorch", setup.torch), ("second PyTorch", setup.torch2)):
        if row == "Fathom" or python:
            found = of_fathom(setup, threads) if row == "Fathom" else of_torch(setup, row, python, threads)
            last = found["epochs"][-1]
            progress(f"{row}, default recipe, {threads} threads: {100 * last['accuracy']:.2f} % after {last['seconds']} s")
            yield {**found, "md5": sums}
