"""Real processes under load, killed with SIGKILL a few hundred times; each lock lives through a siege of its own."""

import sys
from collections import Counter

from tests.together.links import luck
from tests.together.sieges import besieged

KILLS = 200
EACH = 10
"""Kills of lock or bridge in one siege, beside one of a command."""


def main(seed: int, kills: int = KILLS) -> int:
    """Kill at least `kills` processes; return how many violations that has brought about."""
    chance = luck(seed)
    counts: Counter[str] = Counter()
    violations = 0
    while _killed(counts) < kills:
        siege = besieged(chance, EACH)
        counts += siege.counts
        violations += len(siege.violations)
        sys.stdout.writelines(f"sigkill: {violation}\n" for violation in siege.violations)
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    sys.stdout.write(f"sigkill: seed {seed}, {_killed(counts)} kills: {told}, {violations} violations\n")
    return violations


def _killed(counts: Counter[str]) -> int:
    return sum(count for what, count in counts.items() if what.endswith("killed"))
