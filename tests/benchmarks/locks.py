"""The processes of the benchmarks, and the locks in them; each process ends with its context."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bridge.client import LockClient
from bridge.config import Settings
from bridge.engine import Engine
from bridge.links import MemoryHub
from bridge.pairing import PairingWish
from bridge.records import LockRecord
from bridge.service import Service
from bridge.sessions import KnownLock
from bridge.store.folder import StateFolder
from bridge.store.keys import load_or_create
from bridge.store.registry import Registry

from .measuring import BenchmarkFailed
from .raw import ROOT

SLOTS = 250


@contextmanager
def started(module: str, *words: str) -> Iterator[dict[str, Any]]:
    """Run a module that stays, out of reach of Ctrl-C, and yield the JSON object that it printed when it was ready."""
    command = [sys.executable, "-m", module, *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, process_group=0) as process:
        try:
            yield _first_object(process, module)
        finally:
            process.terminate()


@contextmanager
def simulated_lock(folder: Path, *place: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Run a simulated lock in a process of its own, its flash in a file; yield what it printed, and its label."""
    label, flash = folder / "label", folder / "flash"
    words = ["--flash", str(flash), "--slots", str(SLOTS), "--label-file", str(label), "--pairing-open"]
    with started("bridge.cli", "sim", "run", *place, *words, "--json") as running:
        yield running, label.read_text()


@asynccontextmanager
async def bridge(state: Path, hub: MemoryHub | None = None) -> AsyncIterator[tuple[Service, Engine]]:
    """Open the bridge's state as `open_service` does, and yield the engine beside the service."""
    settings, folder = Settings(state_dir=state), StateFolder.open(state)
    async with AsyncExitStack() as stack:
        registry = await Registry.open(folder)
        stack.push_async_callback(registry.close)
        engine = Engine(
            settings, folder, load_or_create(folder), command="make bench", hub=hub, journal=registry.journal
        )
        stack.push_async_callback(engine.close)
        yield Service(registry, engine, folder), engine


@asynccontextmanager
async def paired(state: Path, target: str, label: str, hub: MemoryHub | None = None) -> AsyncIterator[LockClient]:
    """Pair with the lock at `target` and yield a client of it, its session open."""
    async with bridge(state, hub) as (service, engine):
        lock = await service.pair(PairingWish(target=target, name="bench", zone="UTC", id=1), label)
        client = _client(lock, engine)
        try:
            await client.info()
            yield client
        finally:
            await client.close()


def _client(lock: LockRecord, engine: Engine) -> LockClient:
    known = KnownLock(wire_id=lock.wire_id, public_key=lock.public_key, version=lock.version)
    return LockClient(known, engine.keys, partial(engine.connect, lock.target))


def _first_object(process: subprocess.Popen[bytes], module: str) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise BenchmarkFailed(f"{module} has ended before it was ready")
    return dict(json.loads(line))
