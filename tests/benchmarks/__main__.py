"""`make bench`: prints how fast Latchwire is, each row against what the same machine can do at best in the same run."""

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import codecs
from .api import over_http
from .exchanges import over_memory, over_pty, over_tcp
from .measuring import Row, run

ROUNDS = 40


async def measure(folder: Path, rounds: int) -> AsyncIterator[Row]:
    """Yield each row as it is measured; `folder` is empty, and takes flash images, keys and sockets."""
    for race in codecs.races():
        yield await run(race, rounds)
    for scene in (over_memory, over_tcp, over_pty, over_http):
        place = folder / scene.__name__
        place.mkdir()
        async with scene(place) as races:
            for race in races:
                yield await run(race, rounds)


def main(words: list[str] | None = None) -> None:
    """Measure and print; ends with 1 where something does not work, never because it is slow."""
    options = _options(words)
    asyncio.run(_print_all(options.rounds, as_json=options.json))


async def _print_all(rounds: int, *, as_json: bool) -> None:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    rows = []
    with tempfile.TemporaryDirectory(prefix="latchwire-bench-") as folder:
        async for row in measure(Path(folder), rounds):
            rows.append(row)
            if as_json:
                sys.stdout.write(json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n")
                sys.stdout.flush()
    if not as_json:
        _print_table(rows, rounds)


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of 20 calls a side")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    return parser.parse_args(words)


def _print_table(rows: list[Row], rounds: int) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("µs", "p50", "p99", "limit p50", "limit p99", "ratio"):
        table.add_column(name, justify="left" if name == "µs" else "right")
    table.add_column("limit")
    for row in rows:
        figures = [f"{figure:.1f}" for figure in (row.p50, row.p99, row.limit_p50, row.limit_p99, row.ratio)]
        table.add_row(row.name, *figures, row.against)
    console = Console(file=sys.stdout, highlight=False)
    console.print(table)
    for aim in dict.fromkeys(row.aim for row in rows if row.aim):
        held = all(row.met for row in rows if row.aim == aim)
        console.print(f"Aim: {aim}: {'met' if held else 'missed'}")


if __name__ == "__main__":
    main()
