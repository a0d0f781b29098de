"""Power that is verified: real programs and relays at a lock on a real pty, and switches that do not cut."""

import asyncio
import os
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError, LinkLost
from bridge.links import Link, open_link
from hil.bench import switches
from hil.bench.hardware import BenchHands, open_hands
from hil.bench.power import Power, PowerNotBack, PowerNotCut, PowerState
from hil.bench.presence import Presence
from hil.bench.switches import Operator
from hil.errors import BenchFault
from hil.hands import Hand
from protocol.framing import Frame, Kind, encode_frame
from tests.hil.outlets import Bench, bench_in, script

CUTTING = {"kind": "cmd", "on": ["./switch", "on"], "off": ["./switch", "off"], "settle": 5.0}
LYING = {"kind": "cmd", "on": ["./lie", "on"], "off": ["./lie", "off"], "settle": 0.01}


@pytest.fixture(autouse=True)
def _programs(tmp_path: Path) -> None:
    script(tmp_path / "switch", 'echo "$1" > outlet; echo "$1" >> told')
    script(tmp_path / "lie", 'echo "$1" >> told')


def power_of(bench: Bench, table: dict[str, Any], operator: Operator | None = None) -> Power:
    hands = open_hands({}, table, folder=bench.folder, check=bench.presence, operator=operator)
    assert isinstance(hands, BenchHands)
    assert hands.power
    return hands.power


