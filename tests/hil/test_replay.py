"""A recording repeats itself at the lock that made it, and at another; a firmware that answers otherwise is told."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bridge.cli import running
from bridge.links.base import Inbox
from bridge.links.memory import MemoryLink
from firmware_sim import links
from firmware_sim.control import serve_control
from firmware_sim.ports.pty import serve_pty
from hil.bench.hardware import BenchHands
from hil.errors import BenchFault, Nonconformant, NotReached
from hil.line import Deaf, Pace, Patience, Way
from hil.recording.capture import Capture
from hil.recording.commands import replay as replay_command
from hil.recording.keeping import TestEar
from hil.recording.reading import read_recording
from hil.recording.replay import Replayed, make_ready, replay
from hil.recording.substitutes import Paired, Substitutes
from hil.recording.trace import Event, Recording
from hil.station import Station
from protocol.codec import encode_request
from protocol.label import format_label
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.declaration import Request, Response
from protocol.messages.device import PingRequest
from protocol.messages.pins import (
    PinClearRequest,
    PinCreateRequest,
    PinDeleteRequest,
    PinGetRequest,
    PinListRequest,
    PinUpdateRequest,
)
from protocol.pin_rules import check_digits
from protocol.vocabulary import BoltAction, PinEntry, Rule
from tests.hil.mutants import MUTANTS
from tests.hil.recorded import ANNA, BOB, bench, keep, lock, sealed, traced

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parents[2]


def entry(digits: str) -> PinEntry:
    return PinEntry(digits=digits, alias="somebody")


def creating(digits: str) -> Callable[[int], Request]:
    """Return what makes the request that creates a pin."""
    return lambda operation: PinCreateRequest(operation=operation, entry=entry(digits))


async def _life_of_a_lock(station: Station) -> None:
    """Do at a lock whatever a replay has to do again."""
    session = await station.begin()
    anna = await session.create(ANNA)
    bob = await session.create(BOB)
    for digits in (ANNA.digits, "1234", "11111", "12345", "x7531"):
        await session.try_change(creating(digits))
    await session.ask(PinGetRequest(id=anna))
    await session.ask(PinGetRequest(id=bob + 1))
    await session.ask(PinListRequest(list_version=0, after=0))
    await session.ask(PinListRequest(list_version=(await session.status()).list_version, after=anna))
    await session.ask(PinListRequest(list_version=1, after=anna))
    create = session.ends.seal(encode_request(PingRequest(payload=b"again")))
    await session.ask_frame(PingRequest(payload=b"again"), create)
    await session.ask_frame(PingRequest(payload=b"again"), create)
    await station.hands.enter(ANNA.digits)
    await station.hands.enter("86429")
    await station.hands.enter("1")
    await session.create(entry("24680"))
    await station.hands.power_cycle()
    session = await station.open()
    await session.status()
    await session.try_change(lambda operation: PinUpdateRequest(operation=operation, id=bob, entry=entry("75319")))
    await session.try_change(lambda operation: PinDeleteRequest(operation=operation, id=anna))
    await session.ask(PinDeleteRequest(operation=session.peer.operation, id=anna))
    await session.ask(PinDeleteRequest(operation=session.peer.operation, id=bob))
    await session.try_change(lambda operation: BoltOperateRequest(operation=operation, action=BoltAction.UNLOCK))
    for _ in range(4):  # more than a lock has links
        await session.line.close()
        session = await station.open()
        await session.status()
    await station.hands.show(None)
    await session.status()
    await session.info()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of it, at a lock that has seen other pins before."""
    folder = tmp_path_factory.mktemp("recording")
    ear = TestEar()

    async def record() -> None:
        async with bench(folder, ear) as station:
            await station.make_known()
            session = await station.begin()
            for number in range(3):
                await session.create(entry(f"8642{number}"))
            await session.change(lambda operation: PinClearRequest(operation=operation), Response)
            await session.line.close()
            ear.capture = Capture()
            await _life_of_a_lock(station)

    asyncio.run(record())
    ear.capture.end("passed")
    return keep(ear.capture, folder / "life")[0]


