"""Whole runs from many seeds: no promise is broken while everything fails, and all agree once nothing does."""

import logging
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from firmware_sim.faults import Fault, LinkKind
from protocol.vocabulary import BoltAction, PinEntry
from tests.simulation.__main__ import ROOT, counts, main, run_seed
from tests.simulation.bolt import BoltCount
from tests.simulation.model import Change, Model, Verb, Violation
from tests.simulation.world import World, simulate

SEEDS = 500
CHUNK = 20


@pytest.fixture(autouse=True)
def _no_complaints(caplog: pytest.LogCaptureFixture) -> None:
    """A bridge complains of clocks that the plan has moved."""
    caplog.set_level(logging.ERROR)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_nothing_is_lost_and_nothing_happens_twice(first: int) -> None:
    worlds = [run_seed(seed, 1 + seed % 3, 12) for seed in range(first, first + CHUNK)]
    assert None not in worlds
    assert all(counts(world)["acknowledged"] for world in worlds if world)


def test_the_faults_that_a_world_can_meet_are_met() -> None:
    worlds = [simulate(seed) for seed in range(40)]
    fired = {kind for world in worlds for kind in world.lock.fired}
    assert {"drop", "duplicate", "reorder", "bit_flip", "truncate", "coalesce", "split", "late"} <= fired
    assert {"disconnect", "brown_out", "lose", "step", "drift", "busy", "stall", "reset"} <= fired
    trace = "\n".join(line for world in worlds for line in world.trace)
    for what in (
        "starts anew",
        "is killed",
        "unknown: ",
        "asks again",
        "resolves ",
        ": made",
        ": not made",
        "granted",
        "denied",
        "effect of clear",
        "pull acknowledged: pulling",
    ):
        assert what in trace


def test_a_run_is_the_same_in_every_process_whatever_python_hashes() -> None:
    hashes = {simulate(11).hash}
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "11"], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=50,
        )  # fmt: skip
        hashes.add(told.stdout.splitlines()[0].removeprefix("hash "))
    assert len(hashes) == 1
    assert simulate(12).hash not in hashes


def test_no_trace_holds_digits() -> None:
    world = simulate(3)
    digits = {entry.digits for entry in world.model.pins.values()} | set(world.model.removed)
    assert digits
    assert not any(secret in line for secret in digits for line in world.trace)


def test_what_is_counted_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "5", "--seeds", "3", "--bridges", "1", "--steps", "4"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("simulation: 3 seeds from 5: ")
    assert line.endswith("; 0 violations")
    assert main(["--seed", "5", "--trace"]) == 0
    assert "bridge 0: " in capsys.readouterr().out


def test_a_failure_tells_seed_revision_and_what_replays_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgets(_model: Model, change: Change, *_effect: object) -> None:
        raise Violation(f"{change} is taken for lost")

    monkeypatch.setattr(Model, "acknowledged", forgets)
    assert main(["--seed", "7", "--bridges", "3"]) == 1
    *trace, sentence, replay = capsys.readouterr().out.splitlines()
    assert any("acknowledged" in line for line in trace)
    assert sentence.startswith("simulation: seed 7 at revision ")
    assert sentence.endswith("is taken for lost.")
    assert replay == "Replay it: python -m tests.simulation --seed 7 --bridges 3 --steps 12"


def test_a_link_that_never_carries_leaves_everything_unknown_and_the_world_comes_to_agree() -> None:
    silent = [Fault(kind=LinkKind.DROP, probability=1)]
    world = simulate(1, steps=3, plan=silent)
    assert "Unreachable" in "\n".join(world.trace)
    assert isinstance(world, World)
    assert not world.model.open


# --- the model can see what it is there for ---

ANNA = PinEntry(digits="97531", alias="1 b0")
BOB = PinEntry(digits="86420", alias="2 b0")
CREATE = Change(number=1, bridge=0, verb=Verb.CREATE, entry=ANNA)
UPDATE = Change(number=2, bridge=0, verb=Verb.UPDATE, pin_id=1, entry=BOB)
DELETE = Change(number=3, bridge=1, verb=Verb.DELETE, pin_id=1)


def model_with(*changes: Change) -> Model:
    model = Model(list_version=1)
    for change in changes:
        model.asked(change)
    return model


