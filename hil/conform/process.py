"""The suite as a process of its own, and what it tells while it runs: one JSON object an event."""

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import BenchFault
from ..report.results import EVENT

TO_END = 10
"""Seconds that the suite may take to end once it was told to."""
MARGIN = 120
"""Seconds beyond its own time in which the suite must have given back what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to run: the whole suite or one `test`, against `target` or what `words` (options of the plugin) name."""

    target: str | None
    report: Path
    words: tuple[str, ...]
    seconds: float
    """What all of it may take; the suite ends itself then, and is ended where it does not."""
    test: str | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """The words of its process."""
        place = str(files("hil.conformance"))
        ini = ("-c", str(files("hil.conform").joinpath("suite.ini")), "--rootdir", place)
        target = (f"--lock-target={self.target}",) if self.target else ()
        chosen_alone = ("--lock-chosen",) if self.test else ()
        report, total = f"--lock-report={self.report}", f"--lock-total={self.seconds:g}"
        own = (*target, report, total, "--lock-events", *chosen_alone, *self.words)
        chosen = f"{place}/{self.test}" if self.test else place
        return (sys.executable, "-P", "-m", "pytest", "-q", "-p", "hil.plugin", *ini, *own, chosen)


async def run_suite(run: Run) -> AsyncIterator[dict[str, Any]]:
    """Yield {"total": …}, then {"test": …, "outcome": …, "message": …} for each, in the end {"report": …}.

    Raises BenchFault where the suite ends without a report.
    """
    told = run.report / "report.json"
    if run.report.is_dir():
        told.unlink(missing_ok=True)  # one of an earlier run would pass for this one's
    async with _process(run.command) as process:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        last: deque[str] = deque(maxlen=5)
        try:
            async with asyncio.timeout(run.seconds + MARGIN):
                async for line in process.stdout:
                    text = line.decode(errors="replace").rstrip()
                    if text.startswith(EVENT):
                        yield json.loads(text[1:])
                    elif text:
                        last.append(text)
                code = await process.wait()
        except TimeoutError:
            raise BenchFault(f"The suite did not end within {run.seconds + MARGIN:g} s, and was ended.") from None
    if not told.exists():
        why = next((text.partition("ERROR: ")[2] for text in last if text.startswith("ERROR: ")), "")
        unknown = f"The suite ended with {code} and no report. It said last: {' / '.join(last)}"
        raise BenchFault(why.replace("--lock-", "--") or unknown)
    yield {"report": json.loads(told.read_text(encoding="utf-8"))}


@asynccontextmanager
async def _process(command: tuple[str, ...]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process; whatever ends this context interrupts it, so that it tidies up, or else kills it."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = await asyncio.create_subprocess_exec(
        *command, env=bare | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, limit=1 << 20,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it may end at any moment
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), TO_END)
            except TimeoutError:
                process.kill()
        await process.wait()