def replayed(folder: Path, recording: Recording, **how: Any) -> Replayed:
    """Return what a replay comes to at a lock of its own."""

    async def repeat() -> Replayed:
        async with bench(folder, **how) as station:
            await make_ready(station)
            return await replay(recording, station)

    return asyncio.run(repeat())


@pytest.mark.parametrize("end", ["trace", "pcapng"])
def test_a_recording_repeats_itself(tmp_path: Path, recording: Path, end: str) -> None:
    came = replayed(tmp_path, read_recording(recording.with_suffix(f".{end}")))
    assert came.differences == ()
    assert came.sent > 30
    assert came.left_out == 0
    came.must_agree()


def test_other_digits_are_sent_for_hidden_pins(tmp_path: Path, recording: Path) -> None:
    second = Capture(show_pins=True)
    replayed(tmp_path, read_recording(recording), ear=second)
    then = [
        event for event in read_recording(recording).events if event.name == "create_pin" and event.way is Way.TO_LOCK
    ]
    now = [event for event in second.messages if event.name == "create_pin" and event.way is Way.TO_LOCK]
    digits = [event.fields["entry"]["digits"] for event in now]
    assert len(digits) == len(then) == 8
    assert not {ANNA.digits, BOB.digits} & set(digits)
    assert digits[0] == digits[2] != digits[1]
    rules = [check_digits(each) for each in digits[3:7]]
    assert rules == [Rule.DIGITS_LENGTH, Rule.DIGITS_VARIETY, Rule.DIGITS_SEQUENCE, Rule.DIGITS_DECIMAL]


@pytest.mark.parametrize(
    ("mutant", "says"),
    [
        ("wrong status for a duplicate", "create_pin was answered exists, and now busy"),
        ("list version stands still", "list_version="),
        ("disabled pins open", None),
        ("operation forgotten", "delete_pin was answered"),
        ("acknowledged before it is written", "used=2, and now with used=1"),
        ("clock trusted after power loss", "status was answered with clock=untrusted, and now with clock=trusted"),
    ],
)
def test_a_firmware_that_answers_otherwise_is_told(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch, mutant: str, says: str | None
) -> None:
    MUTANTS[mutant].plant(monkeypatch)
    came = replayed(tmp_path, read_recording(recording))
    assert came.exit_code == (says is not None)
    if says:
        assert any(says in str(each) for each in came.differences)
        with pytest.raises(Nonconformant, match=r"answers? differ"):
            came.must_agree()


def test_a_lock_of_fewer_slots_is_told(tmp_path: Path, recording: Path) -> None:
    came = replayed(tmp_path, read_recording(recording), build=lambda: lock(1))
    assert any("create_pin was answered ok, and now full" in str(each) for each in came.differences)


def test_digits_that_come_back_wrong_are_told_without_them(tmp_path: Path, recording: Path) -> None:
    found = read_recording(recording)
    events = [
        Event(**{**_fields(event), "fields": {**event.fields, "entry": {**event.fields["entry"], "digits": "•2"}}})
        if event.name == "get_pin" and event.status == "ok" else event for event in found.events
    ]  # fmt: skip
    came = replayed(tmp_path, Recording(header=found.header, events=tuple(events)))
    assert [str(each)[15:] for each in came.differences] == ["get_pin was answered with entry, and now with entry"]


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("at", "way", "what", "counter", "name", "status", "fields")}


