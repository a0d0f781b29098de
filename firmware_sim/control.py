"""The hand at the door: keypad, button, battery and clock, over a unix socket of mode 0600.

One JSON object a line each way: `{"do": "enter", "digits": "…"}` is answered by `{"ok": true, …}`, or by
`{"ok": false, "error": "a sentence"}`. The socket is as trusted as somebody who stands inside the door.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .clock import MAX_TIME
from .errors import ControlError
from .keypad import SENTENCES
from .simulator import Simulator

_LONGEST_LINE = 4096
_ANSWER_SECONDS = 5
_KNOWN = "this lock knows enter, hold-button, power-cycle, clock and state, each with its own values"

Request = dict[str, Any]
Answer = dict[str, Any]


@asynccontextmanager
async def serve_control(simulator: Simulator, path: Path) -> AsyncIterator[None]:
    """Offer the control socket at `path`; raise ControlError where it cannot be made."""
    _clear_stale(path)
    old_mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(
            lambda reader, writer: _converse(simulator, reader, writer), str(path), limit=_LONGEST_LINE
        )
    except OSError as error:
        raise ControlError(f"Cannot make the control socket {path}: {error.strerror}. Does its folder exist?") from None
    finally:
        os.umask(old_mask)
    try:
        yield
    finally:
        server.close()
        _clear_stale(path)


async def call(path: Path, request: Request) -> Answer:
    """Send one request to the simulated lock at `path` and return its answer; raise ControlError."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await _call(path, request)
    except TimeoutError:
        raise ControlError(f"The simulated lock at {path} did not answer. Is its process stopped?") from None
    except (OSError, json.JSONDecodeError):
        raise ControlError(
            f"No simulated lock listens at {path}. Start one with `latchwire sim run --control {path} …`."
        ) from None


async def _call(path: Path, request: Request) -> Answer:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        answer = json.loads(await reader.readline())
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if not answer.get("ok"):
        raise ControlError(str(answer.get("error")))
    return dict(answer)


async def _converse(simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ValueError, asyncio.IncompleteReadError):  # ValueError: a line beyond the limit
        while line := await reader.readline():
            writer.write(json.dumps(answer(simulator, line)).encode() + b"\n")
            await writer.drain()
    writer.close()


def answer(simulator: Simulator, line: bytes) -> Answer:
    """Carry out one line; whatever is wrong with it is said, and the digits in it are not."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return _refused("the line is no JSON")
    if not isinstance(request, dict):
        return _refused("the line is no JSON object")
    match request:
        case {"do": "enter", "digits": str(digits)}:
            return _enter(simulator, digits)
        case {"do": "hold-button", "seconds": int(seconds) | float(seconds)}:
            simulator.hold_button(seconds)
        case {"do": "power-cycle"}:
            simulator.power_cycle()
        case {"do": "clock", "set": int(epoch)} if 0 < epoch <= MAX_TIME:
            simulator.device.clock.show(epoch)
        case {"do": "clock", "lose": True}:
            simulator.device.clock.lose()
        case {"do": "state"}:
            pass
        case _:
            return _refused(_KNOWN)
    return _state(simulator)


def _enter(simulator: Simulator, digits: str) -> Answer:
    decision = simulator.enter(digits)
    if decision.denial is None:
        return {"ok": True, "granted": True, "pin_id": decision.pin_id, "denial": None, "reason": None}
    return {
        "ok": True,
        "granted": False,
        "pin_id": decision.pin_id,
        "denial": decision.denial.name.lower(),
        "reason": SENTENCES[decision.denial],
    }


def _state(simulator: Simulator) -> Answer:
    seen = simulator.snapshot()
    return {"ok": True, **asdict(seen), "bolt": seen.bolt.name.lower()}


def _refused(error: str) -> Answer:
    return {"ok": False, "error": f"The simulated lock did not understand: {error}."}


def _clear_stale(path: Path) -> None:
    """Remove a socket that a killed simulator has left; anything else at `path` stays."""
    if path.exists() and not path.is_socket():
        raise ControlError(f"{path} exists and is no socket. Choose another path for --control.")
    path.unlink(missing_ok=True)
