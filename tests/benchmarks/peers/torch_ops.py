#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Times one pass of an op in PyTorch, with the options and the line of JSON of bench_ops.

With --stdin each line of standard input is a request. Two options are its own: --format and --no-onednn.
Gradients are asked of the kernel itself where PyTorch lets one, without the engine's overhead.
"""
import argparse
import json
import sys

import torch
import torch.nn.functional as F

from measure import measure

aten = torch.ops.aten


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__, exit_on_error=False)
    parser.add_argument("--op", required=True, choices=sorted(PROBLEMS))
    parser.add_argument("--shape", required=True, type=lambda text: [int(size) for size in text.split(",")])
    parser.add_argument("--pass", dest="which", required=True, choices=["forward", "backward_x", "backward_w"])
    parser.add_argument("--out-channels", type=int)
    parser.add_argument("--kernel", type=int)
    parser.add_argument("--stride", type=int)
    parser.add_argument("--pad", type=int)
    parser.add_argument("--dilation", type=int, default=1)
    parser.add_argument("--multiplier", type=int, default=1)
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--bias", action="store_true")
    parser.add_argument("--activation", choices=["none", "relu", "relu6"], default="none")
    parser.add_argument("--residual", action="store_true")
    parser.add_argument("--cover-all", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--format", choices=["nchw", "channels_last"], default="nchw")
    parser.add_argument("--no-onednn", action="store_true", help="PyTorch's own convolutions")
    return parser.parse_args(words)


def random(options, *shape):
    """Normal numbers; images in the format asked for."""
    array = torch.randn(shape, dtype=getattr(torch, options.dtype))
    if len(shape) == 4 and options.format == "channels_last":
        return array.contiguous(memory_format=torch.channels_last)
    return array


def like(options, y):
    return random(options, *y.shape)


def leaf(options, array):
    """In the forward pass everything requires a gradient, as in training."""
    return array.requires_grad_(options.which == "forward")


def convolution(options):
    depthwise = options.op == "depthwise_convolution_2d"
    channels, kernel = options.shape[1], options.kernel or 3
    out = channels * options.multiplier if depthwise else options.out_channels or channels
    groups = channels if depthwise else options.groups
    stride = [options.stride or 1] * 2
    pad = [options.dilation * (kernel - 1) // 2 if options.pad is None else options.pad] * 2
    dilation = [options.dilation] * 2
    x = leaf(options, random(options, *options.shape))
    W = leaf(options, random(options, out, channels // groups, kernel, kernel))
    b = leaf(options, random(options, out)) if options.bias else None

    def forward():
        return F.conv2d(x, W, b, stride, pad, dilation, groups)

    if options.which == "forward":
        return forward
    gy = like(options, forward())
    wanted = [options.which == "backward_x", options.which == "backward_w", False]
    return lambda: aten.convolution_backward(gy, x, W, None, stride, pad, dilation, False, [0, 0], groups, wanted)


def linear(options):
    columns = torch.Size(options.shape[1:]).numel()
    rows, out = options.shape[0], options.out_channels or columns
    x, W = leaf(options, random(options, rows, columns)), leaf(options, random(options, out, columns))
    b = leaf(options, random(options, out)) if options.bias else None
    gy = random(options, rows, out)
    return {"forward": lambda: F.linear(x, W, b), "backward_x": lambda: gy.mm(W),
            "backward_w": lambda: gy.t().mm(x)}[options.which]


def activate(options, y):
    if options.activation == "none":
        return y
    return F.relu_(y) if options.activation == "relu" else F.hardtanh_(y, 0.0, 6.0)


def activation_gradient(options, gy, y):
    if options.activation == "none":
        return gy
    return aten.threshold_backward(gy, y, 0.0) if options.activation == "relu" else aten.hardtanh_backward(gy, y, 0.0, 6.0)


def batch_normalization(options):
    channels = options.shape[1]
    x = leaf(options, random(options, *options.shape))
    gamma, beta = leaf(options, random(options, channels)), leaf(options, random(options, channels))
    residual = leaf(options, random(options, *options.shape)) if options.residual else None
    mean, variance = torch.zeros(channels, dtype=x.dtype), torch.ones(channels, dtype=x.dtype)

    def forward():
        y = F.batch_norm(x, mean, variance, gamma, beta, True, 0.1, 2e-5)
        if residual is not None:
            y = y.add_(residual)
        return activate(options, y)

    if options.which == "forward":
        return forward
    gy, y = random(options, *options.shape), forward()
    saved = aten.native_batch_norm(x, gamma, beta, mean, variance, True, 0.1, 2e-5)[1:]
    wanted = [options.which == "backward_x"] + [options.which == "backward_w"] * 2

    def backward():
        g = activation_gradient(options, gy, y)
        return aten.native_batch_norm_backward(g, x, gamma, mean, variance, *saved, True, 2e-5, wanted)

    return backward


def activation(options):
    x, gy = leaf(options, random(options, *options.shape)), random(options, *options.shape)
    options.activation = options.op
    if options.which == "forward":
        return (lambda: F.relu(x)) if options.op == "relu" else lambda: F.relu6(x)
    return lambda: activation_gradient(options, gy, x)


def add(options):
    x, other = leaf(options, random(options, *options.shape)), leaf(options, random(options, *options.shape))
    if options.which == "forward":
        return lambda: x + other
    return by_engine(options, lambda: x + other, x if options.which == "backward_x" else other)


def by_engine(options, forward, x):
    """The gradient of x through PyTorch's engine, for ops whose backward has no kernel of its own."""
    x.requires_grad_()
    y = forward()
    gy = like(options, y)
    return lambda: torch.autograd.grad(y, x, gy, retain_graph=True)


