"""A user's program as a lock: `exec:./firmware ARGS` speaks on stdin and stdout, `exec+pty:…` on a pseudo-terminal.

Its power is its process: off is SIGKILL for the whole process group, on is a fresh start.
"""

import asyncio
import errno
import math
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bridge.errors import LinkLost
from bridge.links.base import Inbox
from protocol.framing import Frame, FrameDecoder, encode_frame
from protocol.messages.hello import Mode
from protocol.session import hello_request
from protocol.version import LARGEST_MAX_FRAME

from ..errors import BenchFault
from ..hands import Entry, FaultTable, Hand, Hands

EXECUTED = ("exec:", "exec+pty:")
"""What begins a target that is a program."""
START_SECONDS = 10.0
"""Seconds that a program may take until it answers a hello."""
WRITE_SECONDS = 2.0
_END_SECONDS = 5.0
_CHUNK = 4096
_LAST_LINES = 5
_LAST_BYTES = 1000
_TOLD_BYTES = 24


def arguments(place: str, folder: Path) -> list[str]:
    """Return the program of an `exec:` target and its arguments; raise BenchFault where there is none.

    A program with a slash in its name is relative to `folder`; any other is looked for on PATH.
    """
    text = place.partition(":")[2]
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BenchFault(f"{place!r} cannot be taken apart ({error}). Close its quotes as in a shell.") from None
    if not words:
        raise BenchFault(f"{place!r} names no program. Try exec:./firmware.")
    path = str((folder / words[0]).absolute()) if "/" in words[0] else shutil.which(words[0])
    if path is None:
        raise BenchFault(f"There is no program {words[0]!r} on PATH. If it is a file here, write ./{words[0]}.")
    if not Path(path).is_file() or not os.access(path, os.X_OK):
        raise BenchFault(f"{path} is no program that can be run. Was it built? Is it executable (chmod +x)?")
    return [path, *words[1:]]


class ProgramLink:
    """The wire to a program, from one opening to the next; a fresh start of the program leaves it where it is."""

    ack_timeout = 0.3
    bytes_per_second = math.inf

    def __init__(self, program: "Program", inbox: Inbox) -> None:
        self._program = program
        self._inbox = inbox

    @property
    def lost(self) -> bool:
        """Whether the program has ended."""
        return self._inbox.lost

    async def write(self, data: bytes) -> None:
        """Put bytes on the program's input."""
        if self._inbox.lost:
            raise LinkLost(self._program.farewell())
        await self._program.write(data)

    async def read(self) -> bytes:
        """Return the next bytes of the program's output."""
        try:
            return await self._inbox.get("")
        except LinkLost:
            raise LinkLost(self._program.farewell()) from None

    async def close(self) -> None:
        """Listen no more; the program runs on."""
        self._inbox.lose()
        self._program.unplug(self._inbox)


