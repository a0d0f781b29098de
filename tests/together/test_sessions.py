"""How the client makes, keeps and gives up sessions at a real simulated lock, and what it makes of strange frames."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest

from bridge.errors import LinkLost, NotPaired, Refused, Unreachable, VersionMismatch
from bridge.links import Link
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from hil.bench.inprocess import InProcessLock
from protocol.codec import build, parse
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.hello import HELLO_RESPONSE
from protocol.session import MAX_AGE
from protocol.vocabulary import Status
from tests.together.door import open_door, pin
from tests.together.links import Deaf, Whole, frames_of
from tests.virtual_time import run, virtual_loop


class Answering(Whole):
    """Puts frames of somebody else, with the counter of the answer and theirs, before the answers of one kind.

    `only` is the one answer of this kind that is meant, counted from 0.
    """

    def __init__(self, link: Link, kind: Kind, strangers: Sequence[Frame], *, only: int | None = None) -> None:
        super().__init__(link)
        self._kind = kind
        self._strangers = strangers
        self._only = only
        self._seen = count()

    def inward(self, frame: bytes) -> Sequence[bytes]:
        (answer,) = frames_of([frame])
        if answer.kind is not self._kind or self._only not in (None, next(self._seen)):
            return [frame]
        forged = (replace(each, counter=(each.counter + answer.counter) % 2**32) for each in self._strangers)
        return [*map(encode_frame, forged), frame]


class HangingUp(Whole):
    """Ends as soon as something is written."""

    async def write(self, data: bytes) -> None:
        del data
        await self.close()


class Stuffed(Whole):
    """Takes so many frames; then the other side reads no more."""

    def __init__(self, link: Link, frames: int) -> None:
        super().__init__(link)
        self._frames = frames

    async def write(self, data: bytes) -> None:
        if len(self.written) == self._frames:
            raise LinkLost("The link is stuffed.")
        await super().write(data)


class Hello(Whole):
    """Edits the lock's hello."""

    def __init__(self, link: Link, *, chosen: int) -> None:
        super().__init__(link)
        self._chosen = chosen

    def inward(self, frame: bytes) -> Sequence[bytes]:
        (hello,) = frames_of([frame])
        if hello.kind is not Kind.HELLO_RESPONSE:
            return [frame]
        said = replace(parse(HELLO_RESPONSE, hello.body), chosen=self._chosen, highest=9)
        return [encode_frame(replace(hello, body=build(HELLO_RESPONSE, said)))]


def frame(kind: Kind, *, version: int = 1, counter: int = 0, body: bytes = b"") -> Frame:
    return Frame(version=version, kind=kind, counter=counter, body=body)


