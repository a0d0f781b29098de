"""Bench files: what they say, and what is said of those that cannot be used."""

import re
from pathlib import Path

import pytest

import hil.bench.targets
from bridge.links import Adapter
from hil.bench.file import port, read_bench
from hil.bench.targets import Spec, found
from hil.errors import BenchFault
from protocol.vocabulary import Capability
from tests.hil.lock_program import new_lock
from tests.hil.runs import run, suite

GOOD = """
[[target]]
name = "front"
link = "serial:/dev/ttyUSB0"
label_file = "front.label"
capabilities = ["schedule", "clock", "bolt"]
firmware = "build/lock.bin"
answer = 1
quiet = 0.25
window_hold = 3.0
[target.hands]
control = "ctl"

[[target]]
name = "back"
usb = "A50285BI"
baud = 9600
label_file = "back.label"
"""
FRONT = 'name = "front"\nlink = "tcp:127.0.0.1:7000"\nlabel_file = "front.label"\n'


def bench(folder: Path, text: str) -> Path:
    file = folder / "bench.toml"
    file.write_text(text)
    return file


def test_a_bench_file_says_which_locks_there_are(tmp_path: Path) -> None:
    file = bench(tmp_path, GOOD)
    front, back = read_bench(file)
    assert front == Spec(
        place="serial:/dev/ttyUSB0",
        name="front",
        label_file=tmp_path / "front.label",
        control=tmp_path / "ctl",
        capabilities=Capability.SCHEDULE | Capability.CLOCK | Capability.BOLT,
        firmware=tmp_path / "build" / "lock.bin",
        answer=1.0,
        quiet=0.25,
        window_hold=3.0,
        folder=tmp_path,
        bench=file,
    )
    assert (back.place, back.capabilities) == ("usb:A50285BI?baud=9600", None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[target]\n", "no TOML"),
        ("\x00", "no TOML"),
        ("a = " + "[" * 5000, "no TOML"),
        ("", '"target": give each lock a [[target]] table'),
        ("[target]\nname = 'x'", '"target": give each lock a [[target]] table'),
        ("[[targets]]\n", '"targets": there is no such key, did you mean target?'),
        (
            f"[[target]]\n{FRONT}lable_file = 'x'",
            'target "front", "lable_file": there is no such key, did you mean label',
        ),
        ("[[target]]\nlink = 'sim:'", 'target 1, "name": give each target a name'),
        ("[[target]]\nname = '../key'\nlink = 'sim:'", 'target 1, "name": give each target a name'),
        ("[[target]]\nname = 'a'", 'target "a", "link": give either a link'),
        ("[[target]]\nname = 'a'\nlink = 'sim:'\nusb = 'X'", 'target "a", "link": give either a link'),
        ("[[target]]\nname = 'a'\nlink = 'sim:'\nbaud = 9600", 'target "a", "baud": it goes with usb'),
        ("[[target]]\nname = 'a'\nusb = 'X'\nbaud = -1\nlabel_file = 'l'", 'target "a", "baud": give a whole number'),
        ("[[target]]\nname = 'a'\nusb = 'A B'\nlabel_file = 'l'", 'target "a", "usb": give the USB serial number'),
        ("[[target]]\nname = 'a'\nlink = 'tcp:127.0.0.1:7000'", 'target "a", "label_file": name the file'),
        ("[[target]]\nname = 'a'\nlink = 'gpib:4'\nlabel_file = 'l'", 'target "a", "link": \'gpib:4\' is no target'),
        ("[[target]]\nname = 'a'\nlink = 'exec:./lock'\nlabel_file = 'l'", "is no program that can be run"),
        ("[[target]]\nname = 'a'\nlink = 'exec:\"'\nlabel_file = 'l'", "Close its quotes"),
        (f"[[target]]\n{FRONT}answer = true", '"answer": give seconds'),
        (f"[[target]]\n{FRONT}answer = nan", '"answer": give seconds'),
        (f"[[target]]\n{FRONT}answer = 0", '"answer": give seconds'),
        (f"[[target]]\n{FRONT}capabilities = ['bolts']", "there is no capability 'bolts', did you mean bolt?"),
        (f"[[target]]\n{FRONT}capabilities = 'bolt'", '"capabilities": give a list of names'),
        (f"[[target]]\n{FRONT}hands = 3", '"hands": give it as a table [target.hands]'),
        (f"[[target]]\n{FRONT}[target.hands]\ncontrol = 3", '"hands.control": give the path'),
        (f"[[target]]\n{FRONT}[[target]]\n{FRONT}", 'target "front", "name": it is the same as that of "front"'),
        (
            f"[[target]]\n{FRONT}[[target]]\n{FRONT}".replace("front", "back", 1).replace("front.label", "b.label", 1),
            'target "front", "link": it is the same as that of "back"',
        ),
        (
            f"[[target]]\n{FRONT}[[target]]\n{FRONT}".replace("front", "back", 1).replace("7000", "7001", 1),
            'target "front", "label_file": it is the same as that of "back"',
        ),
    ],
)
def test_what_is_wrong_with_a_bench_file_is_said_with_file_target_and_key(tmp_path: Path, text: str, told: str) -> None:
    file = bench(tmp_path, text)
    with pytest.raises(BenchFault) as raised:
        read_bench(file)
    assert told in str(raised.value)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value).strip()


