"""A hundred cycles of radio troubles at each MTU and by each way of writing: nothing that is opened stays open."""

import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from protocol.bluetooth import LARGEST_MTU, SMALLEST_MTU
from tests.together.radio_troubles import WAYS_OF_WRITING, growth

CYCLES = 100


def main(seed: int, cycles: int = CYCLES) -> int:
    """Return in how many settings something has grown; the seed decides nothing here."""
    grown = 0
    for mtu, write in product((SMALLEST_MTU, LARGEST_MTU), WAYS_OF_WRITING):
        with TemporaryDirectory(prefix="lw-") as folder, pytest.MonkeyPatch.context() as patch:
            early, late = growth(Path(folder), patch, mtu, write, cycles)
        grown += early != late
        sys.stdout.write(f"radio: seed {seed}, MTU {mtu}, {write}, {cycles} cycles: {early} early, {late} late\n")
    return grown
