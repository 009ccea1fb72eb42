#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Trains the net of examples/040_fashion_mnist.cpp by its default recipe in PyTorch: accuracy against wall-clock.

The first line of JSON tells the setting, with the MD5 sums of the data; each epoch adds one with the fields of
nn::train::JsonLog, the test images in the place of the validation. `seconds` has the time of these evaluations in
it, `training_seconds` has not; reading the data counts in neither. The images are normalised once and for all, before
the clock starts, which Fathom's loader does for each batch. PyTorch's momentum has the rate outside of the velocity,
Fathom's inside; first weights are drawn from the same distributions by another generator.
"""
import argparse
import gzip
import hashlib
import json
import math
import os
import time

import torch
import torch.nn.functional as F
from torch import nn

FILES = {(part, kind): f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")}
MEAN, DEVIATION = 0.2860, 0.3530
LABEL_SMOOTHING = 0.05


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="directory of the four data files")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=0.1, help="highest learning rate of the one cycle")
    parser.add_argument("--format", choices=["nchw", "channels_last"], default="nchw")
    parser.add_argument("--limit", type=int, help="use only so many images of either set")
    return parser.parse_args()


def load(options, part):
    """Images (n, 1, 28, 28), normalised, and labels (n)."""
    def read(kind, header):
        with gzip.open(os.path.join(options.data, FILES[part, kind])) as file:
            return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)

    images = read("images-idx3", 16).reshape(-1, 1, 28, 28)[:options.limit]
    labels = read("labels-idx1", 8)[:options.limit]
    return (images.float() / 255 - MEAN) / DEVIATION, labels.long()


def normal(weight, gain):
    """Deviation sqrt(gain / number of products in an output): 1 is LeCun's, 2 He's."""
    nn.init.normal_(weight, 0, math.sqrt(gain / weight[0].numel()))


def convolution(inputs, outputs, kernel, stride=1, groups=1, gain=1):
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    normal(layer.weight, gain)
    return [layer, nn.BatchNorm2d(outputs, eps=2e-5, momentum=0.1), nn.ReLU(inplace=True)]


def separable(inputs, outputs, stride):
    return convolution(inputs, inputs, 3, stride, groups=inputs) + convolution(inputs, outputs, 1, gain=2)


def make_net():
    classify = nn.Linear(128, 10)
    normal(classify.weight, 1)
    nn.init.zeros_(classify.bias)
    return nn.Sequential(*convolution(1, 24, 3), *separable(24, 64, 2), *separable(64, 64, 1), *separable(64, 128, 2),
                         *separable(128, 128, 1), *separable(128, 128, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), classify)


def no_decay_groups(net):
    """nn::no_decay_groups: weights of convolutions and of the linear layer; biases, batch norm and depthwise filters."""
    decaying = [layer.weight for layer in net.modules()
                if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)]
    return decaying, [p for p in net.parameters() if all(p is not weight for weight in decaying)]


def one_cycle(step, total, peak, warm_up=0.25, start=0.04, end=0):
    """nn::one_cycle."""
    length = warm_up * total
    if step < length:
        return peak * (start + (1 - start) * step / length)
    return peak * (end + (1 - end) * (1 + math.cos(math.pi * (step - length) / (total - length))) / 2)


def evaluate(net, images, labels, batch):
    """Mean loss and share that is right."""
    net.eval()
    loss = correct = 0
    with torch.no_grad():
        for x, t in zip(images.split(batch), labels.split(batch)):
            y = net(x)
            loss += F.cross_entropy(y, t, reduction="sum").item()
            correct += (y.argmax(1) == t).sum().item()
    net.train()
    return loss / len(labels), correct / len(labels)


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    sums = {}
    for name in FILES.values():
        with open(os.path.join(options.data, name), "rb") as file:
            sums[name] = hashlib.md5(file.read()).hexdigest()
    images, labels = load(options, "train")
    test_images, test_labels = load(options, "t10k")
    net = make_net()
    if options.format == "channels_last":
        net = net.to(memory_format=torch.channels_last)
    decaying, plain = no_decay_groups(net)
    optimizer = torch.optim.SGD([{"params": decaying}, {"params": plain, "weight_decay": 0}], options.lr, momentum=0.9,
                                weight_decay=5e-4, foreach=True)
    print(json.dumps({"torch": torch.__version__, "threads": options.threads, "seed": options.seed, "batch": options.batch,
                      "lr": options.lr, "format": options.format, "images": len(labels),
                      "parameters": sum(p.numel() for p in net.parameters()), "md5": sums}), flush=True)

    first_flip = torch.rand(len(labels)) < 0.5  # nn::alternating_flip: each image is flipped in every second epoch
    steps_per_epoch = -(-len(labels) // options.batch)
    step, training_seconds, start = 0, 0, time.perf_counter()
    for epoch in range(1, options.epochs + 1):
        epoch_start = time.perf_counter()
        loss_sum = correct = 0
        for chosen in torch.randperm(len(labels)).split(options.batch):
            x, t = images[chosen], labels[chosen]
            if options.format == "channels_last":
                x = x.contiguous(memory_format=torch.channels_last)
            x = torch.where((first_flip[chosen] ^ (epoch % 2 == 0))[:, None, None, None], x.flip(3), x)
            rate = one_cycle(step, options.epochs * steps_per_epoch, options.lr)
            for group in optimizer.param_groups:
                group["lr"] = rate
            step += 1
            y = net(x)
            loss = F.cross_entropy(y, t, label_smoothing=LABEL_SMOOTHING)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            loss_sum += loss.item() * len(t)
            correct += (y.argmax(1) == t).sum().item()
        epoch_seconds = time.perf_counter() - epoch_start
        training_seconds += epoch_seconds
        test_loss, test_accuracy = evaluate(net, test_images, test_labels, options.batch)
        print(json.dumps({
            "epoch": epoch, "epochs": options.epochs, "step": step, "loss": loss_sum / len(labels),
            "accuracy": correct / len(labels), "learning_rate": rate, "images_per_second": len(labels) / epoch_seconds,
            "seconds": time.perf_counter() - start, "validation_images": len(test_labels), "validation_loss": test_loss,
            "validation_accuracy": test_accuracy, "training_seconds": training_seconds}), flush=True)


if __name__ == "__main__":
    main()
