# SPDX-License-Identifier: BSD-3-Clause
"""What the page says about results that are made up."""
import contextlib
import io
import json
import os
import tempfile
import types
import unittest

import bench
import contender
import growth
import op_rows
import page
import reach
import variants

LEGACY = {"machine": {"cpu": "a processor", "cores": 2, "compiler": "a compiler", "date": "2020-01-02"},
          "versions": {"torch": "1.0", "torch2": None}}
LIMITS = {"row": "limits", "GFLOP/s avx2": 100, "GB/s copying 128 KiB": 100, "GB/s copying 8 MiB": 20, "GB/s reading 128 KiB": 200,
          "GB/s reading 8 MiB": 30}


OF_NETWORKS = {name: {"fathom": 1} for name in ("images_per_s", "peak_rss_mib", "minor_faults_per_step", "system_allocations_per_step")}


def op(row, which, ms, torch, size, written=None, gflops=1.0):
    """A result that moves `size` bytes."""
    result = {"row": row, "request": f"--op some --shape {size}", "pass": which, "threads": 1, "isa": "best",
              "ms": {"fathom": ms, "torch keep nchw": torch, "torch default": torch}, "GFLOP/s": gflops, "GB/s": size / ms / 1e6}
    return result if written is None else {**result, "written": written}


