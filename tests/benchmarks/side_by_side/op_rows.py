# SPDX-License-Identifier: BSD-3-Clause
"""What is compared op by op: rows of the table of results with their shapes and targets."""
from dataclasses import dataclass, field

ALL = ("forward", "backward_x", "backward_w")


@dataclass
class Row:
    name: str
    requests: list              # options of bench_ops without --pass
    passes: tuple = ALL
    lowest: tuple = None        # for each pass: no shape's ratio may be below
    medians: tuple = None       # for each pass: nor the median of the shapes' ratios below
    aims: tuple = None          # for each pass: what is hoped for
    torch_variants: tuple = ()  # further options of torch_ops.py to try

    def cases(self):
        return [(request, which) for request in self.requests for which in self.passes]


def depthwise(shapes, *options):
    return [" ".join([f"--op depthwise_convolution_2d --shape {n},{c},{h},{h}", *options]) for n, c, h in shapes]


def convolution(cases, *options):
    return [" ".join([f"--op convolution_2d --shape {n},{c},{h},{h} --out-channels {out}", *options]) for n, c, out, h in cases]


def images(op, shapes, *options):
    return [" ".join([f"--op {op} --shape {n},{c},{h},{h}", *options]) for n, c, h in shapes]


STRIDE_1 = [(8, 32, 112), (32, 64, 56), (32, 128, 28), (32, 256, 14), (32, 512, 14), (32, 512, 7), (64, 64, 16), (64, 128, 8), (64, 512, 4)]
STRIDE_2 = [(8, 64, 112), (32, 64, 56), (32, 128, 28), (32, 256, 14), (32, 512, 14), (32, 512, 7), (64, 64, 16), (64, 128, 8)]
POINTWISE = [(8, 32, 64, 112), (8, 64, 128, 56), (8, 128, 128, 56), (8, 128, 256, 28), (8, 256, 256, 28), (8, 256, 512, 14),
             (8, 512, 512, 14), (8, 512, 1024, 7), (8, 1024, 1024, 7), (64, 64, 128, 16), (64, 128, 256, 8), (64, 512, 512, 4)]
NORMALIZED = [(8, 32, 112), (32, 64, 56), (32, 128, 28), (32, 512, 14), (64, 64, 16), (64, 128, 8)]

ROWS = [
    Row("depthwise 3x3, stride 1", depthwise(STRIDE_1), lowest=(1.0,) * 3, medians=(1.5, 2.0, 1.7), aims=(2.5, 3, 3.5)),
    Row("depthwise 3x3, stride 2", depthwise(STRIDE_2, "--stride 2"), lowest=(0.95,) * 3, medians=(1.25, 1.55, 1.45),
        aims=(2,) * 3),
    Row("depthwise 3x3, odd widths", depthwise([(32, 256, h) for h in (5, 6, 9, 10, 11, 13)]), lowest=(0.85,) * 3,
        aims=(1.5,) * 3),
    Row("depthwise 5x5", depthwise([(32, 64, 56), (32, 128, 28), (32, 512, 14)], "--kernel 5"), lowest=(1.1, 1.2, 8),
        aims=(2, 2.5, 12)),
    Row("depthwise 3x3, multiplier 2", depthwise([(32, 64, 56), (32, 128, 28), (32, 256, 14)], "--multiplier 2"),
        lowest=(12, 10, 5), aims=(15, 15, 12), torch_variants=("--no-onednn",)),
    Row("pointwise 1x1", convolution(POINTWISE, "--kernel 1"), lowest=(0.9,) * 3, medians=(1.0,) * 3, aims=(1.2,) * 3),
    Row("convolution 3x3, 64 -> 64", convolution([(8, 64, 64, 56), (32, 64, 64, 32)]), lowest=(0.8,) * 3,
        aims=(1.05,) * 3),
    Row("first layers 3x3", convolution([(8, 3, 32, 224)], "--stride 2") + convolution([(128, 1, 32, 28)]),
        passes=("forward", "backward_w"), lowest=(1.5, 1.5), aims=(2.5, 2.5)),
    Row("batch norm + ReLU", images("batch_normalization", NORMALIZED, "--activation relu"),
        passes=("forward", "backward_x"), lowest=(2, 1.5), aims=(3, 2)),
    Row("max pooling 2x2", images("max_pooling_2d", [(128, 32, 28), (128, 64, 14)]), passes=("forward",), lowest=(2,),
        aims=(4,)),
    Row("other ops", images("relu", [(32, 64, 56), (64, 128, 8)]) + images("relu6", [(32, 64, 56)]) +
        images("add", [(32, 64, 56), (64, 128, 8)]) + images("average_pooling_2d", [(128, 32, 28)]) +
        images("global_average_pooling_2d", [(32, 512, 7)]) + images("max_pooling_2d", [(128, 32, 28)]) +
        images("batch_normalization", [(32, 128, 28)], "--activation relu6 --residual") +
        ["--op linear --shape 8,1024 --out-channels 1000", "--op linear --shape 64,1024 --out-channels 1000",
         "--op linear --shape 128,128 --out-channels 10", "--op softmax_cross_entropy --shape 64,1000"],
        passes=("forward", "backward_x")),
]
