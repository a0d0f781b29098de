"""Many entries in every zone, each decided by the project and by the calendar."""

import sys

from tests.protocol.schedule_samples import samples
from tests.protocol.zones import all_zones
from tests.together.links import luck

EACH = 2_000
"""Entries a zone."""


def main(seed: int, each: int = EACH) -> int:
    """Decide `each` entries in each zone; return how many decisions are not the calendar's."""
    chance = luck(seed)
    decided = granted = violations = 0
    for zone in all_zones():
        for sample in samples(zone, chance, each):
            decided += 1
            granted += sample.expected is None
            if sample.decided is not sample.expected:
                violations += 1
                sys.stdout.write(f"{sample.decided!r} and not {sample.expected!r}: {sample}\n")
    sys.stdout.write(
        f"schedules: seed {seed}, {len(all_zones())} zones, {decided:,} entries, {granted:,} granted, "
        f"{violations} violations\n"
    )
    return violations
