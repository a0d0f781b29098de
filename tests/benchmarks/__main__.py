"""`make bench`: prints how fast Latchwire is, each row beside what the same machine needs at least, in the same run."""

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from . import codecs, simulated
from .api import over_http
from .exchanges import over_memory, over_pty, over_tcp
from .figures import figures
from .listing import over_a_cable
from .measuring import MAX_CALLS, Figure, Row, one_core, run
from .radio import over_radio, radio
from .starting import starts
from .suites import overhead
from .throughput import throughput

ROUNDS, CALLS = 40, 20
INTERRUPTED = 130


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print. It fails where something does not work, never because something is slow."""
    options = _options(words)
    try:
        asyncio.run(_show(options.rounds, options.calls, as_json=options.json))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)


async def measure(folder: Path, rounds: int, calls: int) -> AsyncIterator[Row | Figure]:
    """Yield each row when it is measured; `folder` takes flash images, keys and ports."""
    share = min(1, rounds / ROUNDS)
    with one_core():
        for race in (*codecs.races(), *simulated.races()):
            yield await run(race, rounds, calls)
        for scene in (over_memory, over_tcp, over_pty, over_a_cable, over_http, over_radio):
            async with scene(_place(folder, scene.__name__)) as races:
                for race in races:
                    yield await run(race, rounds, calls)
        for figure in (*starts(share), *figures(share)):
            await asyncio.sleep(0)  # so that an interrupt is heard
            yield figure
        for figure in overhead(_place(folder, "overhead"), share):
            yield figure
        async for figure in radio(_place(folder, "radio"), share):
            yield figure
    async for figure in throughput(_place(folder, "throughput"), share):
        yield figure


def _place(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    return place


async def _show(rounds: int, calls: int, *, as_json: bool) -> None:
    if task := asyncio.current_task():  # so that SIGTERM, as Ctrl-C, ends all processes that were started
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    rows: list[Row | Figure] = []
    if not as_json:
        _say(_head(rounds, calls))
    with tempfile.TemporaryDirectory(prefix="latchwire-bench-") as folder:
        async for row in measure(Path(folder), rounds, calls):
            rows.append(row)
            _say(json.dumps(dataclasses.asdict(row), ensure_ascii=False) if as_json else _line(row))
    if not as_json:
        _say("", *map(_verdict, [row for row in rows if row.aim]))


def _head(rounds: int, calls: int) -> str:
    return (
        f"CPython {platform.python_version()}, all processes on one core of {os.cpu_count()} but for throughput; "
        f"{rounds} rounds of {calls} calls, both sides in turn; times in µs\n\n"
        f"{'':28}{'p50':>9}{'p99':>9}{'limit p50':>12}{'limit p99':>11}{'ratio':>8}  limit"
    )


def _line(row: Row | Figure) -> str:
    if isinstance(row, Figure):
        return f"{row.name:28}{row.value:9.1f} {row.unit}: {row.note}"
    ours = f"{row.name:28}{row.p50:9.1f}{row.p99:9.1f}"
    return f"{ours}{row.limit_p50:12.1f}{row.limit_p99:11.1f}{row.ratio:8.1f}  {row.against}"


def _verdict(row: Row | Figure) -> str:
    verdict = "Met" if row.met else "Missed"
    if isinstance(row, Figure):
        return f"{verdict}: {row.aim} ({row.name}: {row.value:.1f} {row.unit})."
    return f"{verdict}: {row.aim} ({row.name}: p50 {row.p50 / 1000:.2f} ms, {row.ratio:.1f} × the limit)."


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=_count, default=ROUNDS, help="rounds of each side (%(default)s)")
    parser.add_argument("--calls", type=_count, default=CALLS, help="calls in a round (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a row")
    options = parser.parse_args(words)
    if options.calls > MAX_CALLS:
        parser.error(f"--calls is at most {MAX_CALLS}")
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1 up")
    return int(text)


if __name__ == "__main__":
    main()
