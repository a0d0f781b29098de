"""Real processes that start fast: forked from one that has imported everything and has run nothing.

Python needs up to a second to import what `latchwire serve` is made of, and most tests here start such processes anew.
What runs is the same from the command's words on. From nothing start the processes of the tests that run README's
commands, those of commands at a terminal, and some of the test that calls each command once. Needs Linux; elsewhere
every process starts from nothing.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_IMPORTED = (
    "bridge.cli.running", "bridge.cli.serving", "bridge.cli.states", "bridge.cli.pairing", "bridge.cli.monitoring",
    "bridge.cli.pins", "bridge.service", "bridge.http.app", "bridge.http.server", "bridge.links.ble",
    "bridge.store.registry", "firmware_sim.cli", "firmware_sim.ports.ble", "firmware_sim.ports.pty",
    "firmware_sim.ports.tcp", "hil.bluetooth.__main__", "hil.plugin", "pytest", "pytest_timeout",
    "uvicorn.protocols.http.h11_impl", "uvicorn.lifespan.on", "bleak.backends.bluezdbus.client",
    "bleak.backends.bluezdbus.scanner", "aiosqlite", "sqlalchemy.dialects.sqlite",
)  # fmt: skip
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: whoever has lost its parent becomes a child of this process, which can then wait for it."""
_LARGEST = 1 << 18
_ASKING = threading.Lock()


class Forked:
    """A process of `python -m MODULE WORDS`; `stdout` has what it prints, and what it complains of goes to `errors`."""

    def __init__(self, module: str, words: Sequence[str], *, env: Mapping[str, str], errors: int = 2) -> None:
        reading, writing = os.pipe()
        with open(os.devnull, "rb") as nothing:
            try:
                self.pid = _start(module, words, env, Path.cwd(), (nothing.fileno(), writing, errors))
            finally:
                os.close(writing)
        self.stdout = open(reading, encoding="utf-8")  # noqa: SIM115  __exit__ closes it
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, minus the number of the signal that has ended it, None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self, seconds: float) -> int:
        """Return the exit code; raise TimeoutExpired where there is none in time."""
        if self.returncode is None:
            _await(self.pid, seconds)
        code = self._reap(0)
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.send_signal(signal.SIGKILL)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.stdout.close()


def prepare() -> None:
    """Start what the others are forked from, where there is such a thing."""
    if sys.platform == "linux":
        _origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that has ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the one JSON object that was printed."""
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """Return the JSON objects that were printed."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(
    module: str, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float, stdin: str = ""
) -> Ended:
    """Run `python -m MODULE WORDS` to its end; raise TimeoutExpired, and kill it, where it takes longer."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        pid = _start(module, words, env, cwd, (given.fileno(), out.fileno(), err.fileno()))
        try:
            _await(pid, seconds)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            _, status = os.waitpid(pid, 0)
        for printed in (out, err):
            printed.seek(0)
        return Ended(code=os.waitstatus_to_exitcode(status), out=out.read().decode(), err=err.read().decode())


def _await(pid: int, seconds: float) -> None:
    ended = os.pidfd_open(pid)
    try:
        if not select.select([ended], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(str(pid), seconds)
    finally:
        os.close(ended)


def _start(module: str, words: Sequence[str], env: Mapping[str, str], cwd: Path, streams: tuple[int, int, int]) -> int:
    if sys.platform != "linux":
        actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(streams)]
        there = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(cwd), sys.executable, "-m", module, *words]
        return os.posix_spawn(there[0], there, env, file_actions=actions)
    with _ASKING:
        asking = _origin()
        socket.send_fds(asking, [json.dumps([module, list(words), dict(env), str(cwd)]).encode()], streams)
        return int(asking.recv(_LARGEST))


@cache
def _origin() -> socket.socket:
    """Start the process that all others are forked from; it ends with this one."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    origin = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    atexit.register(_end, origin, ours)
    return ours


def _end(origin: subprocess.Popen[bytes], asking: socket.socket) -> None:
    asking.close()
    origin.wait()


def _fork_for_ever(asked: socket.socket) -> tuple[str, list[str]]:
    """Fork for each message; return in the child, with what it is to run."""
    while True:
        message, streams, _, _ = socket.recv_fds(asked, _LARGEST, 3)
        if not message:
            os._exit(0)
        reading, writing = os.pipe()
        if (between := os.fork()) == 0:
            if (pid := os.fork()) == 0:
                return _become(json.loads(message), streams, (asked.fileno(), reading, writing))
            os.write(writing, str(pid).encode())
            os._exit(0)
        os.waitpid(between, 0)  # from here on the child belongs to whoever has asked
        asked.send(os.read(reading, 32))
        for descriptor in (*streams, reading, writing):
            os.close(descriptor)


def _become(asked: tuple[str, list[str], dict[str, str], str], streams: Sequence[int], others: Sequence[int]
            ) -> tuple[str, list[str]]:  # fmt: skip
    """Be as a process that was started with these streams and this environment."""
    module, words, env, cwd = asked
    os.chdir(cwd)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in (*streams, *others):
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = [part for part in env.get("PYTHONPATH", "").split(os.pathsep) if part]
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115  the process's own
    sys.stderr = TextIOWrapper(open(2, "wb", buffering=0), encoding="utf-8", write_through=True)  # noqa: SIM115
    return module, words


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the tests
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # what is shared with the children stays shared
    module, words = _fork_for_ever(socket.socket(fileno=int(sys.argv[1])))
    sys.argv = [module, *words]
    code: object = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ending:
        code = ending.code
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(
        code if isinstance(code, int) else 0 if code is None else 1
    )  # to free all that was imported takes a second


if __name__ == "__main__":
    _main()
