"""A million inputs for each parser, and fewer for a whole lock."""

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import TARGETS

INPUTS = 1_000_000


def main(seed: int) -> int:
    """Fuzz every target; return how many of them broke a promise."""
    return sum(fuzz(target, runs=INPUTS, seed=1 + seed % 0xFFFF) for target in TARGETS)
