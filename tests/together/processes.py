"""Real processes in a folder of their own, spoken to as a user would; each is ended by whoever started it."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Literal, get_args
from unittest.mock import patch

import pytest

from bridge.cli.running import run
from tests import forked
from tests.conftest import skip_without_a_bus
from tests.forked import Ended, Forked

Way = Literal["pty", "ble"]
"""How a lock is reached."""
WAYS = get_args(Way)
EVERY_WAY = pytest.mark.parametrize("bench", WAYS, indirect=True)
"""For tests that hold however the lock is reached."""
PATIENCE = 30
"""Seconds after which a command that should have ended is taken for hung."""


@dataclass(slots=True, kw_only=True)
class Staying:
    """A command that stays, and what it printed when it was ready."""

    process: Forked
    ready: Any
    errors: Path

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def terminate(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)


@dataclass(slots=True, kw_only=True)
class Place:
    """A folder with a bridge's state and whatever a test puts beside it; the lock in it is reached by `way`."""

    folder: Path
    environment: dict[str, str]
    way: Way = "pty"
    lock_id: int = 0
    """That of the lock which runs, or has run last."""
    said: list[str] = field(default_factory=list)
    """Everything that any process has printed."""

    @property
    def state(self) -> Path:
        """The bridge's state folder."""
        return self.folder / "state"

    def path(self, name: str) -> str:
        """Return a path in this folder."""
        return str(self.folder / name)

    def latchwire(self, *words: str, stdin: str = "") -> Ended:
        """Run one command to its end, as a process."""
        return self._heard(
            forked.run("bridge.cli", words, env=self.environment, cwd=Path.cwd(), seconds=PATIENCE, stdin=stdin)
        )

    def from_nothing(self, *words: str) -> Ended:
        """Run one command to its end, as a process that has to import what it needs."""
        done = subprocess.run(
            command(words), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            env=self.environment, check=False,
        )  # fmt: skip
        return self._heard(Ended(code=done.returncode, out=done.stdout, err=done.stderr))

    def here(self, *words: str, stdin: str = "") -> Ended:
        """Run one command inside this process: ten times as fast, for tests that need many."""
        out, err = StringIO(), StringIO()
        with (
            patch.dict(os.environ, self.environment),
            patch.object(sys, "stdin", StringIO(stdin)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run(words)
        return self._heard(Ended(code=code, out=out.getvalue(), err=err.getvalue()))

    def _heard(self, ended: Ended) -> Ended:
        self.said += [ended.out, ended.err]
        assert "Traceback" not in ended.err
        return ended

    @contextmanager
    def staying(self, *words: str) -> Iterator[Staying]:
        """Run a command that stays, from its ready line on."""
        errors = self.folder / f"stderr-{len(list(self.folder.iterdir()))}"
        with errors.open("w") as stderr:
            process = Forked("bridge.cli", [*words, "--json"], env=self.environment, errors=stderr.fileno())
        with process:
            try:
                line = process.stdout.readline()
                assert line, errors.read_text()
                yield Staying(process=process, ready=json.loads(line), errors=errors)
            finally:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                rest = process.stdout.read()
                process.wait(PATIENCE)
        self.said += [line, rest, errors.read_text()]
        assert "Traceback" not in errors.read_text()

    @property
    def target(self) -> str:
        """Where the lock is, or will be as soon as it runs."""
        return f"serial:{self.path('lock0')}" if self.way == "pty" else f"ble:{self.lock_id:08X}"

    @contextmanager
    def lock(self, *more: str, slots: int = 3) -> Iterator[Staying]:
        """Run a simulated lock, its pairing window open."""
        at = ["--serial", self.path("lock0")] if self.way == "pty" else ["--ble", f"unix-server:{self.path('air')}"]
        with self.staying(
            "sim", "run", *at, "--flash", self.path("lock0.flash"), "--slots", str(slots),
            "--control", self.path("ctl"), "--label-file", self.path("label"), "--pairing-open", *more,
        ) as lock:  # fmt: skip
            self.lock_id = lock.ready["lock_id"]
            yield lock

    def pair(self, *more: str, name: str = "front", number: int = 123, zone: str = "UTC") -> Ended:
        """Pair with the lock that runs."""
        return self.here(
            "pair", self.target, "--label-file", self.path("label"), "--name", name,
            "--id", str(number), "--zone", zone, *more,
        )  # fmt: skip

    def label(self) -> str:
        """Return the label of the lock."""
        return Path(self.path("label")).read_text()

    def token(self, *scopes: str, lock: str = "123") -> str:
        """Create a token."""
        words = [word for scope in scopes or ("Device.ReadWrite",) for word in ("--scope", scope)]
        done = self.here("token", "create", *words, "--lock", lock)
        assert done.code == 0, done.err
        return done.out.strip()

    def enter(self, digits: str) -> Ended:
        """Type at the keypad of the lock."""
        return self.here("sim", "enter", "--control", self.path("ctl"), digits, "--json")


@contextmanager
def place(environment: Mapping[str, str] | None = None, way: Way = "pty") -> Iterator[Place]:
    """Make a folder, and remove it with all that is in it; its path is short, for sockets' paths must be.

    Where the way is "ble", the processes find a stand-in for BlueZ, which hears the lock as soon as it runs.
    """
    folder = Path(tempfile.mkdtemp(prefix="lw-"))
    try:
        settings = {"LATCHWIRE_STATE_DIR": str(folder / "state"), "NO_COLOR": "1", **(environment or {})}
        made = Place(folder=folder, environment={**os.environ, **settings}, way=way)
        if way == "pty":
            yield made
            return
        with _stand_in(made) as bus:
            made.environment["DBUS_SYSTEM_BUS_ADDRESS"] = bus
            yield made
    finally:
        shutil.rmtree(folder)


@contextmanager
def _stand_in(place: Place) -> Iterator[str]:
    """Run the stand-in for BlueZ in a process of its own, and yield its bus; skip the test where no bus can be run."""
    skip_without_a_bus()
    words = [f"unix-client:{place.path('air')}"]
    with Forked("hil.bluetooth", words, env=os.environ) as process:
        try:
            yield json.loads(process.stdout.readline())["bus"]
        finally:
            process.terminate()
            process.wait(PATIENCE)


def command(words: list[str] | tuple[str, ...]) -> list[str]:
    """Return how a process runs these words."""
    return [sys.executable, "-m", "bridge.cli", *words]


def typed(bench: Place, answer: str | None, *words: str) -> int:
    """Run one command at a terminal where somebody types `answer` when it is asked for; return its exit code.

    Without an answer, somebody interrupts it instead.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command(words), stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0,
        env=bench.environment, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        asked = process.stderr.read(1)
        if asked:  # a question: what is typed before it would be thrown away
            while not asked.endswith(": ") and (more := process.stderr.read(1)):
                asked += more
            if answer is None:
                process.send_signal(signal.SIGINT)
            else:
                os.write(master, answer.encode() + b"\n")
        told, failed = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(master)
        os.close(slave)
    bench.said += [told, asked + failed]
    return process.returncode
