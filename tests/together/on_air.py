"""A simulated lock on a virtual air, with the stand-in for BlueZ that stock bleak finds there, in one loop."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from firmware_sim.ports.ble import serve_ble
from firmware_sim.simulator import Simulator
from hil.bluetooth.bench import RadioBench
from tests.conftest import skip_without_a_bus


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAir:
    """A lock that is on the air, what stands between it and bleak, and the target behind which it is."""

    simulator: Simulator
    bench: RadioBench
    target: str


@asynccontextmanager
async def by_radio(transport: str, **options: Any) -> AsyncIterator[RadioBench]:
    """Let bleak find a stand-in for BlueZ; `options` are RadioBench's. Skips the test where no bus can be run."""
    skip_without_a_bus()
    async with RadioBench(transport, **options) as bench:
        with patch.dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bench.address):
            yield bench


@asynccontextmanager
async def on_air(simulator: Simulator, folder: Path, **options: Any) -> AsyncIterator[OnAir]:
    """Put a lock on the air, with what `by_radio` says before it."""
    target = f"ble:{simulator.device.factory.lock_id:08X}"
    async with (
        serve_ble(simulator, f"unix-server:{folder / 'air'}"),
        by_radio(f"unix-client:{folder / 'air'}", **options) as bench,
    ):
        yield OnAir(simulator=simulator, bench=bench, target=target)
