"""A program of the user's, run to its end by a deadline: no shell, no digits in what is told of it."""

import asyncio
import os
import re
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import BenchFault

_MOST_OUTPUT = 65536
_LONGEST_TOLD = 200
_DIGITS = re.compile(r"\d{5,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a program ended with, and what it has said."""

    code: int
    output: str
    complaint: str
    """The last line of its standard error, as a sentence may repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command as a bench names it; `where` is the place in the bench that a sentence names."""

    where: str
    words: tuple[str, ...]
    folder: Path
    seconds: float

    def takes(self, name: str) -> bool:
        """Whether {name} stands among its words."""
        return any(f"{{{name}}}" in word for word in self.words)

    async def run(self, name: str = "", value: str = "", *, longer: float = 0.0) -> Done:
        """Run it and return what came of it; raise BenchFault where it does not end in time.

        `value` stands wherever its words have {name}, and on its standard input where none has. Output goes into
        files: what it leaves running in the background, and holds them, is not waited for.
        """
        words = [word.replace(f"{{{name}}}", value) if name else word for word in self.words]
        said = "" if not name or self.takes(name) else f"{value}\n"
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            code = await self._run(words, said.encode(), output, errors, self.seconds + longer)
            lines = _read(errors).strip().splitlines()
            return Done(code=code, output=_read(output), complaint=harmless(lines[-1]) if lines else "")

    async def must(self, name: str = "", value: str = "", *, longer: float = 0.0) -> None:
        """Run it; raise BenchFault where it does not end with 0."""
        done = await self.run(name, value, longer=longer)
        if done.code:
            raise self.failed(done)

    def failed(self, done: Done) -> BenchFault:
        """Return the fault of a program that has ended otherwise than it should."""
        why = f" It said: {done.complaint}" if done.complaint else ""
        return BenchFault(f"{self.where}: {self.words[0]} ended with {done.code}. Run it by hand to see why.{why}")

    async def _run(self, words: list[str], said: bytes, output: IO[bytes], errors: IO[bytes], seconds: float) -> int:
        process = await self._start(words, said, output, errors)
        try:
            async with asyncio.timeout(seconds):
                return await process.wait()
        except TimeoutError:
            raise BenchFault(
                f"{self.where}: {self.words[0]} did not end within {seconds:g} s, and was killed. Does it wait for "
                "something? `timeout` gives it longer."
            ) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.shield(process.wait())

    async def _start(
        self, words: list[str], said: bytes, output: IO[bytes], errors: IO[bytes]
    ) -> asyncio.subprocess.Process:
        reading, writing = os.pipe()
        try:
            os.write(writing, said)  # a few bytes: a pipe takes more than these at once
            return await asyncio.create_subprocess_exec(
                *words, cwd=self.folder, stdin=reading, stdout=output, stderr=errors, start_new_session=True
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its words hold a zero byte"
            raise BenchFault(f"{self.where}: {self.words[0]} cannot be run: {why}. Does it begin with #!?") from None
        finally:
            os.close(reading)
            os.close(writing)


def harmless(text: str) -> str:
    """Return what a program has said as a sentence may repeat it: short, printable, without digits of a pin."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:_LONGEST_TOLD])
    return _DIGITS.sub("•", shown)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST_OUTPUT).decode(errors="replace")
