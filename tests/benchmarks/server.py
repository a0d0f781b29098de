"""The HTTP API beside two routes that only the benchmark needs; run as a module with a state folder."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from fastapi import FastAPI, Response

from bridge.client import LockClient
from bridge.engine import Engine
from bridge.http.app import create_app
from bridge.http.envelope import answer
from bridge.http.limits import Limits
from bridge.http.server import running
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord

from .locks import bridge

UNLIMITED = 10**9


async def serve(state: Path) -> None:
    """Serve until SIGTERM; prints the port when ready."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with bridge(state) as (service, engine):
        lock, *_ = await service.locks()
        app = create_app(service, limits=Limits(rate=UNLIMITED))
        _add_routes(app, engine, lock)
        async with running(app, "127.0.0.1", 0) as port:
            sys.stdout.write(json.dumps({"port": port, "lock": lock.id}) + "\n")
            sys.stdout.flush()
            await stopped.wait()


def _add_routes(app: FastAPI, engine: Engine, lock: LockRecord) -> None:
    @app.post("/constant")
    async def constant() -> Response:
        """Answer what a pin create answers, having done nothing."""
        return answer(201, result={"id": 1})

    @app.post("/clear")
    async def clear() -> Response:
        """Make room for more pins."""
        await engine.change(lock, COMMAND_LINE, LockClient.clear_pins)
        return answer(201)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
