"""The hands of a bench file: commands that are really run, killed and judged, and a whole suite's test at them."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.links import Link, open_link
from hil.bench.control import ControlSocket
from hil.bench.hardware import BenchHands, open_hands
from hil.bench.power import PowerState
from hil.bench.presence import Presence
from hil.errors import BenchFault
from hil.hands import Entry, Hand, Hands
from hil.station import NOON
from protocol.vocabulary import PinEntry
from tests.hil.outlets import bench_in, python, script

DIGITS = "8640197"


async def nowhere() -> Link:
    raise BenchFault("There is no lock.")


NOBODY = Presence(nowhere, single=False, answer=1.0)


def hands_of(folder: Path, table: dict[str, Any]) -> Hands:
    return open_hands(table, {}, folder=folder, check=NOBODY, operator=None)


def enter(folder: Path, program: str, *words: str, **more: Any) -> Entry:
    """Type at a keypad whose command is this program."""
    return asyncio.run(hands_of(folder, {"keypad": [program, *words], **more}).enter(DIGITS))


# --- commands ---


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("exit 0", Entry(granted=True)),
        ("exit 4", Entry(granted=False)),
        ("echo pin_id 7; exit 0", Entry(granted=True, pin_id=7)),
        ("echo denied outside_window; echo; echo pin_id 7; echo a b c; exit 4",
         Entry(granted=False, denial="outside_window", pin_id=7)),
    ],
)  # fmt: skip
def test_a_keypad_command_grants_by_0_and_denies_by_4(tmp_path: Path, text: str, entry: Entry) -> None:
    assert enter(tmp_path, script(tmp_path / "keypad", text)) == entry


def test_digits_go_to_the_standard_input_or_where_the_command_wants_them(tmp_path: Path) -> None:
    program = script(tmp_path / "keypad", 'cat > stdin; echo "$@" > words')
    enter(tmp_path, program, "now")
    assert (tmp_path / "stdin").read_text() == f"{DIGITS}\n"
    assert (tmp_path / "words").read_text() == "now\n"
    enter(tmp_path, program, "--digits={digits}")
    assert (tmp_path / "stdin").read_text() == ""
    assert (tmp_path / "words").read_text() == f"--digits={DIGITS}\n"


def test_each_verb_gives_its_command_its_value(tmp_path: Path) -> None:
    table = {
        "button": ["./hand", "button", "{seconds}"],
        "advance": ["./hand", "advance", "{seconds}"],
        "show": ["./hand", "show", "{epoch}"],
        "bolt": ["./hand", "bolt", "{blocked}"],
        "battery": ["./hand", "battery", "{percent}"],
    }
    script(tmp_path / "hand", 'echo "$@" >> told')

    async def main() -> None:
        hands = hands_of(tmp_path, table)
        assert hands.able == {Hand.BUTTON, Hand.CLOCK, Hand.BOLT, Hand.BATTERY}
        await hands.hold_button(5)
        await hands.hold_button(4.9)
        await hands.advance(3700)
        await hands.show(1_894_017_600)
        await hands.show(None)
        await hands.block_bolt(blocked=True)
        await hands.block_bolt(blocked=False)
        await hands.set_battery(20)

    asyncio.run(main())
    assert (tmp_path / "told").read_text().splitlines() == [
        "button 5", "button 4.9", "advance 3700", "show 1894017600", "show lose", "bolt yes", "bolt no", "battery 20",
    ]  # fmt: skip


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    program = script(tmp_path / "keypad", 'echo "$1" > words')
    enter(tmp_path, program, "$(touch broken); `touch broken`")
    assert (tmp_path / "words").read_text() == "$(touch broken); `touch broken`\n"
    assert not (tmp_path / "broken").exists()


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("exit 1", r"^\[target.hands\] keypad: .*/keypad ended with 1\. Run it by hand to see why\.$"),
        ("kill -9 $$", "ended with -9"),
        ("echo $0: no port >&2; exit 2", "ended with 2.* It said: .*keypad: no port$"),
        ("cat >&2; exit 2", "It said: •$"),
        ("printf 'a\\033[31mb\\377' >&2; exit 2", r"It said: a�\[31mb�$"),
        ("echo denied 8640197; exit 4", "a reason that SPEC 8.2 does not have. There are clock_untrusted, disabled"),
        ("echo pin_id seven; exit 0", "a pin_id that is no number"),
        ("echo pin_id 8640197; exit 0", "a pin_id that is no number"),
    ],
)
def test_a_command_that_fails_is_a_fault_of_the_bench_without_digits(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BenchFault, match=sentence) as told:
        enter(tmp_path, script(tmp_path / "keypad", text))
    assert DIGITS not in str(told.value)


CLINGING = """\
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    with open("child.new", "w") as file: file.write(str(os.getpid()))
    os.rename("child.new", "child")