class Program:
    """A program that is a lock, from its start to its end; one link at a time hears it."""

    def __init__(self, words: list[str], folder: Path, *, terminal: bool) -> None:
        self._words = words
        self._folder = folder
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._ends: set[int] = set()
        self._input = self._output = self._errors = -1
        self._inbox = Inbox()
        self._plugged = False
        self._said = bytearray()

    @classmethod
    @asynccontextmanager
    async def running(cls, place: str, folder: Path) -> AsyncIterator["Program"]:
        """Yield the program of an `exec:` target once it answers a hello; raise BenchFault where it does not."""
        program = cls(arguments(place, folder), folder, terminal=place.startswith("exec+pty:"))
        try:
            await program.start()
            yield program
        finally:
            program.stop()
            program._inbox.lose()

    @property
    def pid(self) -> int:
        """The process that it is now, 0 where there is none."""
        return self._process.pid if self._process else 0

    async def connect(self) -> ProgramLink:
        """Return a link; the one before hears nothing any more. A program that has ended is started anew."""
        self._inbox.lose()
        self._plugged = False
        await self.require_running()
        self._inbox, self._plugged = Inbox(), True
        return ProgramLink(self, self._inbox)

    def unplug(self, inbox: Inbox) -> None:
        """Take a link out, where it is still the one that hears the program."""
        self._plugged = self._plugged and self._inbox is not inbox

    async def require_running(self) -> None:
        """Start it anew where it has ended; raise LinkLost where that was in the midst of a link's life."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._plugged:
            raise LinkLost(self.farewell())
        self.stop()
        await self.start()

    async def power_cycle(self) -> None:
        """Kill it and start it anew: a link that is open stays, as a wire does."""
        self.stop()
        await self.start()

    async def start(self) -> None:
        """Start it and wait until it answers a hello; raise BenchFault."""
        self._said.clear()
        self._spawn()
        inbox, self._inbox, heard = self._inbox, Inbox(), b""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.greet()
                decoder = FrameDecoder(LARGEST_MAX_FRAME)
                frames = 0
                while not frames:
                    data = await self._inbox.get("")
                    heard = (heard + data)[:_TOLD_BYTES]
                    frames = sum(isinstance(piece, Frame) for piece in decoder.feed(data))
        except TimeoutError:
            silent = f"did not answer a hello within {START_SECONDS:g} s of its start"
            noise = f" What it sent is no frame; it began with {heard.hex(' ')}." if heard else " It sent nothing."
            raise BenchFault(f"The program {self._words[0]} {silent}.{noise}{self._words_said}") from None
        except LinkLost:
            raise BenchFault(self.farewell()) from None
        finally:
            self._inbox = inbox

    def stop(self) -> None:
        """Kill it with all that it has started, and reap it."""
        process, self._process = self._process, None
        loop = asyncio.get_running_loop()
        for end in self._ends:
            loop.remove_reader(end)
            loop.remove_writer(end)
            os.close(end)
        self._ends.clear()
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(_END_SECONDS)

    async def write(self, data: bytes) -> None:
        """Write all bytes, waiting for room at most two seconds; raise LinkLost."""
        left = memoryview(data)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                while left:
                    left = left[self._write_some(left) :]
                    if left:
                        await self._writable()
        except TimeoutError:
            raise LinkLost(f"The program {self._words[0]} does not read its input.{self._words_said}") from None
        except OSError:
            raise LinkLost(self.farewell()) from None

    def farewell(self) -> str:
        """Return the sentence that says how the program has ended, with its last words."""
        name = self._words[0]
        if self._process is None:
            return f"The program {name} does not run any more."
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return f"The program {name} has closed its output, and runs on.{self._words_said}"
        self._hear_errors()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"The program {name} {how} in the middle of the suite.{self._words_said}"

    @property
    def _words_said(self) -> str:
        lines = bytes(self._said[-_LAST_BYTES:]).decode(errors="replace").splitlines()[-_LAST_LINES:]
        text = " | ".join("".join(each if each.isprintable() else "·" for each in line) for line in lines)
        return f" Its last words: {text}" if text else " It wrote nothing to stderr."

    def _spawn(self) -> None:
        theirs = self._open_terminal() if self._terminal else self._open_pipes()
        self._errors, errors = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603  the user's own program
                self._words, cwd=self._folder, stdin=theirs[0], stdout=theirs[1], stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise BenchFault(f"Cannot start {self._words[0]}: {error.strerror}. Is it a program?") from None
        finally:
            for end in {*theirs, errors}:
                os.close(end)
            self._ends = {self._input, self._output, self._errors}
        loop = asyncio.get_running_loop()
        for end in self._ends:
            os.set_blocking(end, False)
        loop.add_reader(self._output, self._hear)
        loop.add_reader(self._errors, self._hear_errors)

    def _open_terminal(self) -> tuple[int, int]:
        master, slave = os.openpty()
        tty.setraw(slave)  # a cooked one echoes, and swallows control bytes
        self._input = self._output = master
        return slave, slave

    def _open_pipes(self) -> tuple[int, int]:
        theirs_in, self._input = os.pipe()
        self._output, theirs_out = os.pipe()
        return theirs_in, theirs_out

    def _hear(self) -> None:
        if data := _read(self._output):
            self._inbox.put(data)
        elif data is not None:
            asyncio.get_running_loop().remove_reader(self._output)
            self._inbox.lose()

    def _hear_errors(self) -> None:
        while data := _read(self._errors):
            self._said += data
            del self._said[:-_LAST_BYTES]
        if data is not None:
            asyncio.get_running_loop().remove_reader(self._errors)

    def _write_some(self, data: memoryview) -> int:
        if not self._ends:
            raise OSError(errno.EBADF, "it does not run")
        with suppress(BlockingIOError):
            return os.write(self._input, data)
        return 0

    async def _writable(self) -> None:
        loop, ready, end = asyncio.get_running_loop(), asyncio.Event(), self._input
        loop.add_writer(end, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(end)

    async def greet(self) -> None:
        """Say hello to it; whoever listens hears the answer."""
        hello = hello_request(Mode.SESSION, 0, secrets.randbits(32))
        await self.write(encode_frame(hello, max_frame=LARGEST_MAX_FRAME))


class ProgramHands:
    """The hand at a program's power, beside `others`, which find it running."""

    def __init__(self, program: Program, others: Hands) -> None:
        self._program = program
        self._others = others
        self.able = others.able | {Hand.POWER}

    async def enter(self, digits: str) -> Entry:
        """Type a pin at the keypad."""
        await self._program.require_running()
        return await self._others.enter(digits)

    async def hold_button(self, seconds: float) -> None:
        """Hold the button."""
        await self._program.require_running()
        await self._others.hold_button(seconds)

    async def power_cycle(self) -> None:
        """Kill the program and start it anew."""
        await self._program.power_cycle()

    async def advance(self, seconds: int) -> None:
        """Let time pass."""
        await self._program.require_running()
        await self._others.advance(seconds)

    async def show(self, epoch: int | None) -> None:
        """Let the clock show a time."""
        await self._program.require_running()
        await self._others.show(epoch)

    async def block_bolt(self, *, blocked: bool) -> None:
        """Put something in the bolt's way, or take it out."""
        await self._program.require_running()
        await self._others.block_bolt(blocked=blocked)

    async def set_battery(self, percent: int) -> None:
        """Let the battery have so many percent."""
        await self._program.require_running()
        await self._others.set_battery(percent)

    async def strike(self, *plan: FaultTable) -> None:
        """Let faults strike."""
        await self._program.require_running()
        await self._others.strike(*plan)

    async def mend(self) -> None:
        """Let nothing more fail."""
        await self._program.require_running()
        await self._others.mend()


def _read(end: int) -> bytes | None:
    """Return what is there, nothing at the end of it, None where nothing is there yet."""
    try:
        return os.read(end, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:  # the other side of a pseudo-terminal is gone
        return b""
