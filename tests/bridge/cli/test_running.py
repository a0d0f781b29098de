"""A command from its words to its exit code."""

import json
from pathlib import Path

import pytest

from bridge.cli.running import run


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
