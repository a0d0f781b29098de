"""The version that a lock chooses from the range that a bridge speaks."""

import pytest

from protocol.version import MAX_VERSION, MIN_VERSION, choose_version


@pytest.mark.parametrize(
    ("lowest", "highest", "chosen"),
    [(1, 1, 1), (0, 1, 1), (1, 255, 1), (0, 255, 1), (2, 255, 0), (0, 0, 0), (255, 0, 0), (2, 1, 0), (1, 0, 0)],
)
def test_a_lock_of_version_one_chooses_it_where_the_range_holds_it_and_else_none(
    lowest: int, highest: int, chosen: int
) -> None:
    assert choose_version(lowest, highest) == chosen


def test_every_range_gets_the_highest_version_that_both_speak() -> None:
    spoken = set(range(MIN_VERSION, MAX_VERSION + 1))
    for lowest in range(8):
        for highest in range(8):
            assert choose_version(lowest, highest) == max(spoken & set(range(lowest, highest + 1)), default=0)
