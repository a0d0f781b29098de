"""A scan finds the locks that answer, says why others do not, and writes nothing but a hello anywhere."""

import asyncio
import os
import tty
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import BridgeError, Obstacle, Unreachable, UsageError, VersionMismatch
from bridge.handshakes import Greeting
from bridge.links import Link, MemoryHub, open_link, place
from bridge.scanning import NOBODY, Answer
from protocol.codec import parse
from protocol.framing import Frame, FrameDecoder, Kind
from protocol.messages.hello import HELLO_REQUEST, Mode
from tests.together.links import Dead
from tests.together.pairings import WISH, Workshop, workshop
from tests.together.processes import Place

Scenario = Callable[[Callable[[Workshop], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test in a fresh workshop."""

    async def opened(test: Callable[[Workshop], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            await test(shop)

    return lambda test: asyncio.run(opened(test))


def test_a_lock_that_answers_is_told_with_its_window_and_its_name(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            (new,) = await service.scan(["memory:front"], ports=False)
            assert (new.answer, new.record, new.pairing_open, new.in_use) == (Answer.LOCK, None, True, False)
            assert new.lock is not None
            assert new.lock.lock_id == shop.locks["front"].device.factory.lock_id
            assert new.advice is not None
            assert "latchwire pair memory:front" in new.advice
            record = await service.pair(WISH, shop.label)
            (known,) = await service.scan(["memory:front"], ports=False)
            assert (known.record, known.pairing_open, known.in_use, known.advice) == (record, False, True, None)

    scenario(test)


def test_nothing_is_sent_but_one_hello_that_names_no_bridge(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        await shop.pair()
        async with shop.process() as service:
            await service.scan(["memory:front"], ports=False)
        (hello,) = shop.sent
        assert hello.kind is Kind.HELLO_REQUEST
        asked = parse(HELLO_REQUEST, hello.body)
        assert (asked.mode, asked.peer_id) == (Mode.SESSION, NOBODY)

    scenario(test)


def test_all_are_asked_at_once_and_told_in_their_order(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        shop.ack_timeout = 0.01
        diary: list[tuple[str, int]] = []

        class Waiting(Dead):
            """Answers nobody; notes which link was written to, and which was given up."""

            async def close(self) -> None:
                diary.append(("closed", id(self)))
                await super().close()

            async def write(self, data: bytes) -> None:
                diary.append(("written", id(self)))
                await super().write(data)

        shop.add_lock("back")
        shop.wrap = Waiting
        async with shop.process() as service:
            found = await service.scan(["memory:front", "memory:back", "memory:front"], ports=False)
        assert [(each.target, each.answer) for each in found] == [
            ("memory:front", Answer.SILENT),
            ("memory:back", Answer.SILENT),
        ]
        first_given_up = [what for what, _ in diary].index("closed")
        assert len({link for _, link in diary[:first_given_up]}) == len(shop.links) == 2

    scenario(test)


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        (Unreachable("why", obstacle=Obstacle.BUSY), Answer.BUSY),
        (Unreachable("why", obstacle=Obstacle.FORBIDDEN), Answer.FORBIDDEN),
        (Unreachable("why", obstacle=Obstacle.MISSING), Answer.MISSING),
        (Unreachable("why", obstacle=Obstacle.OTHER), Answer.UNREACHABLE),
        (Unreachable("too many hellos"), Answer.UNREACHABLE),
        (VersionMismatch("why"), Answer.OTHER_VERSION),
    ],
    ids=repr,
)
def test_why_none_answers_is_told_in_a_word_and_a_sentence(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, failure: BridgeError, answer: Answer
) -> None:
    async def fail(*_: object) -> Greeting:
        raise failure

    async def test(shop: Workshop) -> None:
        monkeypatch.setattr("bridge.scanning.greet", fail)
        async with shop.process() as service:
            (found,) = await service.scan(["memory:front"], ports=False)
        assert (found.answer, found.lock, found.advice) == (answer, None, str(failure))
        assert shop.links[-1].lost

    scenario(test)


def test_a_target_that_is_none_is_refused_before_any_is_opened(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            with pytest.raises(UsageError, match="is no target"):
                await service.scan(["memory:front", "usb:1"], ports=False)
        assert shop.links == []

    scenario(test)


def test_a_place_has_one_name_whatever_leads_to_it(tmp_path: Path) -> None:
    master, slave = os.openpty()
    try:
        link = tmp_path / "by-id"
        link.symlink_to(os.ttyname(slave))
        assert place(f"serial:{link}?baud=9600") == place(f"serial:{os.ttyname(slave)}")
        assert place("tcp:a:1") != place("tcp:b:1")
        assert place("ble:a0b0c0d0?adapter=hci1") == place("ble:A0B0C0D0") != place("ble:A0B0C0D1")
    finally:
        os.close(master)
        os.close(slave)


def test_ports_of_this_machine_are_asked_as_they_are_registered(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(shop: Workshop) -> None:
        record = await shop.pair()
        opened: list[str] = []

        async def note(target: str, _hub: MemoryHub | None) -> Link:
            opened.append(target)
            return await open_link(target)

        monkeypatch.setattr("bridge.engine.open_link", note)
        monkeypatch.setattr("bridge.service.serial_targets", lambda: ("serial:/dev/nowhere", "serial:/dev/other"))
        async with shop.process() as service:
            await service._registry.save_lock(replace(record, target="serial:/dev/../dev/nowhere?baud=9600"))
            found = await service.scan([], ports=True)
        assert sorted(opened) == ["serial:/dev/../dev/nowhere?baud=9600", "serial:/dev/other"]
        assert [each.answer for each in found] == [Answer.MISSING, Answer.MISSING]

    scenario(test)


def test_the_command_tells_locks_by_name_and_number(bench: Place) -> None:
    with bench.lock(), bench.staying("sim", "run", "--tcp", "127.0.0.1:0") as other:
        assert bench.pair().code == 0
        port, tcp = f"serial:{bench.path('lock0')}", f"tcp:{other.ready['tcp']}"
        done = bench.here("scan", "--no-ports", port, tcp, "tcp:127.0.0.1:1", "--json")
        assert done.code == 0, done
        known, new, nobody = done.lines()
        assert (known["target"], known["answer"], known["name"], known["in_use"]) == (port, "lock", "front", True)
        assert (new["target"], new["name"], new["in_use"], new["pairing_open"]) == (tcp, None, False, False)
        assert len(new["lock"]) == 8
        assert (nobody["answer"], nobody["lock"]) == ("unreachable", None)
        assert "Connection refused" in nobody["advice"]
        table = bench.here("scan", "--no-ports", port).out
        assert "front" in table


def test_ports_without_a_lock_say_what_to_do_and_hear_nothing_but_hellos(bench: Place) -> None:
    bench.environment["LATCHWIRE_DEADLINE"] = "3"
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    try:
        file = bench.folder / "file"
        file.touch()
        words = [f"serial:{os.ttyname(slave)}", f"serial:{bench.path('none')}", f"serial:{file}"]
        done = bench.here("scan", "--no-ports", *words)
        assert (done.code, done.err.startswith("latchwire: No lock answers.")) == (3, True)
        silent, missing, useless = done.out.splitlines()[1:]
        assert "silent" in silent
        assert "nothing there speaks the protocol" in silent
        assert "there is no such port" in missing
        assert "cannot be used as a serial port" in useless
        heard = FrameDecoder().feed(os.read(master, 65536))
        frames = [piece for piece in heard if isinstance(piece, Frame)]
        assert len(frames) == len(heard) == 3
        assert {frame.kind for frame in frames} == {Kind.HELLO_REQUEST}
        assert len(set(frames)) == 1
    finally:
        os.close(master)
        os.close(slave)


def test_a_port_that_another_program_has_open_is_busy(bench: Place) -> None:
    async def scenario() -> None:
        link = await open_link(f"serial:{bench.path('lock0')}")
        try:
            words = ["scan", "--no-ports", f"serial:{bench.path('lock0')}", "--json"]
            done = await asyncio.to_thread(bench.latchwire, *words)
        finally:
            await link.close()
        busy, _ = done.lines()
        assert (done.code, busy["answer"]) == (3, "busy")
        assert "Close that program" in busy["advice"]

    with bench.lock():
        asyncio.run(scenario())
