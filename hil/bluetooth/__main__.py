"""Run the Bluetooth bench for programs of a shell: `python -m hil.bluetooth unix-client:PATH`."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from firmware_sim.ports.radio import hush
from protocol.bluetooth import LARGEST_MTU, SMALLEST_MTU

from ..errors import BenchError
from .bench import RadioBench
from .bus import private_bus

_LARGEST = 517
"""The largest ATT MTU that anybody asks for: a value has at most 512 bytes."""
_LONGEST = 4000
"""Milliseconds between two connection events, at most."""


def main(words: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; print one line with the bus's address as soon as clients may come."""
    parser = argparse.ArgumentParser(prog="python -m hil.bluetooth", description=__doc__)
    parser.add_argument("transport", help="an HCI transport as Bumble names them, such as unix-client:PATH")
    parser.add_argument(
        "--mtu", type=_mtu, default=LARGEST_MTU, help=f"the ATT MTU to ask for, {SMALLEST_MTU} to {_LARGEST}"
    )
    parser.add_argument(
        "--interval", type=_interval, default=0.0, metavar="MS", help=f"the connection interval, 0 (none) to {_LONGEST}"
    )
    parser.add_argument("--bus", type=Path, metavar="PATH", help="where the bus is to listen, for its clients to find")
    chosen = parser.parse_args(words)
    hush()
    try:
        with private_bus(chosen.bus) as bus:
            asyncio.run(_run(chosen.transport, bus, chosen.mtu, chosen.interval / 1000))
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _mtu(text: str) -> int:
    if not text.isdecimal() or not SMALLEST_MTU <= int(text) <= _LARGEST:
        raise argparse.ArgumentTypeError(f"an ATT MTU is {SMALLEST_MTU} to {_LARGEST}")
    return int(text)


def _interval(text: str) -> float:
    try:
        if 0 <= (interval := float(text)) <= _LONGEST:
            return interval
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"a connection interval has 0 to {_LONGEST} milliseconds")


async def _run(transport: str, bus: str, mtu: int, interval: float) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with RadioBench(transport, bus=bus, mtu=mtu, interval=interval):
        sys.stdout.write(json.dumps({"bus": bus}) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    sys.exit(main())
