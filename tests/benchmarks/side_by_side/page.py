# SPDX-License-Identifier: BSD-3-Clause
"""Writes the tables of docs/performance.md from the JSON files beside it; what stands around them stays."""
import json
import os
import re
import statistics

import chart
import contender
import growth
import models
import op_rows
import ops
import reach
from model_rows import ROWS as MODEL_ROWS
from tables import NOTHING, joined, number, table, verdict, without_empty_columns
from variants import SAME


class Results:
    """The JSON files of a folder."""

    def __init__(self, folder, page):
        self.folder = folder
        self.link = os.path.relpath(folder, os.path.dirname(os.path.abspath(page)))  # from the page
        self.files = {}
        for name in ("ops", "ops_avx2", "models", "models_avx2", "growth", "variants", "accuracy", "weight", "limits"):
            path = os.path.join(folder, name + ".json")
            if os.path.exists(path):
                with open(path) as file:
                    self.files[name] = json.load(file)

    def of(self, name, **wanted):
        found = self.files.get(name, {"results": []})["results"]
        return [result for result in found if all(result.get(key) == value for key, value in wanted.items())]

    def one(self, name, **wanted):
        return next(iter(self.of(name, **wanted)), None)

    def has(self, name, word):
        """Whether a setting of PyTorch with this word was timed in any case of the file."""
        return any(word in setting.split() for result in self.of(name) for setting in result["ms"])


def setups(content):
    """What each result was recorded with; results that do not say have what older files say for all."""
    about, versions = content.get("machine", {}), content.get("versions", {})
    return [result.get("recorded") or {**about, **versions} for result in content["results"]]


def each(found):
    """What results of a file differ in is listed."""
    return "; ".join(dict.fromkeys(str(value) for value in found if value)) or NOTHING


def machine(results):
    rows = []
    for name, content in results.files.items():
        found = setups(content)
        dates = sorted({setup["date"] for setup in found})
        cpus = [f"{setup['cpu']}, {setup['cores']} cores" + (f", {setup['last_cache']} of last cache" if setup.get("last_cache") else "")
                for setup in found]
        rows.append([f"[{name}.json]({results.link}/{name}.json)", " to ".join(dict.fromkeys([dates[0], dates[-1]])),
                     each(setup.get("commit") for setup in found), each(cpus), each(setup["compiler"] for setup in found),
                     each(setup["torch"] for setup in found), each(setup["torch2"] for setup in found)])
    header = ["results", "date", "commit", "processor", "compiler", "PyTorch", "second PyTorch"]
    return table(*without_empty_columns(header, rows, (2, 5, 6)))


def missing(results):
    """What there are no numbers of, in a sentence."""
    parts = []
    without_avx2 = [row.name for row in op_rows.ROWS if results.of("ops", row=row.name) and not results.of("ops_avx2", row=row.name)]
    if without_avx2:
        parts.append("AVX2 alone: " + "; ".join(without_avx2))
    if not results.of("models_avx2"):
        parts.append("AVX2 alone: networks")
    if not results.has("models", "compiled"):
        parts.append("`torch.compile`")
    if any(results.has(name, "torch2") for name in ("ops", "models")):
        parts += [f"second PyTorch: {word}" for name, word in (("ops", "ops"), ("models", "networks")) if not results.has(name, "torch2")]
    else:
        parts.append("a second PyTorch")
    parts += [word for name, word in (("variants", "two threads and float64 of single ops"), ("accuracy", "accuracy against wall-clock"))
              if not results.of(name)]
    return "Not recorded:\n\n" + "\n".join(f"- {part}" for part in parts) if parts else ""


def ratios(results, name, row, which, torch="torch"):
    found = [ops.ratio_to_best(result, torch) for result in results.of(name, row=row.name, **{"pass": which})]
    return [ratio for ratio in found if ratio is not None]


def summary(results):
    rows = []
    for row in op_rows.ROWS:
        for i, which in enumerate(row.passes):
            found, avx2 = ratios(results, "ops", row, which), ratios(results, "ops_avx2", row, which)
            if not row.lowest or not found:
                continue
            lowest, middle = row.lowest[i], row.medians[i] if row.medians else None
            default = [contender.ratio(result, "torch default") for result in results.of("ops", row=row.name, **{"pass": which})]
            second = ratios(results, "ops", row, which, "torch2")
            rows.append([f"{row.name}, {which}", verdict(min(found), lowest), lowest, verdict(statistics.median(found), middle),
                         middle or NOTHING, row.aims[i], number(statistics.median(default)),
                         verdict(min(avx2), lowest) if avx2 else NOTHING,
                         verdict(statistics.median(avx2), middle) if avx2 else NOTHING,
                         *([number(min(second)), number(statistics.median(second))] if second else [NOTHING] * 2)])
    header = ["op and pass", "lowest", "at least", "median", "at least", "aim", "median, default PyTorch", "lowest, AVX2",
              "median, AVX2", "lowest, second PyTorch", "median, second PyTorch"]
    return table(*without_empty_columns(header, rows, (7, 8, 9, 10)))


