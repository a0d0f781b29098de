"""When a lock is brought to rest anew."""

from pathlib import Path

import pytest

from tests.hil.runs import run, suite

COUNTS = """
import pytest

class Counting:
    def __init__(self, hands):
        self.hands = hands
        self.able = hands.able
        self.cycles = 0

    async def power_cycle(self):
        self.cycles += 1
        await self.hands.power_cycle()

    def __getattr__(self, name):
        return getattr(self.hands, name)

@pytest.fixture(scope="session")
def lock_target(lock_target):
    from dataclasses import replace
    return replace(lock_target, hands=Counting(lock_target.hands))
"""
TESTS = """
async def test_one(lock):
    assert lock.hands.cycles == {one}

async def test_two(lock):
    await lock.open()
    assert lock.hands.cycles == {two}

def test_three(lock):
    assert lock.hands.cycles == {three}
    assert False

def test_four(lock):
    assert lock.hands.cycles == {four}
"""
NEXT = "def test_five(lock):\n    assert lock.hands.cycles == {five}\n"


@pytest.mark.parametrize(
    ("when", "cycles"),
    [
        ("never", (0, 0, 0, 0, 0)),
        ("failure", (0, 0, 0, 1, 1)),
        ("module", (0, 0, 0, 0, 1)),
        ("test", (0, 1, 2, 3, 4)),
    ],
)
def test_power_is_cycled_when_it_is_asked_for_and_the_bench_is_known_behind_it(
    tmp_path: Path, when: str, cycles: tuple[int, ...]
) -> None:
    suite(tmp_path, COUNTS, "conftest.py")
    numbers = dict(zip(("one", "two", "three", "four", "five"), cycles, strict=True))
    first, second = suite(tmp_path, TESTS.format(**numbers)), suite(tmp_path, NEXT.format(**numbers), "test_two.py")
    ran = run(tmp_path, "--lock-target", "sim:pty", "--lock-reset", when, first, second)
    assert ran.ended == "1 failed, 4 passed", ran.text


def test_a_lock_that_has_forgotten_the_bench_is_paired_anew(tmp_path: Path) -> None:
    text = "async def test_one(lock):\n    await lock.hands.hold_button(lock.reset_hold)\n\n\n" \
           "async def test_two(lock):\n    await lock.open()\n"  # fmt: skip
    assert run(tmp_path, suite(tmp_path, text)).ended == "1 failed, 1 passed"
    ran = run(tmp_path, "--lock-reset", "test", suite(tmp_path, text))
    assert (ran.code, ran.ended) == (0, "2 passed"), ran.text
