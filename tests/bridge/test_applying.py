"""A plan at a lock: each slot is read back, and after silence nothing more is asked."""

from collections.abc import Callable
from typing import cast

import pytest

from bridge.applying import Ending, Outcome, all_pins, carry_out, read_pins
from bridge.client import PinList
from bridge.errors import AckTimeout, BridgeError, LockBusy, Refused, Unreachable
from bridge.journal import Caller
from bridge.plans import Action, Held, Step, Wanted
from bridge.records import LockRecord, PairingState
from bridge.service import Service
from protocol.vocabulary import PinEntry, PinSummary, Schedule, Status
from tests.virtual_time import run

LOCK = LockRecord(
    id=1, name="front", target="memory:x", wire_id=1, public_key=b"", state=PairingState.PAIRED, zone="UTC", version=1
)
ANN = Wanted(digits="13579", alias="Ann", enabled=True, schedule=Schedule())
BOB = Wanted(digits="24680", alias="Bob", enabled=True, schedule=Schedule())
MISSING = Refused(Status.NOT_FOUND, None, "no such pin")


class Pins:
    """A service with one lock in it; `before` runs before each call and may raise or change what the lock holds."""

    def __init__(self, *held: PinEntry, before: Callable[["Pins", str], None] | None = None) -> None:
        self.pins = dict(enumerate(held, 1))
        self.version = 1
        self.asked: list[str] = []
        self._before = before

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if self._before:
            self._before(self, name)

    def change(self, pin_id: int, entry: PinEntry | None) -> None:
        """Change a slot, as another bridge might."""
        self.version += 1
        self.pins.pop(pin_id, None)
        if entry is not None:
            self.pins[pin_id] = entry

    async def list_pins(self, lock: LockRecord) -> PinList:
        del lock
        self._ask("list")
        summaries = (
            PinSummary(id=pin_id, alias=entry.alias, enabled=entry.enabled, schedule=entry.schedule)
            for pin_id, entry in sorted(self.pins.items())
        )
        return PinList(list_version=self.version, pins=tuple(summaries))

    async def get_pin(self, lock: LockRecord, pin_id: int) -> PinEntry:
        del lock
        self._ask("get")
        if pin_id not in self.pins:
            raise MISSING
        return self.pins[pin_id]

    async def create_pin(self, lock: LockRecord, entry: PinEntry, caller: Caller) -> int:
        del lock, caller
        self._ask("create")
        self.change(9, entry)
        return 9

    async def update_pin(self, lock: LockRecord, pin_id: int, entry: PinEntry, caller: Caller) -> None:
        del lock, caller
        self._ask("update")
        self.change(pin_id, entry)

    async def delete_pin(self, lock: LockRecord, pin_id: int, caller: Caller) -> None:
        del lock, caller
        self._ask("delete")
        self.change(pin_id, None)


def failing(calls: dict[str, BridgeError]) -> Callable[[Pins, str], None]:
    """Return what fails in each of `calls`."""

    def before(pins: Pins, name: str) -> None:
        del pins
        if name in calls:
            raise calls[name]

    return before


def carried_out(pins: Pins, *steps: Step) -> list[Ending]:
    """Carry out steps and return how they have ended."""

    async def scenario() -> list[Ending]:
        return [ending async for ending in carry_out(cast("Service", pins), LOCK, steps)]

    return run(scenario())


def read(pins: Pins) -> tuple[Held, ...]:
    """Read all pins."""
    return run(all_pins(cast("Service", pins), LOCK))


ADD = Step(action=Action.ADD, wanted=BOB)
REMOVE = Step(action=Action.REMOVE, id=1, held=ANN.entry())
UPDATE = Step(action=Action.UPDATE, id=1, held=ANN.entry(), wanted=BOB)


@pytest.mark.parametrize(("step", "pin_id"), [(ADD, 9), (REMOVE, 1), (UPDATE, 1)])
def test_a_step_is_verified_by_what_was_read_back(step: Step, pin_id: int) -> None:
    pins = Pins(ANN.entry())
    (ending,) = carried_out(pins, step)
    assert (ending.outcome, ending.id, ending.reason) == (Outcome.VERIFIED, pin_id, None)
    assert pins.asked[-1] == "get"


