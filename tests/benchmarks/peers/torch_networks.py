# SPDX-License-Identifier: BSD-3-Clause
"""The networks of nn/models in PyTorch."""
from torch import nn


def block(inputs, outputs, kernel, stride=1, groups=1, activation=nn.ReLU):
    """Convolution, batch normalization, activation."""
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return layers + ([activation(inplace=True)] if activation else [])


class Network(nn.Module):
    """Convolutions, the mean of each channel, a linear layer."""

    def __init__(self, layers, channels, classes):
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(channels, classes)

    def forward(self, x):
        return self.classify(self.pool(self.features(x)).flatten(1))


def mobilenet_v1(width=1.0, cifar=False, classes=1000):
    def scaled(channels):
        return max(8, int(channels * width))

    inputs = scaled(32)
    layers = block(3, inputs, 3, 1 if cifar else 2)
    for channels, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        outputs = scaled(channels)
        layers += block(inputs, inputs, 3, stride, groups=inputs) + block(inputs, outputs, 1)
        inputs = outputs
    return Network(layers, inputs, classes)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        layers = block(inputs, hidden, 1, activation=nn.ReLU6) if expansion > 1 else []
        layers += block(hidden, hidden, 3, stride, hidden, nn.ReLU6) + block(hidden, outputs, 1, activation=None)
        self.layers = nn.Sequential(*layers)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.is_residual else self.layers(x)


def mobilenet_v2(width=1.0, cifar=False, classes=1000):
    def scaled(channels):
        wanted = channels * width
        nearest = max(8, int(wanted + 4) // 8 * 8)
        return nearest if nearest >= 0.9 * wanted else nearest + 8

    inputs, first = scaled(32), 1 if cifar else 2
    layers = block(3, inputs, 3, first, activation=nn.ReLU6)
    stages = [(1, 16, 1, 1), (6, 24, 2, first), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, channels, count, stride in stages:
        for i in range(count):
            layers.append(InvertedResidual(inputs, scaled(channels), stride if i == 0 else 1, expansion))
            inputs = scaled(channels)
    last = max(1280, scaled(1280))
    return Network(layers + block(inputs, last, 1, activation=nn.ReLU6), last, classes)


def small_cnn(in_channels=1, classes=10):
    def separable(inputs, outputs):
        return [nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs), nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True)]

    layers = [nn.Conv2d(in_channels, 32, 3, 1, 1), nn.ReLU(inplace=True), nn.MaxPool2d(2), *separable(32, 64),
              nn.MaxPool2d(2), *separable(64, 128)]
    return Network(layers, 128, classes)