def test_a_model_follows_changes_in_any_order_that_explains_the_lock() -> None:
    model = model_with(DELETE, UPDATE, CREATE)
    assert list(model.saw({1: BOB}, 3)) == [CREATE, UPDATE]
    assert list(model.saw({1: BOB}, 3)) == []
    assert list(model.saw({}, 4)) == [DELETE]
    assert model.removed == ["97531", "86420"]
    model.acknowledged(CREATE, 2, 1)
    assert not model.open


@pytest.mark.parametrize(
    ("pins", "list_version"),
    [({1: ANNA}, 1), ({1: ANNA}, 3), ({1: BOB}, 2), ({2: ANNA}, 2), ({}, 2), ({}, 0), ({1: ANNA, 2: ANNA}, 3)],
)
def test_a_model_refuses_what_no_change_explains(pins: dict[int, PinEntry], list_version: int) -> None:
    with pytest.raises(Violation):
        model_with(CREATE).saw(pins, list_version)


def test_a_model_refuses_an_effect_that_comes_twice_or_after_a_refusal() -> None:
    model = model_with(CREATE, UPDATE)
    model.saw({1: BOB}, 3)
    with pytest.raises(Violation):
        model.saw({1: BOB}, 4)
    with pytest.raises(Violation, match="refused and has had an effect"):
        model.refused(UPDATE)
    model = model_with(CREATE)
    model.refused(CREATE)
    with pytest.raises(Violation):
        model.saw({1: ANNA}, 2)


def test_a_model_refuses_a_wrong_acknowledgement_and_a_wrong_resolution() -> None:
    model = model_with(CREATE, replace(CREATE, number=9))
    with pytest.raises(Violation, match="has had no effect"):
        model.acknowledged(CREATE, 2, 1)
    with pytest.raises(Violation, match="not true"):
        model.resolved(CREATE, made=True)
    model.saw({1: ANNA}, 2)
    for list_version, pin_id in ((3, 1), (2, 2)):
        with pytest.raises(Violation, match="something else"):
            model.acknowledged(CREATE, list_version, pin_id)
    with pytest.raises(Violation, match="not true"):
        model.resolved(CREATE, made=False)
    model.resolved(CREATE, made=True)


def test_a_model_takes_what_the_lock_tells_of_where_several_changes_explain_it() -> None:
    clear = Change(number=4, bridge=2, verb=Verb.CLEAR)
    for told, taken in (([Verb.CLEAR], clear), ([Verb.DELETE], DELETE)):
        model = model_with(CREATE, DELETE, clear)
        model.saw({1: ANNA}, 2)
        assert list(model.saw({}, 3, told)) == [taken]


def test_a_create_whose_pin_was_cleared_may_be_made_again_as_long_as_nobody_was_told_of_it() -> None:
    clear = Change(number=4, bridge=2, verb=Verb.CLEAR)
    model = model_with(CREATE, clear)
    model.saw({1: ANNA}, 2)
    model.saw({}, 3)
    assert list(model.saw({2: ANNA}, 4)) == [CREATE]
    model.acknowledged(CREATE, 4, 2)
    model = model_with(CREATE, clear)
    model.saw({1: ANNA}, 2)
    model.acknowledged(CREATE, 2, 1)
    model.saw({}, 3)
    with pytest.raises(Violation):
        model.saw({2: ANNA}, 4)


def test_a_bolt_that_moves_twice_or_not_at_all_is_seen() -> None:
    count = BoltCount()
    count.asked(BoltAction.PULL)
    with pytest.raises(Violation, match="no record"):
        count.acknowledged(BoltAction.PULL, 0, moved=True)
    count.acknowledged(BoltAction.PULL, 1, moved=True)
    with pytest.raises(Violation, match="twice"):
        count.see(2)


def test_a_bridge_may_be_told_later_of_a_bolt_operation_that_was_not_answered() -> None:
    count = BoltCount()
    count.asked(BoltAction.PULL)
    count.asked(BoltAction.LOCK)
    count.acknowledged(BoltAction.LOCK, 2, moved=True)
    count.asked(BoltAction.PULL)
    count.acknowledged(BoltAction.PULL, 2, moved=True)
    count.asked(BoltAction.UNLOCK)
    count.refused()
    with pytest.raises(Violation, match="twice"):
        count.see(3)