signal.pause()
"""


def test_a_command_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    """Whoever waits for it gives up, and neither it nor its child is there any more."""
    program = python(tmp_path / "keypad", CLINGING)

    async def main() -> None:
        hands = hands_of(tmp_path, {"keypad": [program], "timeout": 60.0})
        typing = asyncio.create_task(hands.enter(DIGITS))
        while not (tmp_path / "child").exists():  # noqa: ASYNC110  a file tells no event
            await asyncio.sleep(0.002)
        typing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await typing

    asyncio.run(main())
    child = int((tmp_path / "child").read_text())
    try:
        assert gone(child)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def gone(pid: int) -> bool:
    """Return whether a process runs no more, which has been told to end already: a zombie runs no more, either."""
    for _ in range(5000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
    return False


def test_a_command_that_is_too_slow_is_told(tmp_path: Path) -> None:
    program = python(tmp_path / "keypad", CLINGING)
    with pytest.raises(BenchFault, match=r"did not end within 0\.01 s, and was killed\. .*`timeout` gives it longer"):
        enter(tmp_path, program, timeout=0.01)


def test_a_button_may_take_as_much_longer_as_it_is_held(tmp_path: Path) -> None:
    hands = hands_of(tmp_path, {"button": [python(tmp_path / "button", CLINGING)], "timeout": 0.01})
    with pytest.raises(BenchFault, match=r"did not end within 0\.06 s"):
        asyncio.run(hands.hold_button(0.05))


def test_what_a_command_leaves_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    program = script(tmp_path / "keypad", "cat fifo &")
    assert enter(tmp_path, program).granted
    (tmp_path / "fifo").write_text("")  # and it is still there, to read this


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"keypda": ["./keypad"]}, "keypda: there is no such key, did you mean keypad; there are control, keypad"),
        ({"keypad": []}, "keypad: give a program and its arguments"),
        ({"keypad": ["./keypad", 5]}, "keypad: give a program and its arguments"),
        ({"keypad": ["./no"]}, "keypad: there is no program at /.*/no.$"),
        ({"keypad": ["."]}, r"keypad: there is no program \. on PATH"),
        ({"keypad": ["./plain"]}, "keypad: .*/plain may not be run: try `chmod"),
        ({"advance": ["true"]}, "show: the hand at a clock is both advance and show"),
        ({"show": ["true"]}, "advance: the hand at a clock is both"),
        ({"timeout": -1}, "timeout: give a number above 0"),
        ({"control": 7}, "control: give a text"),
    ],
)
def test_a_table_that_makes_no_sense_is_told_by_its_key(tmp_path: Path, table: dict[str, Any], sentence: str) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(BenchFault, match=rf"^\[target\.hands\] {sentence}"):
        hands_of(tmp_path, table)


@pytest.mark.parametrize("words", [["./keypad"], ["true", "zero\0byte"]])
def test_a_command_that_cannot_be_started_is_told(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "keypad").write_bytes(b"\x7fELF no program")
    (tmp_path / "keypad").chmod(0o700)
    with pytest.raises(BenchFault, match=r"^\[target.hands\] keypad: .* cannot be run: "):
        enter(tmp_path, words[0], *words[1:])


def test_a_hand_that_is_not_there_says_so(tmp_path: Path) -> None:
    hands = hands_of(tmp_path, {})
    assert hands.able == frozenset()
    with pytest.raises(BenchFault, match="no hand for keypad"):
        asyncio.run(hands.enter(DIGITS))


# --- at a lock ---


def test_a_pin_outlives_a_loss_of_power_by_a_switch_although_its_port_was_in_use(tmp_path: Path) -> None:
    script(tmp_path / "switch", 'echo "$1" > outlet')
    power = {"kind": "cmd", "on": ["./switch", "on"], "off": ["./switch", "off"]}

    async def main() -> None:
        async with bench_in(tmp_path) as bench:
            hands = open_hands({}, power, folder=tmp_path, check=bench.presence, operator=None)
            assert hands.able == {Hand.POWER}
            station = bench.station(hands)
            bench.lock.hold_button(5)
            await (await station.pair()).line.close()
            session = await station.open()
            await session.create(PinEntry(digits=DIGITS, alias="guest"))
            await hands.power_cycle()
            assert bench.lock.starts == 1
            assert (await (await station.open()).status()).used == 1
            await station.close()

    asyncio.run(main())


def test_hands_that_no_command_has_are_those_of_the_control_socket(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench_in(tmp_path) as bench:
            hands = hands_of(tmp_path, {"control": "ctl", "keypad": ["false"]})
            assert hands.able == ControlSocket.able
            await hands.hold_button(5)
            assert bench.lock.snapshot().pairing_open
            await hands.advance(120)
            assert not bench.lock.snapshot().pairing_open
            await hands.show(NOON)
            await hands.set_battery(50)
            assert (bench.lock.snapshot().time, bench.lock.snapshot().battery) == (NOON, 50)
            await hands.block_bolt(blocked=True)
            assert bench.lock.device.hardware.blocked
            await hands.power_cycle()
            with pytest.raises(BenchFault, match=r"\[target.hands\] keypad: .*false ended with 1"):
                await hands.enter(DIGITS)

    asyncio.run(main())


SWITCH = """\
import json, os, signal, subprocess, sys
want, place = sys.argv[1:]
if want == "off":
    os.kill(int(open("pid").read()), signal.SIGKILL)
else:
    words = [sys.executable, "-m", "bridge.cli", "sim", "run", "--tcp", place, "--flash", "flash", "--json"]
    lock = subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    lock.stdout.readline()
    open("pid", "w").write(str(lock.pid))
"""


def free_place() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_lock_whose_process_is_killed_is_off_and_on_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    place, program = free_place(), python(tmp_path / "switch", SWITCH)
    table = {"kind": "cmd", "on": [program, "on", place], "off": [program, "off", place], "timeout": 30}
    presence = Presence(lambda: open_link(f"tcp:{place}"), single=False, answer=1.0)

    async def main() -> None:
        hands = open_hands({}, table, folder=tmp_path, check=presence, operator=None)
        assert isinstance(hands, BenchHands)
        assert hands.power
        try:
            await hands.power.on()
            first = (tmp_path / "pid").read_text()
            await hands.power_cycle()
            assert (tmp_path / "pid").read_text() != first
            assert await presence()
        finally:
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        assert await hands.power.state() is PowerState.OFF

    asyncio.run(main())
