#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Times what a node of PyTorch's graph costs besides its arithmetic, as bench_graph does."""
import json

import torch

from measure import measure

NODES = 1000


def main():
    torch.set_num_threads(1)
    x, one = torch.ones(1, requires_grad=True), torch.ones(1)

    def chain():
        y = x
        for _ in range(NODES):
            y = y + one
        y.backward()

    median, least, _ = measure(chain, 0.3)
    print(json.dumps({"nodes": NODES, "median_us_per_node": 1e3 * median / NODES, "min_us_per_node": 1e3 * least / NODES}))


if __name__ == "__main__":
    main()
