"""A command from its words to its exit code."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from bridge.cli.running import build_app, run


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a state folder of its own."""
    monkeypatch.setenv("LATCHWIRE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["pin", "add"],
        ["pin", "add", "front"],
        ["lock", "list", "--unknown"],
        ["serve", "--port", "70000"],
        ["serve", "--port", "x"],
        ["token", "create", "--scope", "Everything", "--lock", "1"],
        ["pair", "tcp:127.0.0.1:1", "--name", "a"],
        ["scan", "--no-ports"],
        ["scan", "--no-ports", "usb"],
        ["scan", "--no-ports", "tcp:localhost:70000"],
        ["scan", "--adapter", "hci1"],
        ["scan", "--hci", "usb:0"],
        ["scan", "--ble", "--adapter", "wlan0"],
        ["scan", "--ble", "--adapter", "hci0", "--hci", "usb:0"],
        ["scan", "--ble", "--seconds", "0"],
        ["scan", "--ble", "--seconds", "61"],
        ["scan", "--ble", "--seconds", "nan"],
        ["state", "front", "--watch", "--interval", "0"],
        ["state", "front", "--watch", "--interval", "3601"],
        ["state", "front", "--watch", "--interval", "nan"],
        ["sim", "run"],
        ["sim", "clock", "--control", "x", "--set", "noon"],
        ["sim", "clock", "--control", "x", "--set", "2026-11-23T09:00:00"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err.startswith("latchwire: ")
    assert run([*words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


@pytest.mark.parametrize("words", [["--help"], ["pin", "add", "--help"], ["sim", "run", "--help"], ["--version"], []])
def test_help_is_shown_and_is_no_failure(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 0
    heard = capsys.readouterr()
    assert heard.out
    assert heard.err == ""


@pytest.mark.parametrize("words", [[], ["pin"], ["sim"]])
def test_a_program_that_names_no_whole_command_gets_a_sentence_instead_of_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--json"]) == 2
    heard = capsys.readouterr()
    assert json.loads(heard.out)["error"].startswith("The command is missing, or not complete.")
    assert run([*words, "--json", "--help"]) == 0
    assert "Usage: latchwire" in capsys.readouterr().out


def test_help_imports_nothing_that_is_slow() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from bridge.cli.running import run; run(['--help']); print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = set(told.stdout.splitlines()[-1].split())
    assert "bridge.cli.running" in modules
    assert not {"asyncio", "construct", "cryptography", "fastapi", "sqlalchemy", "bridge.service"} & modules


def test_each_command_says_in_a_sentence_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["--help"]) == 0
    told = dict(re.findall(r"^│ ([a-z]+) +(.*?) *│$", capsys.readouterr().out, re.MULTILINE))
    assert {"demo", "pin", "sim"} <= set(told)
    assert {name for name, sentence in told.items() if not sentence.endswith(".")} == set()


def leaves(app: App, *words: str) -> Iterator[list[str]]:
    """Yield the words of each command that does something."""
    names = [name for name in app if not name.startswith("-")]
    for name in names:
        yield from leaves(app[name], *words, name)
    if not names:
        yield list(words)


def test_an_option_has_an_opposite_only_where_that_makes_sense(capsys: pytest.CaptureFixture[str]) -> None:
    commands = list(leaves(build_app()))
    assert ["lock", "remove"] in commands
    for words in commands:
        assert run([*words, "--help"]) == 0
    told = capsys.readouterr().out
    assert set(re.findall(r"--(?:no|empty)-\w+", told)) == {"--no-ports", "--no-blocked"}
    assert "--show-pins" in told


def test_what_nobody_expected_is_one_line_without_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(*_: object) -> object:
        raise ZeroDivisionError("97531")

    monkeypatch.setattr("bridge.cli.locks.service", explode)
    assert run(["lock", "list"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("latchwire: Internal failure: ZeroDivisionError at ")
    assert "97531" not in said
    assert said.count("\n") == 1


PIN_ADD = ["pin", "add", "front", "--alias", "a", "--pin-stdin"]


@pytest.mark.parametrize(
    "words",
    [
        [*PIN_ADD, "97531"],
        [*PIN_ADD, "a", "97531"],
        [*PIN_ADD, "--97531"],
        [*PIN_ADD, "--pin=97531"],
        [*PIN_ADD, "--pin", "97531"],
        [*PIN_ADD, "--pin-stdin=97531"],
        [*PIN_ADD, "-97531"],
        [*PIN_ADD, "--alias", "97531"],
        ["97531"],
        ["pin", "97531"],
        ["pin", "add", "front", "97531"],
        ["token", "create", "--scope", "s", "--lock", "1", "--days", "x97531"],
        ["serve", "--port", "97531"],
        ["serve", "97531", "--host", "a"],
        ["sim", "hold-button", "--control", "a", "--seconds", "97531x"],
    ],
    ids=" ".join,
)
def test_words_that_are_not_understood_are_never_repeated_with_their_digits(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (words, [*words, "--json"]):
        assert run(line) == 2
        heard = capsys.readouterr()
        assert "97531" not in heard.out + heard.err
        assert heard.out + heard.err


def test_it_is_told_how_many_words_were_not_understood_and_which_port_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([*PIN_ADD, "one"]) == 2
    assert capsys.readouterr().err == "latchwire: 1 word was not understood. Try `latchwire --help`.\n"
    assert run([*PIN_ADD, "one", "two"]) == 2
    assert capsys.readouterr().err == "latchwire: 2 words were not understood. Try `latchwire --help`.\n"
    assert run(["serve", "--port", "97531"]) == 2
    assert "65535" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["info", "state", "diagnose", "unpair", "clock get", "clock set", "open", "close"])
def test_a_lock_that_nobody_knows_is_not_found(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "nobody"]) == 3
    assert "There is no lock 'nobody'" in capsys.readouterr().err


def test_an_interrupted_command_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("bridge.cli.locks.service", interrupt)
    assert run(["lock", "list"]) == 130
    assert capsys.readouterr().err == ""


def test_an_unusable_setting_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATCHWIRE_DEADLINE", "soon")
    assert run(["lock", "list"]) == 2
    assert "LATCHWIRE_DEADLINE" in capsys.readouterr().err


def test_what_bluetooth_libraries_log_never_meets_a_person() -> None:
    program = (
        "import logging\nfrom bridge.cli.running import run\nrun(['--version'])\n"
        "for name in ('bleak.backends.bluezdbus.client', 'bumble.host', 'dbus_fast.message_bus'):\n"
        "    logging.getLogger(name).error('D-Bus connection lost')\n"
        "logging.getLogger('bridge.engine').warning('this one does')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "latchwire: this one does\n"