def pooling(options):
    x = leaf(options, random(options, *options.shape))
    kernel = [options.kernel or 2] * 2
    stride = [options.stride] * 2 if options.stride else kernel
    pad = [options.pad or 0] * 2
    if options.op == "max_pooling_2d":
        if options.which == "forward":
            return lambda: F.max_pool2d(x, kernel, stride, pad, ceil_mode=options.cover_all)
        y, places = aten.max_pool2d_with_indices(x, kernel, stride, pad, [1, 1], options.cover_all)
        gy = like(options, y)
        return lambda: aten.max_pool2d_with_indices_backward(gy, x, kernel, stride, pad, [1, 1], options.cover_all, places)
    if options.which == "forward":
        return lambda: F.avg_pool2d(x, kernel, stride, pad)
    gy = like(options, F.avg_pool2d(x, kernel, stride, pad))
    return lambda: aten.avg_pool2d_backward(gy, x, kernel, stride, pad, False, True, None)


def global_average_pooling(options):
    x = leaf(options, random(options, *options.shape))
    forward = lambda: F.adaptive_avg_pool2d(x, 1).flatten(1)
    return forward if options.which == "forward" else by_engine(options, forward, x)


def softmax_cross_entropy(options):
    x = leaf(options, random(options, *options.shape))
    labels = torch.arange(options.shape[0]) * 7919 % options.shape[1]
    forward = lambda: F.cross_entropy(x, labels)
    return forward if options.which == "forward" else by_engine(options, forward, x)


PROBLEMS = {
    "depthwise_convolution_2d": convolution, "convolution_2d": convolution, "linear": linear,
    "batch_normalization": batch_normalization, "relu": activation, "relu6": activation, "add": add,
    "max_pooling_2d": pooling, "average_pooling_2d": pooling, "global_average_pooling_2d": global_average_pooling,
    "softmax_cross_entropy": softmax_cross_entropy,
}


def prepare(words):
    """Returns a function that measures and describes the result."""
    options = parse(words)
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    with torch.backends.mkldnn.flags(enabled=not options.no_onednn):
        call = PROBLEMS[options.op](options)

    def run():
        runs = {"at_least": options.repeat, "at_most": options.repeat} if options.repeat else {}
        with torch.backends.mkldnn.flags(enabled=not options.no_onednn), torch.set_grad_enabled(options.which == "forward"):
            median, least, count = measure(call, 0 if options.repeat else options.seconds, **runs)
        return {"op": options.op, "pass": options.which, "shape": options.shape, "dtype": options.dtype,
                "threads": options.threads, "format": options.format, "onednn": not options.no_onednn,
                "torch": torch.__version__, "request": " ".join(words), "runs": count,
                "median_ms": median, "min_ms": least}

    return run


def main():
    if sys.argv[1:] != ["--stdin"]:
        print(json.dumps(prepare(sys.argv[1:])()))
        return
    last, run = None, None
    for line in sys.stdin:
        words = line.split()
        try:
            if words != last:
                run = None
                run, last = prepare(words), words
            print(json.dumps(run()), flush=True)
        except (Exception, SystemExit) as error:
            last = None
            print(json.dumps({"error": str(error), "request": line.strip()}), flush=True)


if __name__ == "__main__":
    main()