class Folder(unittest.TestCase):
    """Files in a folder of its own, and what the page makes of them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "page.md")

    def put(self, **files):
        for name, content in files.items():
            with open(os.path.join(self.folder, name + ".json"), "w") as file:
                json.dump(content if isinstance(content, dict) else {**LEGACY, "results": content}, file)

    def part(self, *names):
        with open(self.path, "w") as file:
            file.write("".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in names))
        with contextlib.redirect_stdout(io.StringIO()):
            page.write(self.folder, self.path)
        with open(self.path) as file:
            return file.read()


class Page(Folder):
    def test_nothing_stands_where_nothing_is_known(self):
        self.assertEqual(self.part("accuracy", "reach"), "<!-- accuracy -->\n<!-- /accuracy -->\n<!-- reach -->\n<!-- /reach -->\n")

    def test_a_name_that_is_no_part_is_refused(self):
        with self.assertRaisesRegex(SystemExit, "<!-- acuracy -->, which is no part of a page"):
            self.part("acuracy")

    def test_a_pair_that_is_not_closed_is_refused(self):
        with open(self.path, "w") as file:
            file.write("<!-- ops -->\n")
        with self.assertRaisesRegex(SystemExit, "needs one pair of <!-- ops -->"):
            page.write(self.folder, self.path)

    def test_columns_stand_only_where_there_is_something_to_say(self):
        row = op_rows.ROWS[0].name
        self.put(ops=[op(row, "forward", 1, 2, 1e6)])
        self.assertNotIn("AVX2", self.part("summary"))
        self.assertNotIn("second PyTorch", self.part("summary", "machine"))
        self.assertIn("- AVX2 alone: " + row, self.part("missing"))
        self.put(ops_avx2=[op(row, "forward", 1, 2, 1e6)])
        self.assertIn("| lowest, AVX2 | median, AVX2 |", self.part("summary"))
        self.assertNotIn("- AVX2 alone: " + row, self.part("missing"))

    def test_two_threads_may_be_as_slow_as_noise_makes_them(self):
        ms = {"float32": 1, "2 threads": 1 / variants.SAME, "float64": 2}
        self.put(variants=[{"row": "r", "request": "--op some", "pass": "forward", "ms": ms}])
        self.assertNotIn("**", self.part("variants"))
        self.put(variants=[{"row": "r", "request": "--op some", "pass": "forward", "ms": {**ms, "2 threads": 1.1, "float64": 2.1}}])
        self.assertIn("| **0.91** | 2.10 | **0.48** |", self.part("variants"))

    def test_rates_are_of_the_same_turns_where_there_are_any(self):
        result = {"row": "r", "request": "--op some", "pass": "forward", "ms": {"float32": 1, "2 threads": 2, "float64": 3},
                  "rate": {"float32": 1, "2 threads": 1.5, "float64": 0.6}}
        self.put(variants=[result])
        self.assertIn("| 1.00 | 2.00 | 1.50 | 3.00 | 0.60 |", self.part("variants"))

    def test_what_two_threads_gain_is_of_the_same_turns_where_there_are_any(self):
        name = next(row.name for row in page.MODEL_ROWS if row.two_threads == (1.7, 1.9))
        one = {"row": name, "request": "", "threads": 1, "isa": "best", "ms": {"fathom": 10, "torch keep nchw": 20}, **OF_NETWORKS}
        two = {**one, "threads": 2, "ms": {"fathom": 8, "torch keep nchw": 16}}
        self.put(models=[one, two])
        self.assertIn("| 8.00 | **1.25** | 1.7 | 1.9 | 1.25 | 2.00 |", self.part("threads"))
        two["ratio"] = {"torch keep nchw": 2, "alone fathom": 1.8, "alone torch keep nchw": 3}
        self.put(models=[one, two])
        self.assertIn("| 8.00 | 1.80 | 1.7 | 1.9 | 1.50 | 2.00 |", self.part("threads"))

    def test_sizes_are_in_mb(self):
        old = {"start_ms": 4, "library_mib": 5.5, "libraries": 8, "all_mib": 10, "us_per_node": 0.5}
        self.put(weight=[{"row": "weight", "fathom": old, "torch": None, "limits": {"start_ms": 20, "library_mib": 6, "us_per_node": 1}}])
        self.assertIn("| library, MB | 5.77 | under 6 |", self.part("weight"))
        new = {"start_ms": 4, "library_mb": 5.77, "libraries": 8, "all_mb": 10.5, "us_per_node": 0.5}
        self.put(weight=[{"row": "weight", "fathom": new, "torch": None, "limits": {"start_ms": 20, "library_mb": 6, "us_per_node": 1}}])
        self.assertIn("| library, MB | 5.77 | under 6 |", self.part("weight"))


class Recorded(Folder):
    def test_a_result_keeps_what_it_was_recorded_with(self):
        self.put(ops=[op("a", "forward", 1, 2, 1e6), op("b", "forward", 1, 2, 2e6)])
        path = os.path.join(self.folder, "ops.json")
        bench.store(path, types.SimpleNamespace(versions={"torch": "2.0", "torch2": None}), [op("a", "forward", 3, 2, 1e6)])
        with open(path) as file:
            content = json.load(file)
        self.assertEqual(content["machine"], LEGACY["machine"])
        self.assertEqual([result["ms"]["fathom"] for result in content["results"]], [3, 1])
        self.assertNotIn("recorded", content["results"][1])
        recorded = content["results"][0]["recorded"]
        self.assertEqual(recorded["torch"], "2.0")
        self.assertIn("commit", recorded)
        text = self.part("machine")
        self.assertIn(f"2020-01-02 to {recorded['date']}", text)
        self.assertIn("| 2.0; 1.0 |", text)
        # Once all results say it themselves the file does not.
        bench.store(path, types.SimpleNamespace(versions={"torch": "2.0", "torch2": None}), [op("b", "forward", 1, 2, 2e6)])
        with open(path) as file:
            self.assertEqual(list(json.load(file)), ["results"])


    def test_a_whole_run_drops_what_is_measured_no_more(self):
        self.put(ops=[op("a", "forward", 1, 2, 1e6), op("b", "forward", 1, 2, 2e6), {**op("b", "forward", 1, 2, 2e6), "threads": 2}])
        path = os.path.join(self.folder, "ops.json")
        for whole, left in ((False, 3), (True, 2)):
            bench.store(path, types.SimpleNamespace(versions={}), [op("a", "forward", 3, 2, 1e6)], whole)
            with open(path) as file:
                results = json.load(file)["results"]
            self.assertEqual(len(results), left)
        self.assertEqual([result["threads"] for result in results], [1, 2])


class Reach(Folder):
    def test_rates_are_those_of_the_largest_arrays_that_are_no_larger(self):
        self.assertEqual([reach.rate(LIMITS, "copying", size) for size in (1, 2**20, 8 * 2**20, 1e9)], [100, 100, 20, 20])
        self.assertIsNone(reach.rate({}, "copying", 1))

    def test_what_is_written_goes_with_what_is_read(self):
        for written, ms in ((0.5, 1e9 / 20e6), (0, 1e9 / 30e6), (0.25, 0.5e9 / 20e6 + 0.5e9 / 30e6), (0.8, 1e9 / 20e6), (None, 1e9 / 30e6)):
            self.assertAlmostEqual(reach.memory_ms(LIMITS, 1e9, written), ms)

    def test_older_limits_have_no_rate_of_reading(self):
        old = {name: value for name, value in LIMITS.items() if "reading" not in name}
        self.assertAlmostEqual(reach.memory_ms(old, 1e9, 0), 1e9 / 20e6)

    def test_an_op_takes_no_less_than_its_arithmetic_nor_more_than_it_took(self):
        self.assertAlmostEqual(reach.bound_ms(LIMITS, op("r", "forward", 10, 1, 1e3, 0.5, gflops=50)), 5)
        self.assertAlmostEqual(reach.bound_ms(LIMITS, op("r", "forward", 1, 1, 1e9, 0.5)), 1)

    def test_what_is_at_most_is_of_the_least_times(self):
        row = next(row for row in op_rows.ROWS if row.medians == (1.5, 2.0, 1.7))
        result = op(row.name, "forward", 1, 1.2, 8 * 2**20, 0.5)
        result["least_ms"] = {setting: ms / 2 for setting, ms in result["ms"].items()}
        self.put(limits=[LIMITS], ops=[result])
        self.assertIn(f"| {row.name}, forward, median | 1.20 | 1.5 | 1.43 | 84 % to 84 % |", self.part("reach"))

    def test_the_multiply_adds_of_a_step_are_those_of_forward_and_twice_as_many(self):
        counted = {"multiply_adds": {"fathom": 5e7}}
        self.assertAlmostEqual(reach.multiply_adds_ms(LIMITS, counted, trains=False), 1)
        self.assertAlmostEqual(reach.multiply_adds_ms(LIMITS, counted, trains=True), 3)
        self.assertIsNone(reach.multiply_adds_ms(LIMITS, {}, trains=True))
        self.assertIsNone(reach.multiply_adds_ms(None, counted, trains=True))
        self.assertIn("| 3.00 |", self.networks(counted))
        self.assertNotIn("multiply-adds", self.networks({}))

    def networks(self, counted):
        self.put(limits=[LIMITS], models=[{"row": page.MODEL_ROWS[1].name, "request": "", "threads": 1, "isa": "best", "ms": {"fathom": 4},
                                           **OF_NETWORKS, **counted}])
        return self.part("models")

    def test_rows_are_sorted_by_what_is_at_most(self):
        row = next(row for row in op_rows.ROWS if row.medians == (1.5, 2.0, 1.7))
        size = 8 * 2**20  # 0.42 ms copying, 0.28 ms reading
        self.put(limits=[LIMITS], ops=[op(row.name, "forward", 0.5, 0.6, size, 0.5), op(row.name, "backward_x", 0.5, 0.9, size, 0.5),
                                       op(row.name, "backward_w", 0.5, 0.6, size, 0)])
        beyond, within = self.part("reach").split("Within reach, and not reached:")
        self.assertIn("Out of reach on this machine:", beyond)
        self.assertIn(f"| {row.name}, forward, median | 1.20 | 1.5 | 1.43 | 84 % to 84 % |", beyond)
        self.assertNotIn("backward", beyond)
        self.assertIn(f"| {row.name}, backward_x, median | 1.80 | 2.0 | 2.15 |", within)
        self.assertIn(f"| {row.name}, backward_w, median | 1.20 | 1.7 | 2.15 |", within)
        self.assertNotIn("lowest", beyond + within)


class Growth(unittest.TestCase):
    def test_factors_are_found_again(self):
        a, b = growth.fit([(w, 3 * w + 5 * w * w) for w in (0.25, 0.5, 1)], lambda w: w, lambda w: w * w)
        self.assertAlmostEqual(a, 3)
        self.assertAlmostEqual(b, 5)


class Variants(unittest.TestCase):
    def test_the_smallest_request_has_the_fewest_operations(self):
        small = [request for row in op_rows.ROWS for request in variants.smallest(row)]
        self.assertIn("--op linear --shape 128,128 --out-channels 10", small)
        self.assertIn("--op convolution_2d --shape 128,1,28,28 --out-channels 32", small)


class Turns(unittest.TestCase):
    def test_a_ratio_is_of_the_same_turn(self):
        times = {"fathom": [1, 2, 2], "torch keep nchw": [2, 4, 3], "torch default": [5]}  # the machine is slower from the second on
        self.assertEqual(contender.paired_ratios(times), {"torch keep nchw": 2, "torch default": 5})

    def test_results_without_turns_have_the_ratio_of_their_medians(self):
        result = {"ms": {"fathom": 2, "torch default": 5}}
        self.assertEqual(contender.ratio(result, "torch default"), 2.5)
        self.assertIsNone(contender.ratio(result, "torch2 default"))
        self.assertEqual(contender.ratio({**result, "ratio": {"torch default": 3}}, "torch default"), 3)


class OpenBlas(unittest.TestCase):
    AVX512 = ["avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl"]

    def test_a_processor_that_it_does_not_know_gets_its_newest_kernels(self):
        about = "1.13.1 torch/__init__.py OpenBLAS for Prescott"
        self.assertEqual(contender.openblas_core(about, self.AVX512), "SkylakeX")
        self.assertEqual(contender.openblas_core(about, self.AVX512[:2]), "Haswell")
        self.assertIsNone(contender.openblas_core(about, ["sse3"]))

    def test_one_that_it_knows_keeps_what_it_has(self):
        self.assertIsNone(contender.openblas_core("1.13.1 torch/__init__.py OpenBLAS for Zen", self.AVX512))


if __name__ == "__main__":
    unittest.main()
