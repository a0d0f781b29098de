"""The whole bridge behind a real socket, in a thread: registry, engine, and a simulated lock at a memory link."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.config import Settings
from bridge.http.app import create_app
from bridge.http.limits import Limits
from bridge.http.server import running
from bridge.links import MemoryHub
from bridge.pairing import PairingWish
from bridge.records import Scope
from bridge.service import open_service
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from hil.bench.inprocess import InProcessLock
from protocol.label import format_label
from tests.together.links import luck

LOCK = 123
UNLIMITED = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Where the bridge is served, and a token that may do everything at its one lock."""

    url: str
    token: str


@contextmanager
def served(state: Path, *, slots: int = 50) -> Iterator[Live]:
    """Serve a new bridge that knows a lock; a token may ask as often as it likes."""
    started: queue.SimpleQueue[tuple[Live, Callable[[], object]]] = queue.SimpleQueue()

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        simulator = Simulator(NorFlash(GEOMETRY), slots=slots, entropy=luck(1).randbytes)
        hub = MemoryHub()
        hub.ends["front"] = InProcessLock(simulator)
        async with open_service(Settings(state_dir=state), command="latchwire serve", hub=hub) as service:
            simulator.hold_button(5)
            wish = PairingWish(target="memory:front", name="front", zone="Europe/Warsaw", id=LOCK)
            await service.pair(wish, format_label(simulator.device.factory.secret))
            token = await service.create_token(scopes=frozenset(Scope), locks=["front"])
            limits = Limits(UNLIMITED, failures=UNLIMITED)
            async with running(create_app(service, limits=limits), "127.0.0.1", 0) as port:
                live = Live(url=f"http://127.0.0.1:{port}", token=token)
                started.put((live, lambda: loop.call_soon_threadsafe(stop.set)))
                await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    live, stop = started.get(timeout=10)
    yield live
    stop()
    thread.join(timeout=20)
