"""Power lost at every flash operation of stories of a store and of a lock's day, and again in the boot after it."""

import sys

from firmware_sim.failing_flash import Tear
from tests.firmware_sim.lock_cuts import DAY, Lock, cut_lock
from tests.firmware_sim.power_cuts import Cuts, cut_store

SINGLE, DOUBLE = 100_000, 50_000


def main(seed: int, single: int = SINGLE, double: int = DOUBLE) -> int:
    """Cut until both figures are reached; return 1 where a promise was broken, after which nothing more is cut."""
    cuts, story = Cuts(), f"the day of seed {seed}"
    try:
        for tear in Tear:
            story = f"a lock's day with {tear}"
            lock = Lock()
            lock.pair()
            cut_lock(lock, DAY, tear, cuts, doubles=2)
        number = seed
        while cuts.single < single or cuts.double < double:
            story = f"the store's story {number}"
            wanted = cuts.double < double
            cut_store(number, 5 if wanted else 60, cuts, doubles=1000 if wanted else 0)
            number += 1
    except AssertionError as error:
        sys.stdout.write(f"power cuts: seed {seed}, {story}, after {cuts.single:,} cuts: {error}\n")
        return 1
    sys.stdout.write(
        f"power cuts: seed {seed}, {cuts.single:,} single and {cuts.double:,} double cuts, {number - seed} stories "
        f"of a store and {len(Tear)} days of a lock; 0 violations\n"
    )
    return 0
