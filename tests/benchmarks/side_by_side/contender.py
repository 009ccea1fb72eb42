# SPDX-License-Identifier: BSD-3-Clause
"""Programs that answer each line of standard input with a line of JSON."""
import json
import os
import shutil
import statistics
import subprocess

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers")

# glibc gives large blocks back to the system at once and takes page faults to get them again; PyTorch has no pool of its own.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "67108864"}
AVX2_ALONE = {"FATHOM_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
              "OPENBLAS_CORETYPE": "Haswell"}


class Failure(Exception):
    pass


class Contender:
    """A process; with one thread it stays on one core, the same for all, once all have started."""

    def __init__(self, command, threads=1, core=None, environment=None):
        self.command = command
        self.core = core if threads == 1 else None
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), **(environment or {})})

    def pin(self):
        """Called between two answers, when it waits."""
        for thread in os.listdir(f"/proc/{self.process.pid}/task") if self.core is not None else ():
            os.sched_setaffinity(int(thread), {self.core})

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise Failure(f"{' '.join(self.command)} ended with status {self.process.wait()}")
        answer = json.loads(answer)
        if "error" in answer:
            raise Failure(f"{os.path.basename(self.command[0])}: {answer['error']}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()


def last_core():
    return max(os.sched_getaffinity(0))


ABOUT_TORCH = """
import ctypes, re, torch
print(torch.__version__, torch.__file__)
maps = open('/proc/self/maps').read()
print(maps)
blas = re.search(r'/\\S*openblas\\S*', maps)
name = getattr(ctypes.CDLL(blas.group()), 'openblas_get_corename', None) if blas else None  # not that of a package from pip
if name:
    name.restype = ctypes.c_char_p
    print('OpenBLAS for', name().decode())
"""


def python_with_torch(candidates):
    """The first of these interpreters that can import torch, with the version; (None, None) without one."""
    for python in candidates:
        if shutil.which(python) is None:
            continue
        asked = subprocess.run([python, "-c", ABOUT_TORCH], capture_output=True, text=True)
        if asked.returncode != 0:
            continue
        # Debian's package is content with the reference BLAS, whose products of matrices take ten times as long.
        if "/blas/libblas.so" in asked.stdout:
            raise SystemExit(f"bench: error: PyTorch of {python} uses the reference BLAS, which is no fair comparison\n"
                             "  hint: apt-get install libopenblas0-pthread")
        suit_openblas(asked.stdout)
        version, file = asked.stdout.split()[:2]
        return python, debian_version(file) or version
    return None, None


def openblas_core(about_torch, flags):
    """What OPENBLAS_CORETYPE has to be for OpenBLAS to take the newest kernels that a processor with these flags has; None where
    it does by itself: on one newer than itself Debian's OpenBLAS 0.3.21 takes those of its oldest, with a fifth of the speed."""
    if "OpenBLAS for Prescott" not in about_torch:
        return None
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags):
        return "SkylakeX"
    return "Haswell" if "avx2" in flags else None


def suit_openblas(about_torch):
    """Sees to it for all processes from here on, unless the user has."""
    with open("/proc/cpuinfo") as file:
        core = openblas_core(about_torch, file.read().split())
    if core and "OPENBLAS_CORETYPE" not in os.environ:
        print(f"bench: OpenBLAS does not know this processor, so OPENBLAS_CORETYPE={core} for PyTorch")
        os.environ["OPENBLAS_CORETYPE"] = core


def debian_version(file):
    """Debian's PyTorch 1.13.1 calls itself 1.13.0a0."""
    if not file.startswith("/usr/lib/python3/dist-packages/") or shutil.which("dpkg-query") is None:
        return None
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "python3-torch"], capture_output=True, text=True)
    return asked.stdout if asked.returncode == 0 else None


def still_worth(setting, medians):
    """Whether one more turn may change what is best: PyTorch's default and what is far behind have had theirs."""
    name = setting.split()[0]
    if setting == "fathom":
        return True
    rivals = [found for rival, found in medians.items() if rival.startswith(name + " keep")]
    return setting.startswith(name + " keep") and setting in medians and medians[setting] <= 1.3 * min(rivals)


def paired_ratios(times):
    """setting -> the median, over the turns, of its time by Fathom's of the same turn: both have had the same machine, which
    may be half as fast a minute later."""
    return {setting: statistics.median([ms / fathom for ms, fathom in zip(values, times["fathom"])])
            for setting, values in times.items() if setting != "fathom" and values}


def ratio(result, setting):
    """How many times as fast Fathom is."""
    if setting not in result["ms"]:
        return None
    if "ratio" in result:  # older results have only what each setting took
        return result["ratio"][setting]
    return result["ms"][setting] / result["ms"]["fathom"]
