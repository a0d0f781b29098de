"""Power is lost at every flash operation: of many stories of a store, and of a day of a whole lock."""

import pytest

from protocol.vocabulary import AuditEvent
from tests.firmware_sim.lock_cuts import DAY, Lock, cut_lock
from tests.firmware_sim.power_cuts import Cuts, cut_store

LEAST_CUTS = 4_800
"""Of each story of a store, with all five models; five stories are 24,000. A lock's day has one model for each cut."""


@pytest.mark.parametrize("seed", range(5))
def test_a_store_survives_a_cut_at_any_operation_with_any_model_of_a_torn_one(seed: int) -> None:
    cuts = Cuts()
    cut_store(seed, 45, cuts)
    assert cuts.single >= LEAST_CUTS


@pytest.mark.parametrize("seed", range(2))
def test_a_store_survives_a_second_cut_in_the_boot_after_the_first(seed: int) -> None:
    cuts = Cuts()
    cut_store(seed, 5, cuts, doubles=1000)
    assert cuts.double > 2_000


HALF = len(DAY) // 2


@pytest.mark.parametrize("part", [slice(HALF), slice(HALF, None)], ids=["morning", "evening"])
def test_a_lock_survives_a_cut_at_any_operation_of_its_day(part: slice) -> None:
    lock, cuts = Lock(), Cuts()
    lock.pair()
    for step in DAY[: part.start or 0]:
        lock.do(step)
    cut_lock(lock, DAY[part], None, cuts)
    assert cuts.single > 1_500


def test_the_day_does_what_it_says() -> None:
    lock = Lock()
    lock.pair()
    seen = [(lock.do(step)[1:2], len(lock.seen()["pins"])) for step in DAY]
    assert {status for status, _ in seen} == {b"", b"\0"}  # nothing is refused
    assert [count for _, count in seen] == [0, 1, *[2] * 13, 3, 2, 2, 1, 1, 0, 1, 1, 0]


def test_the_day_is_told_of() -> None:
    lock = Lock()
    lock.pair()
    for step in DAY[:-1]:  # the last one takes the audit with it
        lock.do(step)
    assert lock.told(AuditEvent.ENTRY_GRANTED) == [1]
    assert lock.told(AuditEvent.ENTRY_DENIED) == [0] * 5
    assert lock.told(AuditEvent.PIN_EXPIRED) == [2]
