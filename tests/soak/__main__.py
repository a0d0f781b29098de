"""`make soak`: the long runs, part by part; prints each one's seed and counts, and fails where a promise was broken."""

import argparse
import random
import sys
from collections.abc import Callable, Sequence

from . import fuzz, hostile_link, power_cuts, radio, schedules, sigkill, slots, suites

PARTS: dict[str, Callable[[int], int]] = {
    "power-cuts": power_cuts.main,
    "hostile-link": hostile_link.main,
    "sigkill": sigkill.main,
    "radio": radio.main,
    "schedules": schedules.main,
    "slots": slots.main,
    "suites": suites.main,
    "fuzz": fuzz.main,
}
"""Each takes a seed and returns how many promises were broken."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts that are named, or all; return 1 where one broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seed", type=int, help="repeats a run; drawn where it is not given")
    options = parser.parse_args(words)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}\n")
    broken = sum(PARTS[part](seed) for part in options.parts or PARTS)
    sys.stdout.write("every promise was kept\n" if not broken else f"broken promises: {broken}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