@pytest.mark.parametrize("step", [ADD, REMOVE, UPDATE])
def test_what_another_bridge_did_meanwhile_is_seen(step: Step) -> None:
    def before(pins: Pins, name: str) -> None:
        if name == "get":
            for pin_id in (1, 9):
                pins.change(pin_id, PinEntry(digits="86420", alias="Eve"))

    (ending,) = carried_out(Pins(ANN.entry(), before=before), step)
    assert ending.outcome is Outcome.DIFFERS
    assert ending.reason is not None


@pytest.mark.parametrize("failure", [MISSING, LockBusy("busy")])
def test_a_refusal_does_not_keep_the_next_step_from_its_turn(failure: BridgeError) -> None:
    endings = carried_out(Pins(ANN.entry(), before=failing({"update": failure})), UPDATE, REMOVE)
    assert [ending.outcome for ending in endings] == [Outcome.REFUSED, Outcome.VERIFIED]
    assert endings[0].reason == str(failure)


@pytest.mark.parametrize("failure", [AckTimeout("silence"), Unreachable("gone")])
def test_after_silence_the_other_slots_are_not_asked(failure: BridgeError) -> None:
    pins = Pins(ANN.entry(), before=failing({"update": failure, "list": failure}))
    endings = carried_out(pins, UPDATE, REMOVE, ADD)
    assert [ending.outcome for ending in endings] == [Outcome.UNKNOWN, Outcome.NOT_ASKED, Outcome.NOT_ASKED]
    assert endings[0].reason == str(failure)
    assert pins.asked == ["update", "list"]


@pytest.mark.parametrize("step", [ADD, REMOVE, UPDATE])
def test_what_was_done_without_an_answer_is_verified_by_asking_the_lock(step: Step) -> None:
    def before(pins: Pins, name: str) -> None:
        if name in ("create", "update", "delete"):
            pin_id = step.id or 9
            pins.change(pin_id, step.wanted.entry() if step.wanted else None)
            raise AckTimeout("silence")

    endings = carried_out(Pins(ANN.entry(), before=before), step)
    assert [ending.outcome for ending in endings] == [Outcome.VERIFIED]


def test_what_was_not_done_is_no_success_once_the_lock_answers_again() -> None:
    pins = Pins(ANN.entry(), before=failing({"update": AckTimeout("silence"), "create": AckTimeout("silence")}))
    endings = carried_out(pins, UPDATE, ADD, REMOVE)
    assert [ending.outcome for ending in endings] == [Outcome.DIFFERS, Outcome.DIFFERS, Outcome.VERIFIED]
    assert endings[0].reason == "silence"


def test_a_lock_that_does_not_let_the_slot_be_read_back_verifies_nothing() -> None:
    denied = Refused(Status.DENIED, None, "denied")
    (ending,) = carried_out(Pins(ANN.entry(), before=failing({"get": denied})), UPDATE)
    assert (ending.outcome, ending.id) == (Outcome.UNKNOWN, 1)
    assert ending.reason == "The lock has acknowledged this, and could not be read back. denied"


@pytest.mark.parametrize("entry", [None, BOB.entry()])
def test_pins_that_change_while_they_are_read_are_read_anew(entry: PinEntry | None) -> None:
    changes = [1]

    def before(pins: Pins, name: str) -> None:
        if name == "get" and changes:
            pins.change(changes.pop(), entry)

    found = read(Pins(ANN.entry(), before=before))
    assert found == (() if entry is None else (Held(id=1, entry=entry),))
    assert changes == []


def test_pins_that_change_again_and_again_are_given_up() -> None:
    def before(pins: Pins, name: str) -> None:
        if name == "list":
            pins.version += 1

    with pytest.raises(Refused) as refusal:
        read(Pins(ANN.entry(), before=before))
    assert refusal.value.status is Status.CHANGED


def test_any_other_refusal_of_a_read_is_told() -> None:
    with pytest.raises(Refused, match="denied"):
        read(Pins(ANN.entry(), before=failing({"get": Refused(Status.DENIED, None, "denied")})))


def test_reading_tells_how_far_it_has_come() -> None:
    async def scenario() -> list[tuple[int, int]]:
        pins = Pins(ANN.entry(), BOB.entry())
        return [(len(found), total) async for total, found in read_pins(cast("Service", pins), LOCK)]

    assert run(scenario()) == [(1, 2), (2, 2), (2, 2)]
