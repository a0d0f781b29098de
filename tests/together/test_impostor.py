"""Somebody on the line who does not know the label: nothing is stored for him, nothing that holds is lost to him."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

import pytest

from bridge.errors import BridgeError, LinkLost, NotPaired, PairingRefused, ZoneChanged
from bridge.journal import COMMAND_LINE
from bridge.links.base import Inbox
from protocol.codec import build, parse
from protocol.framing import Frame, FrameDecoder, Kind, encode_frame
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, HelloFlag, HelloRequest, HelloResponse, Mode
from protocol.noise import Handshake
from protocol.session import hello_frame, prologue
from protocol.vocabulary import EVERY_DAY, Schedule, Window
from tests.together.door import Door, open_door, pin
from tests.together.links import Whole, frames_of
from tests.together.pairings import WISH, Workshop, workshop
from tests.virtual_time import run

Scenario = Callable[[Callable[[Workshop], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test in a fresh workshop."""

    async def opened(test: Callable[[Workshop], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            await test(shop)

    return lambda test: asyncio.run(opened(test))


class Impostor:
    """Says that it is the lock `lock_id`, and goes as far as one can without the label; `last` is its word to seals."""

    def __init__(self, lock_id: int, last: Callable[[Frame], Frame | None]) -> None:
        self._lock_id = lock_id
        self._last = last
        self._static = token_bytes(32)

    def connect(self, inbox: Inbox) -> "Impostor":
        self._inbox = inbox
        self._decoder = FrameDecoder()
        return self

    def disconnect(self) -> None:
        """Do nothing."""

    def receive(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            assert isinstance(frame, Frame)
            answer = self._answer(frame)
            if answer is not None:
                self._inbox.put(encode_frame(answer))

    def _answer(self, frame: Frame) -> Frame | None:
        if frame.kind is Kind.HELLO_REQUEST:
            return self._greet(frame)
        if frame.kind is Kind.TRANSPORT:
            return self._last(frame)
        if frame.counter == 0:
            self._handshake.read(frame.body)
            return replace(frame, body=self._handshake.write())
        return replace(frame, body=b"")  # the forged acceptance: it is sent in clear

    def _greet(self, frame: Frame) -> Frame:
        wanted: HelloRequest = parse(HELLO_REQUEST, frame.body)
        told = HelloResponse(
            chosen=1, lowest=1, highest=1, lock_id=self._lock_id, flags=HelloFlag.PAIRING_OPEN, random=token_bytes(16)
        )
        response = hello_frame(Kind.HELLO_RESPONSE, frame.counter, build(HELLO_RESPONSE, told))
        assert wanted.mode is Mode.PAIR
        self._handshake = Handshake(
            initiator=False,
            static=self._static,
            ephemeral=token_bytes(32),
            prologue=prologue(1, frame, response),
            psk=bytes(32),
        )
        return response


def refuses(frame: Frame) -> Frame:
    return Frame(version=frame.version, kind=Kind.REFUSED, counter=frame.counter, body=b"")


def babbles(frame: Frame) -> Frame:
    return replace(frame, body=bytes(len(frame.body)))


def echoes(frame: Frame) -> Frame:
    return frame


def is_silent(_: Frame) -> None:
    return None


LAST_WORDS = [refuses, babbles, echoes, is_silent]


@pytest.mark.parametrize("last", LAST_WORDS)
def test_who_does_not_know_the_label_is_not_paired_with(
    scenario: Scenario, last: Callable[[Frame], Frame | None]
) -> None:
    async def test(shop: Workshop) -> None:
        shop.settings = replace(shop.settings, deadline=2 if last is refuses else 0.2)
        shop.hub.ends["front"] = Impostor(7, last)
        for _ in range(2):  # the second time nothing of the first is built upon
            with pytest.raises(BridgeError) as failure:
                await shop.pair()
            assert isinstance(failure.value, PairingRefused) is (last is refuses)
            assert await shop.records() == ()

    scenario(test)


@pytest.mark.parametrize("last", LAST_WORDS)
def test_a_pairing_that_holds_is_not_lost_to_somebody_who_poses_as_the_lock(
    scenario: Scenario, last: Callable[[Frame], Frame | None]
) -> None:
    async def test(shop: Workshop) -> None:
        record = await shop.pair()
        honest = shop.hub.ends["front"]
        shop.settings = replace(shop.settings, deadline=2 if last is refuses else 0.2)
        shop.hub.ends["elsewhere"] = Impostor(record.wire_id, last)
        with pytest.raises(BridgeError):
            await shop.pair(replace(WISH, target="memory:elsewhere"))
        assert await shop.records() == (record,)
        shop.hub.ends["front"] = honest
        async with shop.process() as service:
            assert (await service.list_pins(record)).pins == ()

    scenario(test)


class Denying(Whole):
    """Answers in the lock's place once `denied` holds something: the generic refusal, to everything in a session."""

    denied: list[bool]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        (said,) = frames_of([frame])
        if not self.denied or said.kind not in (Kind.TRANSPORT, Kind.HANDSHAKE):
            return [frame]
        return [encode_frame(refuses(said))]


def test_a_forged_refusal_after_a_change_leaves_its_outcome_unknown_and_not_refused() -> None:
    async def scenario() -> None:
        door = await open_door()
        denied: list[bool] = []
        door.wrap = type("Denied", (Denying,), {"denied": denied})
        client = door.client()
        await client.clear_pins()
        denied.append(True)
        with pytest.raises(LinkLost, match="the outcome is unknown"):
            await client.create_pin(pin("97531"))
        assert len(door.pins) == 1
        with pytest.raises(NotPaired):  # asked anew, nothing is under way: the handshake alone was refused
            await client.create_pin(pin("86420"))

    run(scenario())


def test_hours_converted_for_a_zone_that_the_lock_has_left_are_not_sent(scenario: Scenario, tmp_path: Path) -> None:
    async def test(shop: Workshop) -> None:
        record = await shop.pair()
        entry = pin("97531")
        daily = replace(entry, schedule=Schedule(windows=(Window(weekdays=EVERY_DAY, start=480, end=960),)))
        ours, theirs = shop.settings, replace(shop.settings, state_dir=tmp_path / "other")
        shop.settings = theirs
        shop.locks["front"].hold_button(5)
        await shop.pair(replace(WISH, zone="America/New_York"))
        shop.settings = ours
        async with shop.process() as service:
            with pytest.raises(ZoneChanged, match="America/New_York"):
                await service.create_pin(record, daily, COMMAND_LINE)
            known = await service.lock(record.id)
            assert known == replace(record, zone="America/New_York")
            assert await service.create_pin(known, daily, COMMAND_LINE) == 1

    scenario(test)


def test_a_zone_is_left_to_whoever_converts_nothing() -> None:
    async def scenario() -> None:
        door: Door = await open_door()
        assert await door.client(known=replace(door.known, zone=None)).ping(b"x") == b"x"
        with pytest.raises(ZoneChanged):
            await door.client(known=replace(door.known, zone="Europe/Warsaw")).ping(b"x")

    run(scenario())