def all_ops(results):
    parts = []
    for row in op_rows.ROWS:
        rows = []
        for request in dict.fromkeys(result["request"] for result in results.of("ops", row=row.name)):
            cells = [f"`{request.removeprefix('--op ')}`"]
            for which in row.passes:
                result = results.one("ops", row=row.name, request=request, **{"pass": which})
                cells += ([number(result["ms"]["fathom"]), number(result["GFLOP/s"]), number(ops.ratio_to_best(result)),
                           number(contender.ratio(result, "torch default"))] if result else [NOTHING] * 4)
            rows.append(cells)
        header = ["shape"] + [text for which in row.passes for text in (f"{which}, ms", "GFLOP/s", "ratio", "to default")]
        if rows:
            parts.append(f"### {row.name[0].upper()}{row.name[1:]}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def ratio_of_models(result, torch="torch"):
    if result is None:
        return None
    return contender.ratio(result, models.best(result["ms"], torch)[1])


def networks(results):
    rows = []
    for row in MODEL_ROWS:
        result = results.one("models", row=row.name, threads=1)
        if result is None:
            continue
        ms, setting = models.best(result["ms"])
        default = contender.ratio(result, "torch default")
        cells = [row.name, number(result["ms"]["fathom"]), number(reach.multiply_adds_ms(results.one("limits"), result, row.trains)),
                 number(result["images_per_s"]["fathom"]), number(ms),
                 (setting or NOTHING).removeprefix("torch keep "), verdict(ratio_of_models(result), row.least), row.least, row.aim,
                 number(default) if default else NOTHING,
                 verdict(ratio_of_models(results.one("models_avx2", row=row.name, threads=1)), row.least)]
        rows.append(cells + [number(ratio_of_models(result, "torch2"))])
    header = ["network", "ms", "multiply-adds alone, ms", "images/s", "PyTorch, ms", "its best setting", "ratio", "at least", "aim", "to default",
              "ratio, AVX2", "to second PyTorch"]
    return table(*without_empty_columns(header, rows, (2, 10, 11)))


def two_threads(results):
    rows = []
    for row in MODEL_ROWS:
        one, two = (results.one("models", row=row.name, threads=threads) for threads in (1, 2))
        if one is None or two is None:
            continue
        ms, torch_one = two["ms"]["fathom"], models.best(one["ms"])[0]
        torch_two, setting = models.best(two["ms"])
        least, aim = row.two_threads or (None, NOTHING)
        # Older results were timed with one thread only in another run.
        of_torch = setting and (models.gain(two, setting) or (torch_one and torch_one / torch_two))
        rows.append([row.name, number(ms), verdict(models.gain(two, "fathom") or one["ms"]["fathom"] / ms, least), least or NOTHING, aim,
                     number(of_torch) if of_torch else NOTHING, number(ratio_of_models(two)) if setting else NOTHING])
    return table(["network", "ms with 2 threads", "times as fast as with 1", "at least", "aim", "PyTorch's gain", "ratio"], rows)


def memory(results):
    rows = []
    for row in MODEL_ROWS:
        result = results.one("models", row=row.name, threads=1)
        if result is None:
            continue
        setting = "torch channels_last" if row.memory else (models.best(result["ms"])[1] or "")
        peak = result["peak_rss_mib"].get(setting)
        of_torch = peak - result["rss_after_import_mib"][setting] if peak else None
        least, aim = row.memory or (None, NOTHING)
        rows.append([row.name, number(result["peak_rss_mib"]["fathom"]), number(of_torch),
                     verdict(models.memory_ratio(result, setting), least), least or NOTHING, aim,
                     number(result["minor_faults_per_step"]["fathom"]),
                     number(result["system_allocations_per_step"]["fathom"])])
    return table(["network", "peak, MiB", "PyTorch's without its import, MiB", "ratio", "at least", "aim",
                  "page faults a step", "system allocations a step"], rows)


def variants(results):
    rows = []
    for result in results.of("variants"):
        ms = result["ms"]
        rate = result.get("rate") or {variant: ms["float32"] / taken for variant, taken in ms.items()}  # older results have no turns
        rows.append([f"`{result['request'].removeprefix('--op ')}` {result['pass']}", number(ms["float32"]), number(ms["2 threads"]),
                     verdict(rate["2 threads"], SAME), number(ms["float64"]), verdict(rate["float64"], 0.5)])
    return table(["op", "float32, ms", "2 threads, ms", "times as fast", "float64, ms", "share of float32's rate"], rows)


def accuracy(results):
    found = results.of("accuracy")
    if not found:
        return ""
    by_row = {result["row"]: result for result in found}
    length = max(len(result["epochs"]) for result in found)
    header = ["epoch"] + [f"{row}, {what}" for row in by_row for what in ("s", "accuracy, %")]
    rows = [[i + 1] + [cell for result in by_row.values() for cell in
                       (number(result["epochs"][i]["seconds"]), f"{100 * result['epochs'][i]['accuracy']:.2f}")] for i in range(length)]
    settings = [[row, f"`{result['request']}`", result["seed"], result["images_per_s"]] for row, result in by_row.items()]
    sums = [[f"`{name}`", f"`{md5}`"] for name, md5 in found[0]["md5"].items()]
    return "\n\n".join([table(header, rows), table(["", "options", "seed", "images/s in training"], settings), table(["data", "MD5"], sums)])


def limits(results):
    """Two tables: what one core does at most in arithmetic, and with memory."""
    found = results.one("limits") or {}
    peaks = [[name.removeprefix("GFLOP/s "), number(value)] for name, value in found.items() if name.startswith("GFLOP/s ")]
    sizes = dict.fromkeys(name.split(" ", 2)[2] for name in found if name.startswith("GB/s "))
    rows = [[size, *(number(found.get(f"GB/s {what} {size}")) for what in ("reading", "copying"))] for size in sizes]
    header = ["arrays of, together", "reading, GB/s", "copying, GB/s"]
    return joined(table(["multiply-adds with", "GFLOP/s"], peaks) if peaks else "",
                  table(*without_empty_columns(header, rows, (1,))) if rows else "")


def mb(side, name):
    """MB; older files have MiB."""
    if f"{name}_mb" in side:
        return number(side[f"{name}_mb"])
    return number(side[f"{name}_mib"] * 2**20 / 1e6) if f"{name}_mib" in side else NOTHING


def weight(results):
    result = results.one("weight")
    if result is None:
        return ""
    fathom, torch, limits = result["fathom"], result["torch"] or {}, result["limits"]
    largest = limits.get("library_mb", limits.get("library_mib"))
    rows = [["start to end of a trivial program, ms", number(fathom["start_ms"]), f"under {limits['start_ms']}", number(torch.get("start_ms"))],
            ["library, MB", mb(fathom, "library"), f"under {largest}", mb(torch, "library")],
            ["libraries that the loader loads", fathom["libraries"], NOTHING, torch.get("libraries", NOTHING)],
            ["all of them, MB", mb(fathom, "all"), NOTHING, mb(torch, "all")],
            ["a node, forward and backward, us", number(fathom["us_per_node"]), f"under {limits['us_per_node']}",
             f"{number(result['torch_us_per_node'])} (Python)" if "torch_us_per_node" in result else NOTHING],
            ["`import torch`, ms", NOTHING, NOTHING, number(result.get("import_torch_ms"))]]
    return table(["", "Fathom", "wanted", "libtorch of Debian"], rows)


def charts(results):
    """Writes the pictures and returns the lines that show them."""
    bars = [(row.name, ratio_of_models(results.one("models", row=row.name, threads=1)), row.least) for row in MODEL_ROWS]
    bars = [bar for bar in bars if bar[1]]
    pictures = {"models.svg": chart.bars("PyTorch's best time / Fathom's, 1 thread; the marks are to be reached", bars)} if bars else {}
    for kind, label in (("batch", "images in a step of small_cnn"), ("width", "width of MobileNetV1, 32 x 32, batch 64")):
        lines = growth.lines(results, kind)
        if lines:
            first = next(iter(lines.values()))
            pictures[f"growth_{kind}.svg"] = chart.lines(label, "ms a training step", lines, proportional=first[len(first) // 2])
    curves = {result["row"]: [(epoch["seconds"], 100 * epoch["accuracy"]) for epoch in result["epochs"]] for result in results.of("accuracy")}
    if curves:
        pictures["accuracy.svg"] = chart.lines("seconds since the start", "test accuracy, %", curves, logarithmic=False)
    for name, picture in pictures.items():
        with open(os.path.join(results.folder, name), "w") as file:
            file.write(picture)
    return {name: f"![{name}]({results.link}/{name})" for name in pictures}


def write(folder, path):
    """Replaces what stands between <!-- name --> and <!-- /name -->; a page need not have all of them."""
    results = Results(folder, path)
    pictures = charts(results)
    parts = {"machine": machine(results), "missing": missing(results), "limits": limits(results), "chart": pictures.get("models.svg", ""),
             "models": networks(results), "threads": two_threads(results), "memory": memory(results),
             "accuracy": joined(pictures.get("accuracy.svg"), accuracy(results)),
             "growth": joined(*(line for name, line in pictures.items() if name.startswith("growth"))),
             "growth_batch": growth.batch_table(results), "growth_width": growth.width_table(results),
             "summary": summary(results), "variants": variants(results), "weight": weight(results), "reach": reach.tables(results),
             "ops": all_ops(results)}
    with open(path) as file:
        text = file.read()
    for name in re.findall(r"<!-- (\w+) -->", text):
        if name not in parts:
            raise SystemExit(f"bench: error: {path} has <!-- {name} -->, which is no part of a page\n  hint: parts: {', '.join(parts)}")
        part = parts[name] + "\n" if parts[name] else ""
        text, found = re.subn(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda match: f"{match[1]}{part}{match[2]}", text, flags=re.S)
        if found != 1:
            raise SystemExit(f"bench: error: {path} needs one pair of <!-- {name} --> and <!-- /{name} -->")
    with open(path, "w") as file:
        file.write(text)
    print(f"bench: wrote {path}")