def test_a_recording_of_no_request_cannot_be_repeated(tmp_path: Path) -> None:
    with pytest.raises(BenchFault, match="there is nothing to repeat"):
        replayed(tmp_path, Recording(header={}, events=()))


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    capture = Capture()
    for body, answer in ((b"\xee", b"\xee\x0b"), (b"\x03\x01?", b"\x03\x00\x01?"), (b"\x21", b"\x21\x00")):
        capture.frame(Way.TO_LOCK, sealed(), partial(bytes, body))
        capture.frame(Way.FROM_LOCK, sealed(), partial(bytes, answer))
    came = replayed(tmp_path, Recording(header={}, events=capture.events))
    assert (came.sent, came.left_out, came.differences) == (1, 2, ())
    assert str(came).endswith("all answers are the same. Left out, because it cannot be repeated: 2.")


def test_numbers_that_a_lock_gives_are_paired_and_others_are_none_of_now() -> None:
    ids = Paired()
    assert ids.fit(7, 1)
    assert ids.now(7) == 1
    assert not ids.fit(8, 1)
    assert not ids.fit(7, 2)
    assert ids.now(9) == 9
    assert ids.now(1) not in (0, 1)
    assert ids.fit(0, 0)
    assert not Paired().fit(0, 1)


def test_substitutes_are_drawn_alike_each_time() -> None:
    drawn = [Substitutes((), Random(1)).digits("•1") for _ in range(2)]  # noqa: S311  it has to repeat itself
    assert drawn[0] == drawn[1]
    assert check_digits(drawn[0]) is None
    assert Substitutes((), Random(1)).digits("97531") == "97531"  # noqa: S311  as above


def test_a_recording_is_a_test_of_ones_own(pytester: pytest.Pytester, recording: Path) -> None:
    pytester.makepyfile(f"""
        from pathlib import Path

        from hil.recording.reading import read_recording
        from hil.recording.replay import replay

        async def test_what_failed_on_monday(lock):
            (await replay(read_recording(Path({str(recording)!r})), lock)).must_agree()
    """)
    pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=1)