STRANGERS = [
    frame(Kind.REFUSED, counter=1),
    frame(Kind.REFUSED, counter=0xFFFFFFFF),
    frame(Kind.REFUSED, version=0),
    frame(Kind.TRANSPORT, body=bytes(40)),
    frame(Kind.TRANSPORT),
    frame(Kind.TRANSPORT, counter=1, body=bytes(40)),
    frame(Kind.TRANSPORT, version=0, body=bytes(40)),
    frame(Kind.HANDSHAKE, body=bytes(48)),
    frame(Kind.HELLO_RESPONSE, version=0, body=bytes(24)),
    frame(Kind.HELLO_REQUEST, version=0, body=bytes(7)),
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_a_stray_or_forged_frame_before_an_answer_is_ignored(stranger: Frame) -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Answering(link, Kind.TRANSPORT, [stranger])
        await door.client().create_pin(pin("97531"))
        assert [sent.counter for sent in door.sent_of(Kind.TRANSPORT)] == [0, 1, 2]
        assert virtual_loop().time() == 0

    run(scenario())


HELLO_STRANGERS = [
    frame(Kind.REFUSED, version=0, counter=1),
    frame(Kind.REFUSED, version=1),
    frame(Kind.HELLO_RESPONSE, version=0, counter=1, body=bytes(24)),
    frame(Kind.HELLO_RESPONSE, version=1, body=bytes(24)),
    frame(Kind.HELLO_RESPONSE, version=0, body=bytes(23)),
    frame(Kind.HANDSHAKE, body=bytes(48)),
]


@pytest.mark.parametrize("stranger", HELLO_STRANGERS, ids=str)
def test_a_stray_frame_before_the_hello_is_ignored(stranger: Frame) -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Answering(link, Kind.HELLO_RESPONSE, [stranger])
        await door.client().ping()
        assert len(door.sent) == 4

    run(scenario())


def test_a_forged_refusal_costs_a_session_and_nothing_else() -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Answering(link, Kind.TRANSPORT, [frame(Kind.REFUSED)], only=2)
        before = door.list_version
        assert (await door.client().create_pin(pin("97531"))).id == 1
        assert door.list_version == before + 1
        assert len(door.sent_of(Kind.HELLO_REQUEST)) == 2

    run(scenario())


@pytest.mark.parametrize("refusal", [Kind.REFUSED, Kind.HANDSHAKE])
def test_a_forged_end_of_a_handshake_is_said_to_be_one_and_the_keys_are_kept(refusal: Kind) -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Answering(link, Kind.HANDSHAKE, [frame(refusal, body=bytes(48))])
        client = door.client()
        with pytest.raises(NotPaired, match=r"or something on the line pretends so\. The keys are kept"):
            await client.ping()
        await client.close()
        door.wrap = Whole
        await client.ping()

    run(scenario())


def test_a_lock_that_has_lost_its_power_is_asked_again_at_once_in_a_new_session() -> None:
    async def scenario() -> None:
        door = await open_door()
        door.target = "memory:wire"
        client = door.client()
        await client.clear_pins()
        for number, digits in enumerate(["97531", "86420", "13579"], start=1):
            door.simulator.power_cycle()
            assert (await client.create_pin(pin(digits))).id == number
        assert len(door.links) == 1
        assert len(door.sent_of(Kind.HELLO_REQUEST)) == 4
        assert virtual_loop().time() < 0.31  # not one acknowledgement timeout
        await client.close()

    run(scenario())


def test_a_link_that_was_lost_while_idle_is_opened_anew() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await client.create_pin(pin("97531"))
        door.simulator.power_cycle()
        assert door.links[0].lost
        assert (await client.create_pin(pin("86420"))).id == 2
        assert len(door.links) == 2
        assert virtual_loop().time() == 0  # nothing was sent into the void
        door.simulator.power_cycle()
        door.hub.ends.clear()
        with pytest.raises(Unreachable, match="memory:front"):
            await client.ping()

    run(scenario())


def test_a_link_that_breaks_in_each_handshake_is_no_endless_loop() -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = HangingUp
        with pytest.raises(LinkLost):
            await door.client().ping()

    run(scenario())


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_a_link_that_takes_no_more_bytes_is_opened_anew_even_where_it_does_not_look_lost(frames: int) -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Whole(link) if door.links else Stuffed(link, frames)
        client = door.client()
        if frames < 2:  # nothing was asked yet
            with pytest.raises(LinkLost):
                await client.ping()
        assert await client.ping(b"through") == b"through"
        assert len(door.links) == 2
        assert len(door.simulator.device.firmware._links.links) == 1

    run(scenario())


def test_another_lock_behind_the_target_is_told_apart_before_it_is_asked_for_anything() -> None:
    async def scenario() -> None:
        door = await open_door()
        other = Simulator(NorFlash(GEOMETRY), slots=5, now=virtual_loop().now_ns)
        door.hub.ends["front"] = InProcessLock(other)
        expected = f"{other.device.factory.lock_id:08X}, not {door.known.wire_id:08X}"
        client = door.client()
        for _ in range(2):
            with pytest.raises(Unreachable, match=expected):
                await client.create_pin(pin("97531"))
        assert {sent.kind for sent in door.sent} == {Kind.HELLO_REQUEST}
        other.stop()

    run(scenario())


@pytest.mark.parametrize(
    ("chosen", "known", "sentence"),
    [
        (0, 1, r"The lock speaks protocol versions 1 to 9, this bridge 1 to 1\."),
        (2, 1, r"The lock speaks protocol versions 1 to 9, this bridge 1 to 1\."),
        (1, 2, r"spoken protocol version 2 before and offers 1 now.* Nothing was sent\."),
    ],
)
def test_a_version_that_is_not_shared_or_lower_than_before_ends_it_with_the_hello(
    chosen: int, known: int, sentence: str
) -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Hello(link, chosen=chosen)
        with pytest.raises(VersionMismatch, match=sentence):
            await door.client(known=replace(door.known, version=known)).create_pin(pin("97531"))
        assert {sent.kind for sent in door.sent} == {Kind.HELLO_REQUEST}

    run(scenario())


def test_an_edited_hello_ends_in_a_failed_handshake() -> None:
    async def scenario() -> None:
        door = await open_door()
        door.wrap = lambda link: Hello(link, chosen=1)
        with pytest.raises(NotPaired):
            await door.client().ping()

    run(scenario())


def test_a_session_ends_with_its_last_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 4)

    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        before = door.list_version
        for digits in ("97531", "86420", "13579", "24680"):
            await client.create_pin(pin(digits))
            await client.ping()
        assert (len(door.pins), door.list_version) == (4, before + 4)
        assert [sent.counter for sent in door.sent_of(Kind.TRANSPORT)][:10] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
        assert virtual_loop().time() == 0  # no frame was refused

    run(scenario())


