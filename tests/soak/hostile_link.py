"""Many changes exactly once over a hostile link, with power cuts, restarts and clocks that go wrong."""

import logging
import sys
from collections import Counter
from itertools import count

from tests.simulation.__main__ import counts, run_seed

COMMANDS = 60_000
BRIDGES = 3
STEPS = 100


def main(seed: int, commands: int = COMMANDS) -> int:
    """Run worlds from `seed` on until so many changes were acknowledged; return how many promises were broken."""
    logging.disable(logging.WARNING)  # a bridge complains of clocks that the plan has moved
    total: Counter[str] = Counter()
    for number in count(seed):
        world = run_seed(number, BRIDGES, STEPS)
        if world is None:
            return 1
        total += counts(world) + Counter(worlds=1)
        if total["acknowledged"] >= commands:
            break
    told = ", ".join(f"{number:,} {what}" for what, number in sorted(total.items()))
    sys.stdout.write(f"hostile link: seed {seed}: {told}; 0 violations\n")
    return 0
