"""Bridges and lock against a model of slots: Hypothesis looks for steps after which they differ."""

import pytest

from protocol.vocabulary import Denial, Status
from tests.together.slots_machine import run_machine

REFUSALS = (Status.INVALID, Status.EXISTS, Status.FULL, Status.NOT_FOUND)
DENIALS = (Denial.MALFORMED, Denial.UNKNOWN, Denial.DISABLED, Denial.CLOCK_UNTRUSTED, Denial.LOCKED_OUT)


@pytest.mark.timeout(180)
def test_bridges_and_lock_do_what_the_model_of_slots_does() -> None:
    counts = run_machine(examples=120, steps=30)
    met = {"done", "unknown", "unknown and done", "granted"} | {word.name for word in (*REFUSALS, *DENIALS)}
    assert met <= set(counts), counts