@pytest.mark.parametrize(("ahead", "seconds"), [(0.0, 0.0), (-float(MAX_AGE), 0.1)])
def test_a_session_ends_after_a_day_at_the_bridge_or_else_at_the_lock(ahead: float, seconds: float) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await client.ping()
        await asyncio.sleep(MAX_AGE - 1)
        await client.ping()
        assert len(door.sent_of(Kind.HELLO_REQUEST)) == 1
        await asyncio.sleep(1)
        door.ahead = ahead
        before = virtual_loop().time()
        assert (await client.create_pin(pin("97531"))).id == 1
        assert virtual_loop().time() - before == pytest.approx(seconds, abs=1e-6)
        assert len(door.sent_of(Kind.HELLO_REQUEST)) == 2

    run(scenario())


def test_too_many_hellos_are_unreachable_at_first_and_an_unknown_outcome_behind_a_request() -> None:
    async def scenario() -> None:
        door = await open_door()
        door.target = "memory:wire"
        door.wrap = Deaf
        client = door.client()
        await client.clear_pins()
        (link,) = door.links
        assert isinstance(link, Deaf)
        link.kinds = {Kind.TRANSPORT, Kind.HANDSHAKE}
        with pytest.raises(LinkLost, match=r"^The lock was asked .* too many hellos"):
            await client.create_pin(pin("97531"))
        assert len(door.pins) == 1
        with pytest.raises(Unreachable, match=r"^The lock has seen too many hellos"):
            await client.create_pin(pin("86420"))
        link.kinds = ()
        await asyncio.sleep(10)
        assert (await client.create_pin(pin("86420"))).id == 2

    run(scenario())


def test_a_refusal_of_the_lock_says_why_and_the_session_goes_on() -> None:
    async def scenario() -> None:
        door = await open_door(slots=1)
        client = door.client()
        await client.create_pin(pin("97531"))
        for digits, status in (("97531", Status.EXISTS), ("86420", Status.FULL)):
            with pytest.raises(Refused) as refusal:
                await client.create_pin(pin(digits))
            assert refusal.value.status is status
        with pytest.raises(Refused) as refusal:
            await client.get_pin(7)
        assert refusal.value.status is Status.NOT_FOUND
        await client.delete_pin(1)
        assert len(door.sent_of(Kind.HELLO_REQUEST)) == 1

    run(scenario())


def test_a_bridge_that_was_unpaired_is_told_so() -> None:
    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await client.unpair()
        with pytest.raises(NotPaired):
            await client.ping()

    run(scenario())
