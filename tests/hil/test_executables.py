"""A user's program as a lock: on pipes and on a pty, its power, its end, and what becomes of what it has started."""

import asyncio
import shlex
import sys
from pathlib import Path

import pytest

from bridge.errors import LinkLost
from hil.bench.executables import Program, arguments
from hil.errors import BenchFault
from hil.line import Deaf, Line, Patience, Way
from tests.hil.lock_program import LAST_WORDS, PROGRAM, ROOT, new_lock
from tests.waiting import until

NURSE = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], stdin=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(child.pid))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def untapped(way: Way, data: bytes) -> None:
    del way, data


def program(folder: Path, *words: str) -> str:
    flash, _ = new_lock(folder)
    return f"exec:{PROGRAM} --flash {flash} {shlex.join(words)}"


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped so far does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("kind", ["exec", "exec+pty"])
def test_a_fresh_start_is_another_process_and_leaves_the_wire(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        place = program(tmp_path).replace("exec", kind, 1)
        async with Program.running(place, ROOT) as lock:
            link = await lock.connect()
            before = lock.pid
            await lock.power_cycle()
            assert before != lock.pid
            assert not alive(before)
            line = Line(link, Patience(answer=20, quiet=0), Deaf())
            await lock.greet()
            assert await line.hear() is not None
            last = lock.pid
        assert not alive(last)
        assert link.lost

    asyncio.run(scenario())


def test_all_that_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        flash, _ = new_lock(tmp_path)
        words = [sys.executable, "-c", NURSE, str(tmp_path / "pid"), "-m", "tests.hil.lock_program"]
        async with Program.running(f"exec:{shlex.join(words)} --flash {flash}", ROOT):
            child = int((tmp_path / "pid").read_text())
            assert alive(child)
        await until(lambda: not alive(child))

    asyncio.run(scenario())


def test_a_program_that_ends_says_how_and_what_it_wrote_and_is_started_anew_for_the_next_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        place = program(tmp_path, "--trouble", "end", "--after", "1")
        async with Program.running(place, ROOT) as lock:
            link = await lock.connect()
            await lock.greet()
            with pytest.raises(LinkLost, match=rf"ended with exit code 3 in .* Its last words: {LAST_WORDS}$"):
                await link.read()
            with pytest.raises(LinkLost, match="exit code 3"):
                await link.write(b"x")
            with pytest.raises(LinkLost, match="exit code 3"):
                await lock.require_running()
            await link.close()
            await lock.require_running()
            assert alive(lock.pid)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 7", "ended with exit code 7 in the middle of the suite. It wrote nothing to stderr."),
        ("echo no flash >&2; exit 1", "ended with exit code 1 in the middle of the suite. Its last words: no flash"),
        ("kill -9 $$", "was killed by SIGKILL"),
        ("printf '\\033[2J' >&2; exit 1", "Its last words: ·[2J"),
        ("exec >&-; cat >/dev/null", "has closed its output, and runs on"),
    ],
)
def test_a_program_that_is_no_lock_is_a_fault_that_says_what_it_did(tmp_path: Path, script: str, told: str) -> None:
    file = tmp_path / "firmware"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)

    async def scenario() -> None:
        with pytest.raises(BenchFault) as raised:
            async with Program.running("exec:./firmware", tmp_path):
                pass
        assert told in str(raised.value)

    asyncio.run(scenario())


def test_a_program_that_says_nothing_is_a_fault_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.bench.executables.START_SECONDS", 0.1)

    async def scenario() -> None:
        with pytest.raises(BenchFault, match=r"sh did not answer a hello within 0\.1 s of its start"):
            async with Program.running("exec:sh -c 'cat >/dev/null'", tmp_path):
                pass

    asyncio.run(scenario())


def test_what_cannot_be_run_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "broken").write_text("no program")
    (tmp_path / "broken").chmod(0o755)
    for place, told in (
        ("exec:", "names no program"),
        ("exec:'", "Close its quotes"),
        ("exec:./nothing", "is no program that can be run"),
        ("exec:./text", "is no program that can be run"),
        ("exec:no-such-program-anywhere", "is no program 'no-such-program-anywhere' on PATH"),
    ):
        with pytest.raises(BenchFault, match=told):
            arguments(place, tmp_path)

    async def scenario() -> None:
        with pytest.raises(BenchFault, match="broken: Exec format error"):
            async with Program.running("exec:./broken", tmp_path):
                pass

    asyncio.run(scenario())