def test_one_port_under_two_names_is_one_port(tmp_path: Path) -> None:
    (tmp_path / "tty").symlink_to("/dev/null")
    text = "\n".join(
        f'[[target]]\nname = "{name}"\nlink = "serial:{path}"\nlabel_file = "{name}.label"'
        for name, path in (("one", tmp_path / "tty"), ("two", "/dev/null?baud=9600"))
    )
    with pytest.raises(BenchFault, match='target "two", "link": it is the same as that of "one"'):
        read_bench(bench(tmp_path, text))


def test_an_adapter_is_found_by_its_number_and_is_one_with_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    there = (Adapter(port="/dev/ttyS0", number=None), Adapter(port="/dev/ttyUSB3", number="A50285BI"))
    monkeypatch.setattr(hil.bench.targets, "serial_adapters", lambda: there)
    assert found("usb:A50285BI?baud=9600") == "serial:/dev/ttyUSB3?baud=9600"
    assert port(Spec(place="usb:A50285BI")) == port(Spec(place="serial:/dev/ttyUSB3"))
    with pytest.raises(
        BenchFault, match=r"serial number 'X'\. Is it plugged in\? There are: A50285BI at /dev/ttyUSB3\."
    ):
        found("usb:X")


def test_a_run_takes_a_target_of_a_bench_file_by_its_name(tmp_path: Path) -> None:
    file = bench(tmp_path, "".join(f'[[target]]\nname = "{name}"\nlink = "sim:"\n' for name in ("one", "two")))
    text = "def test_it(lock_facts):\n    assert (lock_facts.target, lock_facts.bench.name) == ('two', 'bench.toml')\n"
    ran = run(tmp_path, "--lock-bench", str(file), "--lock-target", "two", suite(tmp_path, text))
    assert (ran.code, ran.ended) == (0, "1 passed"), ran.text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--lock-bench", "BENCH", "--lock-target", "three"), "has no target 'three'; there are one."),
        (("--lock-bench", "NOWHERE"), "cannot be read: No such file or directory"),
        (("--lock-target", "tcp:127.0.0.1:7000"), "give --lock-label-file FILE"),
        (("--lock-target", "gpib:4", "--lock-label-file", "x"), "'gpib:4' is no target"),
        (("--lock-capabilities", "bolts"), "there is no capability 'bolts', did you mean bolt?"),
        (("--lock-bench", "BENCH", "--lock-label-file", "x"), "--lock-label-file goes with a target that is a string"),
        (("--lock-total", "0"), "--lock-total takes seconds above 0"),
    ],
)
def test_wrong_options_end_a_run_at_its_start_in_a_sentence(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    file = bench(tmp_path, '[[target]]\nname = "one"\nlink = "sim:"\n')
    ran = run(tmp_path, *(str(file) if word == "BENCH" else word for word in options), suite(tmp_path, ""))
    assert (ran.code, ran.text.startswith("ERROR: ")) == (4, True), ran.text
    assert told in ran.text
    assert "Traceback" not in ran.text


def test_a_device_that_is_missing_is_an_error_that_says_what_is_there(tmp_path: Path) -> None:
    _, label = new_lock(tmp_path)
    text = "def test_it(lock):\n    pass\n"
    ran = run(
        tmp_path, "--lock-target", f"serial:{tmp_path}/tty", "--lock-label-file", str(label), suite(tmp_path, text)
    )
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert "there is no such port" in ran.text
    assert re.search(r"There are: |This machine shows no serial port at all\.", ran.text)
