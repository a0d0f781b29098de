"""How long a person waits for the command line to say anything."""

import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from .measuring import BenchmarkFailed, Figure
from .raw import ROOT

STARTS = 20
LIMIT = 0.25


def starts(share: float) -> Iterator[Figure]:
    """Yield the one figure, measured with that share of the starts."""
    count = max(2, round(STARTS * share))
    taken = median(_seconds("-m", "bridge.cli", "--help") for _ in range(count))
    bare = median(_seconds("-c", "") for _ in range(count))
    yield Figure(
        name="start of latchwire --help",
        value=taken,
        unit="s",
        note=f"median of {count}; of these {bare:.3f} s are Python's own, which does nothing",
        aim=f"latchwire --help within {LIMIT} s",
        met=taken <= LIMIT,
    )


def _seconds(*words: str) -> float:
    start = perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchmarkFailed(f"python {' '.join(words)} ended with {done.returncode}")
    return perf_counter() - start
