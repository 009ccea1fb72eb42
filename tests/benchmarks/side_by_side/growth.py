# SPDX-License-Identifier: BSD-3-Clause
"""How the cost of a training step grows with the images in it and with the width of the network."""
import models
from tables import NOTHING, number, table

FEW = 64  # images: more than these are not in the fit


def fit(points, first, second):
    """Factors a and b of a * first(x) + b * second(x) that come closest to the points (x, y), in shares of y."""
    rows = [(first(x) / y, second(x) / y) for x, y in points]
    aa, ab, bb = (sum(row[i] * row[k] for row in rows) for i, k in ((0, 0), (0, 1), (1, 1)))
    a1, b1 = (sum(row[i] for row in rows) for i in (0, 1))
    det = aa * bb - ab * ab
    return (a1 * bb - b1 * ab) / det, (b1 * aa - a1 * ab) / det


def furthest(points, curve):
    """The largest distance of a point from the curve, as a share of it."""
    return max(abs(curve(x) / y - 1) for x, y in points)


def lines(results, kind):
    """"Fathom, 1 thread" -> [(batch or width, ms)], and the like of PyTorch."""
    found = {}
    for result in results.of("growth"):
        word, x = result["row"].split()
        if word == kind:
            for name, ms in (("Fathom", result["ms"]["fathom"]), ("PyTorch", models.best(result["ms"])[0])):
                if ms:
                    label = f"{name}, {result['threads']} thread" + "s" * (result["threads"] > 1)
                    found.setdefault(label, []).append((float(x), ms))
    return {label: sorted(points) for label, points in sorted(found.items())}


def is_of_one(label):
    """Small batches run with one thread whatever there are, so that no such formula holds for two."""
    return label.endswith("1 thread")


def batch_table(results):
    """Time for an image, and how much of a step no image pays for."""
    found = lines(results, "batch")
    batches = sorted({x for points in found.values() for x, _ in points if x in (1, 8, FEW) or x > FEW})
    rows = []
    for label, points in found.items():
        few = [point for point in points if point[0] <= FEW]
        fitted = [NOTHING] * 3
        if is_of_one(label) and len(few) > 1:
            fixed, image = fit(few, lambda n: 1, lambda n: n)
            distance = furthest(few, lambda n: fixed + image * n)
            fitted = [number(1e3 * fixed), number(1e3 * image), f"{100 * distance:.0f} %"]
        per_image = {n: 1e3 * ms / n for n, ms in points}
        rows.append([label, *(number(per_image.get(n)) for n in batches), *fitted])
    header = ["", *(f"us an image, batch {n:.0f}" for n in batches), "a, us", "b, us", "off by at most"]
    return table(header, rows) if rows else ""


def width_table(results):
    rows = []
    for label, points in lines(results, "width").items():
        if is_of_one(label) and len(points) > 1:
            a, b = fit(points, lambda w: w, lambda w: w * w)
            distance = furthest(points, lambda w: a * w + b * w * w)
            shares = [f"{100 * a / (a + b * w):.0f} %" for w in (points[0][0], points[-1][0])]
            rows.append([label, number(a), number(b), f"{100 * distance:.0f} %", *shares])
            header = ["", "a, ms", "b, ms", "off by at most", *(f"share of a w, w = {points[i][0]:g}" for i in (0, -1))]
    return table(header, rows) if rows else ""
