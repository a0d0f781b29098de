"""A lock that tells of itself what is not so, or not what its owner declares, fails the suite."""

from pathlib import Path

import pytest

from protocol.vocabulary import Capability
from tests.hil.lock_program import PROGRAM, ROOT, new_lock
from tests.hil.runs import Ran, run

SUITE = str(ROOT / "hil" / "conformance" / "test_capabilities.py")
ALL = "schedule,clock,bolt,battery_level,latch"
BASIC = Capability.SCHEDULE | Capability.CLOCK
TRUE = BASIC | Capability.BOLT | Capability.BATTERY_LEVEL | Capability.LATCH


def at_a_lock_that_tells(folder: Path, told: Capability) -> Ran:
    flash, label = new_lock(folder)
    control = folder / "ctl"
    target = f"exec:{PROGRAM} --flash {flash} --control {control} --tells {int(told)}"
    options = ("--lock-target", target, "--lock-label-file", str(label), "--lock-control", str(control))
    return run(folder, *options, SUITE)


@pytest.mark.parametrize("target", ["sim:", "sim:pty"])
def test_what_is_declared_and_told_is_so(tmp_path: Path, target: str) -> None:
    ran = run(tmp_path, "--lock-target", target, "--lock-capabilities", ALL, SUITE)
    assert (ran.code, ran.ended) == (0, "2 passed"), ran.text


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ("schedule,clock,bolt", "Declared is schedule, clock, bolt, and the lock tells"),
        (f"{ALL},door_contact", "Declared is schedule, clock, bolt, door_contact, battery_level, latch, and the"),
    ],
)
def test_what_is_declared_and_not_told_fails(tmp_path: Path, declared: str, sentence: str) -> None:
    ran = run(tmp_path, "--lock-capabilities", declared, SUITE)
    assert (ran.code, ran.ended) == (1, "1 failed, 1 passed"), ran.text
    assert sentence in ran.text


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (TRUE | Capability.DOOR_CONTACT, "The lock tells door_contact, and does not have it."),
        (TRUE & ~Capability.BATTERY_LEVEL, "The lock has battery_level, and does not tell it."),
        (TRUE & ~Capability.BOLT, "The lock has bolt, and does not tell it."),
        (TRUE & ~Capability.LATCH, "The lock has latch, and does not tell it."),
        (TRUE & ~Capability.CLOCK, "It does not tell clock, which version 1 needs."),
    ],
)
def test_a_lock_that_lies_about_a_capability_fails(tmp_path: Path, told: Capability, sentence: str) -> None:
    ran = at_a_lock_that_tells(tmp_path, told)
    assert ran.code == 1, ran.text
    assert "1 failed" in ran.ended
    assert sentence in ran.text