class Command:
    """`latchwire trace …`, as its words are taken."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, list[str], str]:
        code = running.run(["trace", *words])
        out, err = self._capsys.readouterr()
        return code, out.splitlines(), err


@pytest.fixture
def trace(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    group = EntryPoint("trace", "hil.recording.commands:app", "latchwire.commands")
    monkeypatch.setattr(running, "entry_points", lambda **_: [group])
    return Command(capsys)


def test_the_group_is_declared() -> None:
    assert 'trace = "hil.recording.commands:app"' in (ROOT / "pyproject.toml").read_text()


def test_a_recording_is_shown_to_people_and_to_programs(trace: Command, tmp_path: Path) -> None:
    file, capture = traced(tmp_path)
    code, lines, _ = trace("decode", str(file))
    assert code == 0
    assert lines[0] == "# test: a test"
    assert lines[2:] == file.read_text().splitlines()[4:]
    assert trace("decode", str(capture))[1] == lines
    _, objects, _ = trace("decode", str(file), "--json")
    told = [json.loads(line) for line in objects]
    assert told[1]["name"] == "create_pin"
    assert told[1]["fields"]["entry"]["digits"] == "•1"
    assert told[4]["fields"] == {"why": "too short", "bytes": 7}


def test_a_recording_that_is_cut_off_is_shown_and_told(trace: Command, tmp_path: Path) -> None:
    for path in traced(tmp_path):
        path.write_bytes(path.read_bytes()[:-5])
        code, lines, _ = trace("decode", str(path))
        assert code == 0
        assert "is cut off" in lines[-1]


def test_a_file_that_is_none_is_told(trace: Command, tmp_path: Path) -> None:
    code, lines, said = trace("decode", str(tmp_path / "none"))
    assert (code, lines) == (2, [])
    assert "none cannot be read (No such file or directory)" in said


def test_a_replay_at_a_simulated_lock_ends_with_0(trace: Command, recording: Path) -> None:
    code, lines, _ = trace("replay", str(recording), "sim:")
    assert code == 0
    assert lines[-1].endswith("all answers are the same.")


def test_a_replay_with_other_answers_tells_each_and_ends_with_1(
    trace: Command, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS["wrong status for a duplicate"].plant(monkeypatch)
    code, lines, _ = trace("replay", str(recording), "sim:")
    assert code == 1
    assert lines[0].endswith("create_pin was answered exists, and now busy")
    assert lines[-1].endswith("1 answer differs.")


def test_a_replay_at_a_lock_that_is_there_has_to_be_meant(trace: Command, recording: Path) -> None:
    code, _, said = trace("replay", str(recording), "serial:/dev/nothing")
    assert code == 2
    assert "clears the pins" in said
    assert "--yes" in said


def test_a_replay_where_no_lock_is_ends_with_3(trace: Command, recording: Path, tmp_path: Path) -> None:
    label = tmp_path / "label"
    label.write_text(format_label(bytes(16)))
    code, _, said = trace("replay", str(recording), f"serial:{tmp_path}/nothing", "--yes", "--label-file", str(label))
    assert code == 3, said
    assert "cannot be reached" in said


async def at_a_pty(folder: Path, recording: Path, *, control: bool, window: bool) -> list[object]:
    """Repeat a recording at a lock that is there, behind a pty; return what the command says."""
    simulator, label = lock(), folder / "label"
    label.write_text(format_label(simulator.device.factory.secret))
    async with AsyncExitStack() as stack:
        stack.callback(simulator.stop)
        stack.enter_context(serve_pty(simulator, folder / "lock"))
        if control:
            await stack.enter_async_context(serve_control(simulator, folder / "ctl"))
        if window:
            simulator.hold_button(5)
        told = replay_command(
            recording,
            f"serial:{folder / 'lock'}",
            label_file=label,
            control=folder / "ctl" if control else None,
            yes=True,
        )
        return [each async for each in told]


def test_a_lock_that_is_there_repeats_it_by_its_control_socket(tmp_path: Path, recording: Path) -> None:
    (came,) = asyncio.run(at_a_pty(tmp_path, recording, control=True, window=False))
    assert str(came).endswith("all answers are the same.")


def test_a_lock_without_hands_repeats_its_requests_once_somebody_has_opened_the_window(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "SECONDS", 0.0)
    monkeypatch.setattr(links, "HANDSHAKES", 1000)
    *differences, came = asyncio.run(at_a_pty(tmp_path, recording, control=False, window=True))
    assert str(came).endswith("Left out, because it cannot be repeated: 6.")
    assert [str(each)[15:] for each in differences] == [
        "status was answered with clock=untrusted, and now with clock=trusted"
    ]


def test_a_window_that_is_closed_is_told_where_no_hand_can_open_it(tmp_path: Path, recording: Path) -> None:
    with pytest.raises(BenchFault, match="pairing window is closed: hold its button"):
        asyncio.run(at_a_pty(tmp_path, recording, control=False, window=False))


@pytest.mark.parametrize(("hangs_up", "says"), [(False, "Nothing answers"), (True, "has ended the link")])
def test_a_target_at_which_nothing_answers_is_not_reached(hangs_up: bool, says: str) -> None:
    class Nobody:
        def receive(self, data: bytes) -> None:
            del data
            if hangs_up:
                inbox.lose()

        def disconnect(self) -> None:
            inbox.lose()

    inbox = Inbox()

    async def connect() -> MemoryLink:
        return MemoryLink(Nobody(), inbox)

    patience = Patience(answer=0.01, quiet=0.01)
    station = Station(connect, BenchHands({}, None, None), bytes(16), patience=patience, random=Random(1), ear=Deaf())  # noqa: S311
    with pytest.raises(NotReached, match=says):
        asyncio.run(make_ready(station))


def test_a_recording_that_does_not_tell_enough_is_told_of(tmp_path: Path) -> None:
    whole = read_recording(traced(tmp_path)[0]).events
    bare = tuple(replace(event, fields={}) for event in whole)
    (tmp_path / "anew").mkdir()
    with pytest.raises(BenchFault, match="The recording cannot be repeated from enter on"):
        replayed(tmp_path / "anew", Recording(header={}, events=bare))
