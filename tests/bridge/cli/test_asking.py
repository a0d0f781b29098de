"""What a person is asked, and what long work tells one."""

import asyncio
import io
import sys

import pytest

from bridge.cli.asking import confirm
from bridge.cli.context import answering
from bridge.cli.progress import progress
from bridge.errors import UsageError
from tests.virtual_time import run


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


async def read_two_pins() -> None:
    """Take three seconds, and know after more than two how much there is."""
    async with progress("Reading") as telling:
        await asyncio.sleep(2.5)
        telling.tell(1, 2)
        await asyncio.sleep(1)
        telling.tell(2, 2)


def test_progress_tells_how_long_it_takes_until_it_knows_how_much_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    run(read_two_pins())
    assert screen.getvalue().split("\r\x1b[K") == [
        "", "Reading: 1 s", "Reading: 2 s", "Reading: 1 of 2", "Reading: 2 of 2", "",
    ]  # fmt: skip


@pytest.mark.parametrize(("screen", "for_people"), [(io.StringIO(), True), (Terminal(), False)])
def test_progress_is_for_people_at_a_terminal_alone(
    screen: io.StringIO, for_people: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    with answering(people=for_people):
        run(read_two_pins())
    assert screen.getvalue() == ""


def test_work_that_is_short_or_fails_leaves_nothing_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(seconds: float, failure: Exception | None = None) -> None:
        async with progress("Reading"):
            await asyncio.sleep(seconds)
            if failure:
                raise failure
        assert asyncio.all_tasks() == {asyncio.current_task()}

    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    run(work(0.9))
    assert screen.getvalue() == ""
    with pytest.raises(ZeroDivisionError):
        run(work(1.5, ZeroDivisionError()))
    assert screen.getvalue() == "\r\x1b[KReading: 1 s\r\x1b[K"
