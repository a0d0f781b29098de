"""`python -m tests.simulation --seed N`: replays whole runs of bridges and a lock, and says how to replay a failure."""

import argparse
import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.simulation.world import MOST_BRIDGES, World, simulate

ROOT = Path(__file__).parents[2]
LAST_LINES = 25
"""How much of a failed run's trace is shown."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the seeds that were asked for; return 1 with the first failure."""
    logging.disable(logging.WARNING)  # a bridge complains of clocks that the plan has moved
    options = _options(words)
    total: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.seeds):
        world = run_seed(seed, options.bridges, options.steps)
        if world is None:
            return 1
        total += counts(world)
        if options.trace:
            _say(*world.trace)
        if options.seeds == 1:
            _say(f"hash {world.hash}")
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(total.items()))
    _say(f"simulation: {options.seeds:,} seeds from {options.seed}: {told}; 0 violations")
    return 0


def run_seed(seed: int, bridges: int, steps: int) -> World | None:
    """Run one world; where it fails, say so with what replays it, and return None."""
    try:
        return simulate(seed, bridges=bridges, steps=steps)
    except Exception as error:
        _say(*getattr(error, "__notes__", ())[-LAST_LINES:])
        _say(f"simulation: seed {seed} at revision {revision()}: {type(error).__name__}: {error}.")
        _say(f"Replay it: python -m tests.simulation --seed {seed} --bridges {bridges} --steps {steps}")
        return None


def counts(world: World) -> Counter[str]:
    """Return what has happened in a world, to be added up."""
    return Counter(world.count) + Counter(faults=len(world.lock.fired), cuts=world.lock.cuts)


def revision() -> str:
    """Return git's name of what is being run, with a word where it was changed since; a dash without git."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "-"
    return told.stdout.strip()


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds to run, one after another (%(default)s)")
    parser.add_argument("--bridges", type=int, default=2, choices=range(1, MOST_BRIDGES + 1), help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=12, help="what each bridge does under faults (%(default)s)")
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    return parser.parse_args(words)


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
