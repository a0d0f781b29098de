"""The client of the control socket: what it tells where no simulated lock answers, or one that says no."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_sim import control
from firmware_sim.control import call
from firmware_sim.errors import ControlError
from tests.firmware_sim.test_control import make_file, make_socket


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ctl"


def call_once(path: Path) -> Any:
    return asyncio.run(call(path, {"do": "state"}))


@pytest.mark.parametrize("make", [None, make_file, make_socket, Path.mkdir])
def test_a_path_where_nobody_listens_is_told_with_what_to_do(path: Path, make: Callable[[Path], None] | None) -> None:
    if make:
        make(path)
    with pytest.raises(ControlError, match=r"No simulated lock listens at .*Start one with `latchwire sim run") as told:
        call_once(path)
    assert told.value.exit_code == 3


def talking_to(path: Path, said: bytes | None) -> Any:
    """Call a server that answers every line with `said`, or never."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        if said is not None:
            writer.write(said)
            writer.close()
        else:
            await reader.read()
            writer.close()

    async def main() -> Any:
        async with await asyncio.start_unix_server(converse, str(path)):
            return await call(path, {"do": "state"})

    return asyncio.run(main())


@pytest.mark.parametrize(
    "said",
    [b"", b"\n", b"HTTP/1.1 400 Bad Request\n", b"\xff\n", b"null\n", b"[]\n", b"{}\n", b'{"ok": 1', b"x" * 200_000,
     b'{"ok": false}\n', b'{"ok": false, "error": 7}\n'],
)  # fmt: skip
def test_whoever_else_answers_there_is_no_simulated_lock(path: Path, said: bytes) -> None:
    with pytest.raises(ControlError, match="No simulated lock listens at"):
        talking_to(path, said)


def test_what_the_lock_refuses_is_raised_in_its_own_words(path: Path) -> None:
    with pytest.raises(ControlError, match=r"^No\.$"):
        talking_to(path, b'{"ok": false, "error": "No."}\n')


def test_a_process_that_is_stopped_is_told_from_one_that_is_not_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_ANSWER_SECONDS", 0.01)
    with pytest.raises(ControlError, match=r"did not answer\. Is its process stopped\?"):
        talking_to(path, None)
