"""What commands return, shown to people and to programs."""

import json
from dataclasses import dataclass

import pytest

from bridge.cli.render import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fruit:
    """A value as commands return it."""

    name: str
    ripe: bool
    weight: int | None

    @property
    def exit_code(self) -> int:
        return 0 if self.ripe else 4

    def __str__(self) -> str:
        return f"a {self.name}"


APPLE = Fruit(name="äpple", ripe=True, weight=None)
PEAR = Fruit(name="pear [bold]", ripe=False, weight=150)


def test_one_value_is_its_text_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert Renderer(as_json=False).show(APPLE) == 0
    assert Renderer(as_json=True).show(PEAR) == 4
    text, line = capsys.readouterr().out.splitlines()
    assert text == "a äpple"
    assert json.loads(line) == {"name": "pear [bold]", "ripe": False, "weight": 150}


def test_several_values_are_a_table_or_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    Renderer(as_json=False).show((APPLE, PEAR))
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["name", "ripe", "weight"]
    assert [row.split() for row in rows] == [["äpple", "yes", "-"], ["pear", "[bold]", "no", "150"]]
    Renderer(as_json=True).show((APPLE, PEAR))
    assert [json.loads(line)["weight"] for line in capsys.readouterr().out.splitlines()] == [None, 150]


def test_nothing_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert Renderer(as_json=False).show(()) == Renderer(as_json=True).show(()) == Renderer(as_json=True).show(None) == 0
    assert capsys.readouterr().out == ""


def test_a_failure_is_a_sentence_on_stderr_or_an_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert Renderer(as_json=False).fail("It failed.", 3) == 3
    heard = capsys.readouterr()
    assert (heard.out, heard.err) == ("", "latchwire: It failed.\n")
    assert Renderer(as_json=True).fail("It failed.", 3) == 3
    heard = capsys.readouterr()
    assert (json.loads(heard.out), heard.err) == ({"error": "It failed.", "exit_code": 3}, "")


def test_what_would_command_a_terminal_is_shown_as_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    evil = Fruit(name="fig\x1b[2J\x9b", ripe=True, weight=None)
    Renderer(as_json=False).show(evil)
    Renderer(as_json=False).show((evil,))
    Renderer(as_json=False).fail("a fig\x1b[2J\x07", 3)
    heard = capsys.readouterr()
    assert heard.out.splitlines()[0] == "a fig\\x1b[2J\\x9b"
    assert heard.err == "latchwire: a fig\\x1b[2J\\x07\n"
    assert not {"\x1b", "\x9b", "\x07"} & set(heard.out + heard.err)
