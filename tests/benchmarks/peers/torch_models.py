#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Times a network's training steps or inference in PyTorch, with the options and the line of JSON of bench_models.

Its own options say in which setting: --format, --foreach (SGD of all parameters at once), --optimized
(optimize_for_inference, or --frozen alone) and --compiled (torch.compile).
"""
import argparse
import json
import resource
import sys

import torch
import torch.nn.functional as F

import torch_networks
from measure import measure


def rss_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, choices=["mobilenet_v1", "mobilenet_v2", "small_cnn"])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--size", type=int)
    parser.add_argument("--cifar", action="store_true")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mode", choices=["train", "infer"], default="train")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--stdin", action="store_true", help="measure once for each line of standard input, which gives the steps")
    parser.add_argument("--format", choices=["nchw", "channels_last"], default="nchw")
    parser.add_argument("--foreach", action="store_true")
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--optimized", action="store_true")
    parser.add_argument("--compiled", action="store_true")
    return parser.parse_args()


def make(options):
    """The network and a batch of random images with labels."""
    small = options.model == "small_cnn"
    in_channels = 1 if small and not options.cifar else 3
    classes = 10 if small or options.cifar else 1000
    size = options.size or (32 if options.cifar else 28 if small else 224)
    if small:
        model = torch_networks.small_cnn(in_channels, classes)
    else:
        model = getattr(torch_networks, options.model)(options.width, options.cifar, classes)
    images = torch.randn(options.batch, in_channels, size, size)
    if options.format == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    return model, images, torch.arange(options.batch) * 7919 % classes, size


def training_step(options, model, images, labels):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, foreach=options.foreach)
    if options.compiled:
        model = torch.compile(model)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def inference(options, model, images):
    model.eval()
    with torch.no_grad():
        if options.frozen or options.optimized:
            model = torch.jit.freeze(torch.jit.trace(model, images))
        if options.optimized:
            model = torch.jit.optimize_for_inference(model)
        if options.compiled:
            model = torch.compile(model)

    def step():
        with torch.no_grad():
            model(images)

    return step


def main():
    rss_after_import = rss_mib()
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model, images, labels, size = make(options)
    step = training_step(options, model, images, labels) if options.mode == "train" else inference(options, model, images)
    for _ in range(2):  # the profiling executor of TorchScript optimises in the second call
        step()
    for steps in map(int, sys.stdin) if options.stdin else [options.steps]:
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        median, least, _ = measure(step, 0, steps, steps, warm_up=0)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        print(json.dumps({
            "model": options.model, "mode": options.mode, "width": options.width, "size": size, "cifar": options.cifar,
            "batch": options.batch, "threads": options.threads, "torch": torch.__version__, "steps": steps,
            "median_ms": median, "min_ms": least, "images_per_s": options.batch / median * 1e3,
            "peak_rss_mib": rss_mib(), "rss_after_import_mib": rss_after_import,
            "minor_faults_per_step": faults / steps}), flush=True)


if __name__ == "__main__":
    main()
