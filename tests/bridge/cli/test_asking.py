"""What a person is asked, and what long work tells one."""

import io
import sys

import pytest

from bridge.cli.asking import confirm
from bridge.cli.progress import progress
from bridge.errors import UsageError


class Terminal(io.StringIO):
    """Text that a person typed, or sees."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("typed", ["yes\n", "YES\n"])
def test_a_yes_is_a_yes(typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    confirm("Remove it?")
    heard = capsys.readouterr()
    assert (heard.out, heard.err) == ("", "Remove it? Type yes to go on: ")


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "y\n", "yesterday\n"])
def test_anything_else_is_none(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    with pytest.raises(UsageError, match="no yes"):
        confirm("Remove it?")


def test_where_nobody_is_there_a_yes_in_the_input_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    with pytest.raises(UsageError, match="Add --yes"):
        confirm("Remove it?")


@pytest.mark.parametrize(
    ("screen", "shown"),
    [(Terminal(), "\r\x1b[KReading: 1 of 2\r\x1b[KReading: 2 of 2\r\x1b[K"), (io.StringIO(), "")],
)
def test_progress_is_for_people_alone_and_leaves_nothing(
    screen: io.StringIO, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("Reading") as telling:
        telling.tell(1, 2)
        telling.tell(2, 2)
    assert screen.getvalue() == shown
