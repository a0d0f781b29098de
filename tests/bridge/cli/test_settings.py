"""`config` tells what is set and by what, opens nothing and shows no secret."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from bridge.cli.running import run
from bridge.config import VARIABLES, Settings

SECRET = "correct horse"
URL = f"postgresql+asyncpg://door:{SECRET.replace(' ', '%20')}@db.example/locks?sslpassword=battery+staple"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave no setting but a state folder, which does not exist yet."""
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LATCHWIRE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    assert run(["config", "show", "--json"]) == 0
    return {line["setting"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}


def test_each_setting_has_its_variable() -> None:
    assert list(VARIABLES) == [field.name for field in fields(Settings)]


def test_the_path_is_printed_alone_and_nothing_is_made(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{state}\n"
    assert run(["config", "show"]) == 0
    assert not state.exists()


def test_each_value_is_told_with_its_source(
    monkeypatch: pytest.MonkeyPatch, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATCHWIRE_IDLE", "2.5")
    monkeypatch.setenv("LATCHWIRE_DEADLINE", "")
    told = shown(capsys)
    assert {name: (line["value"], line["source"]) for name, line in told.items()} == {
        "state_dir": (str(state), "environment"),
        "deadline": ("8 s", "default"),
        "idle": ("2.5 s", "environment"),
        "visit": ("3600 s", "default"),
        "fresh": ("10 s", "default"),
        "rate": ("700 an hour", "default"),
        "database": ("in the state folder", "default"),
    }
    assert {line["variable"] for line in told.values()} == set(VARIABLES.values())


def test_a_database_is_told_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATCHWIRE_DATABASE", URL)
    assert shown(capsys)["database"]["value"] == "postgresql+asyncpg://door:***@db.example/locks"
    for unreadable in (SECRET, f"postgresql://door:{SECRET}@db:port/locks"):
        monkeypatch.setenv("LATCHWIRE_DATABASE", unreadable)
        assert SECRET not in shown(capsys)["database"]["value"]


def test_a_setting_that_is_none_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATCHWIRE_IDLE", "soon")
    assert run(["config", "show"]) == 2
    assert "LATCHWIRE_IDLE is 'soon'" in capsys.readouterr().err