def at(folder: Path, act: Callable[[Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        async with bench_in(folder) as bench:
            await act(bench)

    asyncio.run(main())


def told(folder: Path) -> list[str]:
    return (folder / "told").read_text().split()


def test_power_goes_and_comes_and_its_state_is_what_the_lock_says(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        power = power_of(bench, CUTTING)
        assert await power.state() is PowerState.ON
        await power.off()
        assert await power.state() is PowerState.OFF
        await power.on()
        assert (await power.state(), bench.lock.starts) == (PowerState.ON, 1)
        await power.cycle()
        assert bench.lock.starts == 2

    at(tmp_path, act)


def test_a_switch_that_does_not_cut_is_told_and_switched_on_again(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(PowerNotCut, match=r"still answers\. Probably the command switches another outlet"):
            await power_of(bench, LYING).cycle()

    at(tmp_path, act)
    assert told(tmp_path) == ["off", "on"]


def test_a_switch_that_fails_is_told_and_switched_on_again(tmp_path: Path) -> None:
    script(tmp_path / "off", "echo 'no relay at 97531' >&2; exit 3")

    async def act(bench: Bench) -> None:
        with pytest.raises(BenchFault, match=r"^\[target.power\] off: .*/off ended with 3\..*no relay at •$"):
            await power_of(bench, CUTTING | {"off": ["./off"]}).cycle()

    at(tmp_path, act)
    assert told(tmp_path) == ["on"]


def test_power_that_does_not_come_back_is_told_with_what_was_seen_last(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        power = power_of(bench, CUTTING | {"on": ["./lie", "on"], "settle": 0.01})
        with pytest.raises(PowerNotBack, match=r"does not answer\. .* The lock did not answer a hello within 0.1 s\.$"):
            await power.cycle()

    at(tmp_path, act)


def test_a_lock_that_dies_slowly_is_waited_for(tmp_path: Path) -> None:
    """The command ends at once and cuts later, when the lock was heard once more."""
    script(tmp_path / "slow", "touch later")

    async def act(bench: Bench) -> None:
        hear = bench.lock.receive

        def last_words(number: int, data: bytes) -> None:
            hear(number, data)
            if (tmp_path / "later").exists():
                bench.outlet.write_text("off")

        bench.lock.receive = last_words  # type: ignore[method-assign]
        await power_of(bench, CUTTING | {"off": ["./slow"]}).off()

    at(tmp_path, act)


def test_a_look_takes_the_one_link_away_and_its_user_sees_it_lost(tmp_path: Path) -> None:
    """Else a port that is in use would look like a lock without power."""

    async def act(bench: Bench) -> None:
        link = await bench.presence.connect()
        with pytest.raises(PowerNotCut):
            await power_of(bench, LYING).off()
        assert link.lost
        with pytest.raises(LinkLost):
            await link.read()
        await (await bench.presence.connect()).close()

    at(tmp_path, act)


def test_a_port_that_another_program_uses_is_no_lock_without_power(tmp_path: Path) -> None:
    async def opened(place: str) -> Link:
        try:
            return await open_link(place)
        except BridgeError as error:
            raise BenchFault(f"The target cannot be reached: {error}") from None

    async def act(bench: Bench) -> None:
        link = await bench.presence.connect()
        for single in (False, True):
            beside = Presence(lambda: opened(bench.place), single=single, answer=0.1)
            with pytest.raises(BenchFault, match=r"cannot be seen\. .* another program uses it"):
                await beside()
        assert not link.lost
        await link.close()

    at(tmp_path, act)


def test_a_port_that_has_gone_is_a_lock_without_power(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        (bench.folder / "lock0").unlink()
        assert await power_of(bench, CUTTING).state() is PowerState.OFF
        assert "there is no such port" in bench.presence.reason

    at(tmp_path, act)


def test_a_link_that_never_opens_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.bench.presence.LONGEST_LOOK", 0.01)

    async def never() -> Any:
        await asyncio.Event().wait()

    async def act(bench: Bench) -> None:
        del bench
        presence = Presence(never, single=True, answer=0.1)
        assert not await presence()
        assert "within 0.01 s" in presence.reason

    at(tmp_path, act)


def test_garbage_and_an_answer_to_somebody_else_are_no_answer() -> None:
    other = encode_frame(Frame(version=0, kind=Kind.HELLO_RESPONSE, counter=7, body=bytes(23)))

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(64):
            writer.write(b"\0\x05hello\0" * 3 + other)
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            assert not await Presence(lambda: open_link(f"tcp:127.0.0.1:{port}"), single=False, answer=0.1)()

    asyncio.run(main())


# --- a hub ---

DOUBLE_OF_UHUBCTL = """\
echo "uhubctl $*" >> told
test "$1 $2 $3 $4 $5" = "-l 1-1 -p 2 -a" || exit 1
test -e dumb-hub || echo "$6" > outlet
echo "New status for hub 1-1: Port 2: 0000 $6"
"""
HUB = {"kind": "uhubctl", "location": "1-1", "port": 2}


@pytest.fixture
def _uhubctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin" / "uhubctl", DOUBLE_OF_UHUBCTL)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.usefixtures("_uhubctl")
def test_a_hub_is_switched_by_uhubctl(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await power_of(bench, HUB).cycle()
        assert bench.lock.starts == 1

    at(tmp_path, act)
    assert (tmp_path / "told").read_text() == "uhubctl -l 1-1 -p 2 -a off\nuhubctl -l 1-1 -p 2 -a on\n"


@pytest.mark.usefixtures("_uhubctl")
def test_a_hub_that_only_says_that_it_switches_is_told(tmp_path: Path) -> None:
    (tmp_path / "dumb-hub").touch()

    async def act(bench: Bench) -> None:
        with pytest.raises(PowerNotCut, match="many hubs have no switches of their own for each port"):
            await power_of(bench, HUB | {"settle": 0.01}).cycle()

    at(tmp_path, act)


# --- a relay ---

RELAY = {"kind": "relay-serial", "on": "A00101A2", "off": "a0 01 00 a1"}


@contextmanager
def fake_relay(outlet: Path) -> Iterator[str]:
    """A relay on a pty, which switches the outlet as the bytes that it gets say."""
    master, slave = os.openpty()
    tty.setraw(slave)
    states = {bytes.fromhex("A00101A2"): "on", bytes.fromhex("A00100A1"): "off"}
    loop = asyncio.get_running_loop()
    loop.add_reader(master, lambda: outlet.write_text(states[os.read(master, 64)]))
    try:
        yield os.ttyname(slave)
    finally:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


def test_a_relay_is_told_by_its_bytes(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with fake_relay(bench.outlet) as port:
            await power_of(bench, RELAY | {"port": port}).cycle()
        assert bench.lock.starts == 1

    at(tmp_path, act)


def test_a_relay_that_is_not_there_is_told(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        power = power_of(bench, RELAY | {"port": "/dev/ttyNone"})
        with pytest.raises(BenchFault, match=r"the relay cannot be told: .*there is no such port"):
            await power.cycle()

    at(tmp_path, act)


# --- a person ---


class Person:
    """Somebody who does what is asked, or nothing."""

    def __init__(self, outlet: Path, *, idle: bool = False) -> None:
        self._outlet = outlet
        self._idle = idle
        self.asked: list[str] = []

    async def ask(self, what: str) -> None:
        self.asked.append(what)
        if self._idle:
            await asyncio.Event().wait()
        self._outlet.write_text("off" if "away" in what else "on")


def test_a_person_is_asked_to_unplug_and_to_plug(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        person = Person(bench.outlet)
        await power_of(bench, {"kind": "manual"}, person).cycle()
        assert bench.lock.starts == 1
        assert person.asked == ["Take the lock's power away", "Give the lock its power back"]

    at(tmp_path, act)


def test_a_person_who_does_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "OPERATOR_SECONDS", 0.01)

    async def act(bench: Bench) -> None:
        with pytest.raises(BenchFault, match=r"nobody did it within 0\.01 s: Take the lock's power away\."):
            await power_of(bench, {"kind": "manual"}, Person(bench.outlet, idle=True)).cycle()

    at(tmp_path, act)


def test_without_a_person_there_is_no_hand_at_the_power(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        hands = open_hands({}, {"kind": "manual"}, folder=tmp_path, check=bench.presence, operator=None)
        assert Hand.POWER not in hands.able

    at(tmp_path, act)


# --- what a table may not hold ---


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"kind": "psychic"}, "kind: give one of cmd, uhubctl, relay-serial, manual"),
        ({"on": ["./lie"]}, "kind: give one of"),
        ({"kind": "cmd", "of": ["./lie"]}, "of: there is no such key, did you mean off; there are kind, on, off,"),
        ({"kind": "cmd", "on": ["./lie"]}, "off: give a program and its arguments"),
        ({"kind": "cmd", "on": "./lie on", "off": ["./lie"]}, "on: give a program and its arguments"),
        ({"kind": "cmd", "on": ["./gone"], "off": ["./lie"]}, "on: there is no program at /"),
        (
            {"kind": "cmd", "on": ["no-such-program"], "off": ["./lie"]},
            "on: there is no program no-such-program on PATH",
        ),
        ({"kind": "cmd", "on": ["./outlet"], "off": ["./lie"]}, "on: .*/outlet may not be run: try `chmod"),
        (CUTTING | {"settle": 0}, "settle: give a number above 0"),
        (CUTTING | {"settle": True}, "settle: give a number above 0"),
        (CUTTING | {"timeout": float("inf")}, "timeout: give a number above 0"),
        (CUTTING | {"timeout": float("nan")}, "timeout: give a number above 0"),
        (HUB | {"port": 0}, "port: give a whole number from 1 to 255"),
        ({"kind": "uhubctl", "port": 1}, "location: give a text"),
        (RELAY, "port: give a text"),
        (RELAY | {"port": "/dev/ttyS9", "on": "AX"}, "on: give bytes in hexadecimal"),
        (RELAY | {"port": "/dev/ttyS9", "baud": "9600"}, "baud: give a whole number"),
        ({"kind": "manual", "port": 1}, "port: there is no such key"),
    ],
)
def test_a_table_that_makes_no_sense_is_told_by_its_key(tmp_path: Path, table: dict[str, Any], sentence: str) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(BenchFault, match=rf"^\[target\.power\] {sentence}") as raised:
            power_of(bench, table)
        assert str(raised.value).endswith(".")

    at(tmp_path, act)
