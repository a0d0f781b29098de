"""Bringing a lock to rest between two tests, beyond what each does at its start: new power, a pairing that holds."""

from ..bench.operator import Operator
from ..hands import Hand
from ..station import Station
from .meeting import is_known, pair_anew


async def reset(station: Station, title: str, operator: Operator | None) -> None:
    """Cycle the lock's power where a hand can, and pair anew where it has forgotten the bench; raise BenchFault."""
    await station.close()
    if Hand.POWER in station.hands.able:
        await station.hands.power_cycle()
    if not await is_known(station):
        await pair_anew(station, title, operator)
