"""The checklist: what each line says of a lock, and which lines there are where one cannot be asked."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar, cast

import pytest

from bridge.clocks import ClockReading
from bridge.diagnosis import Finding, Level, diagnose
from bridge.errors import BridgeError, LockHeld, NotPaired, Obstacle, Unreachable
from bridge.journal import COMMAND_LINE, ChangeRecord, ChangeState, MemoryJournal
from bridge.records import LockRecord, PairingState
from bridge.store.registry import Registry
from protocol.messages.device import UNKNOWN_BATTERY, InfoResponse, StatusResponse
from protocol.vocabulary import BoltState, Capability, ClockState, DoorState

T = TypeVar("T")

NOW = 1_790_000_000
FRONT = LockRecord(
    id=123,
    name="front",
    target="serial:/dev/ttyUSB0",
    wire_id=1,
    public_key=bytes(32),
    state=PairingState.PAIRED,
    zone="UTC",
    version=1,
    list_version=7,
)
INFO = InfoResponse(
    lock_id=1,
    min_version=1,
    max_version=2,
    model="Model",
    serial="S1",
    firmware_version="1.2.3",
    capacity=10,
    max_frame=256,
    capabilities=Capability.BOLT,
)
STATUS = StatusResponse(
    list_version=7,
    used=3,
    clock=ClockState.TRUSTED,
    time=NOW,
    battery=80,
    bolt=BoltState.LOCKED,
    door=DoorState.UNKNOWN,
    jammed=False,
)
CLOCK = ClockReading(trusted=True, time=NOW, zone="UTC", skew=0)
LINES = ["crc", "port", "permission", "session", "firmware", "protocol", "capacity", "clock", "zone", "battery", "bolt",
         "list version", "changes"]  # fmt: skip


class Desk:
    """A lock and a registry that answer as they are told, or fail."""

    def __init__(self, *answers: object, failure: BridgeError | None = None) -> None:
        self.journal = MemoryJournal()
        self.saved: list[LockRecord] = []
        self._failure = failure
        self._answers = (*reversed(answers), INFO, STATUS, CLOCK)

    async def info(self, _lock: LockRecord) -> InfoResponse:
        return self._told(InfoResponse)

    async def status(self, _lock: LockRecord) -> StatusResponse:
        return self._told(StatusResponse)

    async def clock(self, _lock: LockRecord) -> ClockReading:
        return self._told(ClockReading)

    def _told(self, kind: type[T]) -> T:
        if self._failure is not None:
            raise self._failure
        return next(answer for answer in self._answers if isinstance(answer, kind))

    async def lock(self, _lock_id: int) -> LockRecord:
        return replace(FRONT, name="renamed meanwhile")

    async def save_lock(self, record: LockRecord) -> None:
        self.saved.append(record)

    def found(self, lock: LockRecord = FRONT) -> dict[str, Finding]:
        findings = asyncio.run(diagnose(self, self.journal, cast("Registry", self), lock))
        assert len({finding.check for finding in findings}) == len(findings)
        return {finding.check: finding for finding in findings}


def test_a_healthy_lock_has_every_line_and_nothing_to_do() -> None:
    desk = Desk()
    found = desk.found()
    assert list(found) == LINES
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert {finding.error for finding in found.values()} == {None}
    assert "Model S1 with firmware 1.2.3" in found["firmware"].sentence
    assert "Version 1 is spoken; the lock speaks 1 to 2" in found["protocol"].sentence
    assert "7 of 10 slots" in found["capacity"].sentence
    assert desk.saved == []


@pytest.mark.parametrize(
    ("answer", "check", "words"),
    [
        (replace(STATUS, used=10), "capacity", "None of 10 slots is free"),
        (replace(CLOCK, skew=3), "clock", "3 s ahead of this host's. Run `latchwire clock set front`"),
        (replace(CLOCK, skew=-900), "clock", "900 s behind this host's. Run `latchwire clock set front`"),
        (replace(CLOCK, skew=301), "clock", "Run `latchwire clock set front --force`"),
        (replace(CLOCK, trusted=False), "clock", "does not trust its clock"),
        (replace(CLOCK, zone="Europe/Warsaw"), "zone", "from UTC to Europe/Warsaw"),
        (replace(STATUS, battery=20), "battery", "20 % left"),
        (replace(STATUS, jammed=True, bolt=BoltState.UNKNOWN), "bolt", "could not finish its last movement"),
        (replace(STATUS, list_version=6), "list version", "6, which is older than 7"),
    ],
    ids=repr,
)
def test_what_somebody_should_look_after_is_one_warning(answer: object, check: str, words: str) -> None:
    found = Desk(answer).found()
    assert [name for name, finding in found.items() if finding.level is not Level.OK] == [check]
    assert (found[check].level, words in found[check].sentence) == (Level.WARNING, True), found[check].sentence


@pytest.mark.parametrize(
    ("answer", "check", "words"),
    [
        (replace(CLOCK, skew=2), "clock", "2 s of skew"),
        (replace(CLOCK, skew=-2), "clock", "-2 s of skew"),
        (replace(STATUS, battery=21), "battery", "21 %"),
        (replace(STATUS, battery=UNKNOWN_BATTERY), "battery", "does not tell"),
        (replace(STATUS, used=9), "capacity", "1 of 10"),
        (replace(STATUS, list_version=9), "list version", "9; it was 7"),
    ],
    ids=repr,
)
def test_what_is_just_good_enough_is_no_warning(answer: object, check: str, words: str) -> None:
    found = Desk(answer).found()
    assert (found[check].level, words in found[check].sentence) == (Level.OK, True), found[check].sentence


@pytest.mark.parametrize(("known", "told", "level"), [(0xFFFFFFFF, 1, Level.OK), (1, 0xFFFFFFFF, Level.WARNING)])
def test_a_list_version_that_has_come_round_is_no_older_one(known: int, told: int, level: Level) -> None:
    found = Desk(replace(STATUS, list_version=told)).found(replace(FRONT, list_version=known))
    assert found["list version"].level is level


def test_the_list_version_that_was_seen_is_noted_in_the_newest_record() -> None:
    desk = Desk(replace(STATUS, list_version=9))
    desk.found()
    assert desk.saved == [replace(FRONT, name="renamed meanwhile", list_version=9)]


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (Unreachable("why", obstacle=Obstacle.MISSING), {"port": Level.FAILED}),
        (Unreachable("why", obstacle=Obstacle.BUSY), {"port": Level.FAILED}),
        (Unreachable("why", obstacle=Obstacle.OTHER), {"port": Level.FAILED}),
        (Unreachable("why", obstacle=Obstacle.FORBIDDEN), {"port": Level.OK, "permission": Level.FAILED}),
        (Unreachable("why"), {"port": Level.OK, "permission": Level.OK, "session": Level.FAILED}),
        (NotPaired("why"), {"port": Level.OK, "permission": Level.OK, "session": Level.FAILED}),
        (LockHeld("why"), {"session": Level.FAILED}),
    ],
    ids=repr,
)
def test_a_lock_that_cannot_be_asked_fails_where_the_way_ends(failure: BridgeError, lines: dict[str, Level]) -> None:
    found = Desk(failure=failure).found()
    assert {name: finding.level for name, finding in found.items()} == {"crc": Level.OK, **lines, "changes": Level.OK}
    (failed,) = [finding for finding in found.values() if finding.level is Level.FAILED]
    assert (failed.error, failed.sentence) == (failure, "why")


def test_an_address_needs_no_permission() -> None:
    lines = list(Desk().found(replace(FRONT, target="tcp:192.0.2.1:7000")))
    assert lines == [line for line in LINES if line != "permission"]


ON_AIR = replace(FRONT, target="ble:00000001")


def test_a_lock_on_bluetooth_is_judged_by_its_radio() -> None:
    lines = list(Desk().found(ON_AIR))
    assert lines == ["radio" if line == "port" else line for line in LINES]


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (Unreachable("why", obstacle=Obstacle.MISSING), {"radio": Level.FAILED}),
        (Unreachable("why", obstacle=Obstacle.FORBIDDEN), {"permission": Level.FAILED}),
        (Unreachable("why"), {"radio": Level.OK, "permission": Level.OK, "session": Level.FAILED}),
    ],
    ids=repr,
)
def test_a_lock_on_bluetooth_fails_where_the_way_ends(failure: BridgeError, lines: dict[str, Level]) -> None:
    found = Desk(failure=failure).found(ON_AIR)
    assert {name: finding.level for name, finding in found.items()} == {"crc": Level.OK, **lines, "changes": Level.OK}


def test_a_lock_that_is_not_paired_says_nothing_of_its_port() -> None:
    found = Desk(failure=NotPaired("why")).found(replace(FRONT, state=PairingState.UNPAIRED))
    assert list(found) == ["crc", "session", "changes"]


@pytest.mark.parametrize(("count", "words"), [(1, "1 change was left"), (2, "2 changes were left")])
def test_changes_without_an_outcome_are_counted(count: int, words: str) -> None:
    desk = Desk(failure=Unreachable("why"))
    record = ChangeRecord(
        number=0,
        wire_id=FRONT.wire_id,
        operation=1,
        mark=b"",
        request_mark=b"",
        method="create_pin",
        caller=COMMAND_LINE,
        begun=datetime.fromtimestamp(NOW, UTC),
        state=ChangeState.UNCONFIRMED,
    )
    for _ in range(count):
        asyncio.run(desk.journal.begin(record))
    changes = desk.found()["changes"]
    assert (changes.level, words in changes.sentence) == (Level.WARNING, True)


def test_a_crc_without_its_extension_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.diagnosis.CRC_COMPILED", False)
    crc = Desk().found()["crc"]
    assert (crc.level, "C compiler" in crc.sentence) == (Level.WARNING, True)
