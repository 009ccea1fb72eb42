# SPDX-License-Identifier: BSD-3-Clause
"""What is compared model by model, with the targets of the table of results."""
from dataclasses import dataclass


@dataclass
class Row:
    name: str
    options: str         # of bench_models, without threads
    least: float = None             # ratio to PyTorch at its best
    aim: float = None
    two_threads: tuple = None       # how much faster two threads must be than one, and what is hoped for
    memory: tuple = None            # the same for the ratio of peak memories

    @property
    def trains(self):
        return "--mode infer" not in self.options

    @property
    def batch(self):
        words = self.options.split()
        return int(words[words.index("--batch") + 1])


ROWS = [
    Row("MobileNetV1, 224, training, batch 8", "--model mobilenet_v1 --batch 8", 1.15, 1.4, (1.7, 1.9), (1.1, 1.7)),
    Row("MobileNetV1 0.25, 224, training, batch 8", "--model mobilenet_v1 --width 0.25 --batch 8", 1.8, 2.4),
    Row("MobileNetV1, 32, training, batch 64", "--model mobilenet_v1 --cifar --batch 64", 1.3, 1.6),
    Row("MobileNetV1 0.25, 32, training, batch 64", "--model mobilenet_v1 --width 0.25 --cifar --batch 64", 1.8, 2.4),
    Row("MobileNetV2, 224, training, batch 8", "--model mobilenet_v2 --batch 8", 1.4, 1.9),
    Row("MobileNetV2, 32, training, batch 64", "--model mobilenet_v2 --cifar --batch 64", 1.4, 1.9),
    Row("small_cnn, training, batch 128", "--model small_cnn --batch 128", 2, 3, (1.5, 1.8)),
    Row("small_cnn, training, batch 1", "--model small_cnn --batch 1", 4, 10),
    Row("MobileNetV1, 224, inference, batch 1", "--model mobilenet_v1 --batch 1 --mode infer", 0.95, 1.1),
    Row("MobileNetV2, 224, inference, batch 1", "--model mobilenet_v2 --batch 1 --mode infer", 1.1, 1.5),
    Row("small_cnn, inference, batch 1", "--model small_cnn --batch 1 --mode infer", 3, 10),
]

# How cost grows.
GROWTH = [
    *[Row(f"batch {batch}", f"--model small_cnn --batch {batch}") for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256)],
    *[Row(f"width {width}", f"--model mobilenet_v1 --cifar --batch 64 --width {width}") for width in (0.25, 0.5, 0.75, 1.0)],
]
