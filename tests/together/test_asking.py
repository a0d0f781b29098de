"""What the client makes of answers: lists in pages, facts of the lock, answers that cannot be read."""

from dataclasses import replace

import pytest

from bridge.client import LockClient
from bridge.errors import Refused
from firmware_sim.behaviours.pins import Pins
from firmware_sim.firmware import Firmware
from firmware_sim.links import Session
from firmware_sim.requests import MAX_FRAME
from protocol.framing import Kind
from protocol.messages.declaration import Refusal
from protocol.messages.pins import PIN_CREATE, PinListResponse
from protocol.version import DEFAULT_MAX_FRAME, LARGEST_MAX_FRAME
from protocol.vocabulary import ClockState, PinEntry, Schedule, Status, Weekdays, Window
from tests.together.door import open_door, pin
from tests.together.links import Losing
from tests.virtual_time import run

BUSY = Schedule(valid_from=1, windows=(Window(weekdays=Weekdays(1), start=0, end=1440),) * 4)


async def fill(client: LockClient, count: int) -> list[PinEntry]:
    """Create pins whose summaries are as long as any."""
    entries = [PinEntry(digits=f"9{number:04}1"[-6:], alias=f"{number:032}", schedule=BUSY) for number in range(count)]
    for entry in entries:
        await client.create_pin(entry)
    return entries


def test_a_list_in_pages_is_whole_and_in_the_order_of_ids() -> None:
    async def scenario() -> None:
        door = await open_door(slots=40)
        client = door.client()
        entries = await fill(client, 40)
        listed = await client.list_pins()
        assert [summary.id for summary in listed.pins] == list(range(1, 41))
        assert [summary.alias for summary in listed.pins] == [entry.alias for entry in entries]
        assert {summary.schedule for summary in listed.pins} == {BUSY}
        assert listed.list_version == door.list_version
        assert max(map(len, door.links[0].heard)) > DEFAULT_MAX_FRAME  # the longer frames are used
        assert MAX_FRAME > DEFAULT_MAX_FRAME

    run(scenario())


def test_an_empty_list_is_one_page() -> None:
    async def scenario() -> None:
        door = await open_door()
        listed = await door.client().list_pins()
        assert (listed.pins, listed.list_version) == ((), door.list_version)

    run(scenario())


def test_a_list_that_changes_between_two_pages_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [1, 2]
    page = Pins.page

    def changing(pins: Pins, after: int, list_version: int, room: int) -> PinListResponse | Refusal:
        answer = page(pins, after, list_version, room)
        if changes and after:
            changes.pop()
            pins._memory.stage_change()
            pins._memory.commit()
        return answer

    async def scenario() -> None:
        door = await open_door(slots=40)
        client = door.client()
        await fill(client, 40)
        monkeypatch.setattr(Pins, "page", changing)
        listed = await client.list_pins()
        assert changes == []
        assert len(listed.pins) == 40
        assert listed.list_version == door.list_version

    run(scenario())


def test_a_new_session_in_the_midst_of_a_list_falls_back_to_short_frames() -> None:
    async def scenario() -> None:
        door = await open_door(slots=40)
        await fill(door.client(), 40)
        door.links.clear()
        door.wrap = lambda link: Losing(link, answers={5, 6, 7})
        listed = await door.client().list_pins()
        assert len(listed.pins) == 40
        assert len(door.sent_of(Kind.HELLO_REQUEST)) == 2
        lengths = [len(answer) for answer in door.links[0].heard]
        assert max(lengths[:8]) > DEFAULT_MAX_FRAME
        assert max(lengths[8:]) <= DEFAULT_MAX_FRAME + 4

    run(scenario())


@pytest.mark.parametrize(("told", "used"), [(MAX_FRAME, MAX_FRAME), (0xFFFF, LARGEST_MAX_FRAME)])
def test_longer_frames_are_expected_once_the_lock_has_told_of_them_and_only_in_that_session(
    told: int, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_sim.requests.MAX_FRAME", told)

    async def scenario() -> None:
        door = await open_door()
        door.target = "memory:wire"
        client = door.client()
        await client.info()
        assert client._sessions._wire is not None
        assert client._sessions._wire.max_frame == used
        door.simulator.power_cycle()
        await client.ping()
        assert client._sessions._wire.max_frame == DEFAULT_MAX_FRAME

    run(scenario())


def test_the_lock_says_what_it_is_and_how_it_is() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await client.create_pin(pin("97531"))
        info, status = await client.info(), await client.status()
        assert (info.lock_id, info.capacity, info.max_frame) == (door.known.wire_id, 5, MAX_FRAME)
        assert (status.used, status.list_version, status.clock) == (1, door.list_version, ClockState.TRUSTED)

    run(scenario())


def test_a_list_that_the_lock_does_not_tell_is_its_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        door = await open_door()
        monkeypatch.setattr(Pins, "page", lambda *_: Refusal(status=Status.UNSUPPORTED))
        with pytest.raises(Refused) as refusal:
            await door.client().list_pins()
        assert refusal.value.status is Status.UNSUPPORTED

    run(scenario())


def test_the_longest_ping_fits_the_shortest_frame_limit() -> None:
    async def scenario() -> None:
        door = await open_door()
        assert await door.client().ping(bytes(200)) == bytes(200)

    run(scenario())


@pytest.mark.parametrize("body", [b"", b"\x10", b"\x10\x00", b"\x10\x00" + bytes(7), b"\x11\x02", b"\x10\x63"])
def test_an_authenticated_answer_that_cannot_be_read_is_asked_for_again(
    body: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    garbled = [body, body]
    perform = Firmware._perform

    def garbling(firmware: Firmware, session: Session, request: bytes) -> bytes:
        answer = perform(firmware, session, request)
        return garbled.pop() if request[0] == PIN_CREATE.opcode and garbled else answer

    async def scenario() -> None:
        door = await open_door()
        before = door.list_version
        monkeypatch.setattr(Firmware, "_perform", garbling)
        assert (await door.client().create_pin(pin("97531"))).id == 1
        assert [(entry.levelname, "create_pin" in entry.getMessage()) for entry in caplog.records] == [
            ("WARNING", True)
        ] * 2
        assert "97531" not in caplog.text
        assert (door.list_version, len(door.sent_of(Kind.HELLO_REQUEST))) == (before + 1, 3)

    run(scenario())


@pytest.mark.parametrize("repeats", [False, True])
def test_a_list_that_does_not_go_on_is_refused_and_not_taken_for_whole(
    monkeypatch: pytest.MonkeyPatch, repeats: bool
) -> None:
    page = Pins.page

    def stuck(pins: Pins, after: int, list_version: int, room: int) -> PinListResponse | Refusal:
        told = page(pins, 0 if repeats else after, list_version, room)
        assert isinstance(told, PinListResponse)
        return replace(told, more=True)

    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await client.create_pin(pin("97531"))
        monkeypatch.setattr(Pins, "page", stuck)
        with pytest.raises(Refused, match="does not go on"):
            await client.list_pins()

    run(scenario())
