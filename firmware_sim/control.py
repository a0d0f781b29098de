"""The hand at the door: keypad, button, battery, clock and faults, over a unix socket of mode 0600.

One JSON object a line each way: `{"do": "enter", "digits": "…"}` is answered by `{"ok": true, …}`, or by
`{"ok": false, "error": "a sentence"}`. The socket is as trusted as somebody who stands inside the door.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from protocol.messages.device import UNKNOWN_BATTERY

from .clock import DAY, MAX_DRIFT, MAX_TIME
from .errors import ControlError, FaultPlanError, PowerCut
from .faults import plan_of
from .hostile import HostileSimulator
from .keypad import SENTENCES, Decision
from .simulator import Simulator
from .socket_file import private_socket

_LONGEST_LINE = 4096
_ANSWER_SECONDS = 5
MAX_ADVANCE = 3660 * DAY
"""The most seconds that pass at once, ten years."""
FULL = 100
"""Percent of a battery that is new."""
_KNOWN = (
    "this lock knows enter, hold-button, power-cycle, clock, battery, door, faults, explain and state, "
    "each with its own values"
)

Request = dict[str, Any]
Answer = dict[str, Any]


@asynccontextmanager
async def serve_control(simulator: Simulator, path: Path) -> AsyncIterator[None]:
    """Offer the control socket at `path`; raise ControlError where it cannot be made."""
    with private_socket(path, option="--control", error=ControlError) as made:
        server = await asyncio.start_unix_server(
            lambda reader, writer: _converse(simulator, reader, writer), sock=made, limit=_LONGEST_LINE
        )
        try:
            yield
        finally:
            server.close()


async def call(path: Path, request: Request) -> Answer:
    """Send one request to the simulated lock at `path` and return its answer; raise ControlError."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await _call(path, request)
    except TimeoutError:
        raise ControlError(f"The simulated lock at {path} did not answer. Is its process stopped?") from None
    except (OSError, ValueError):
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
    match answer:
        case {"ok": True}:
            return dict(answer)
        case {"ok": False, "error": str(error)}:
            raise ControlError(error)
    raise ValueError("whoever answers there is no simulated lock")


async def _converse(simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.CancelledError):  # Python 3.11 reports a conversation that is cancelled as a failure
        try:
            while line := await reader.readline():
                await _say(writer, answer(simulator, line))
        except ValueError:  # asyncio's word for a line beyond the limit: where the next one begins is not known
            await _say(writer, _refused("the line is too long"))
    writer.close()


async def _say(writer: asyncio.StreamWriter, said: Answer) -> None:
    writer.write(json.dumps(said).encode() + b"\n")
    await writer.drain()


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
        case {"do": "hold-button", "seconds": int(seconds) | float(seconds)} if _is_number(seconds):
            simulator.hold_button(seconds)
        case {"do": "power-cycle"}:
            simulator.power_cycle()
        case {"do": "clock"}:
            if not _moved(simulator, request):
                return _refused(_KNOWN)
        case {"do": "explain", "pin_id": int(pin_id), **rest} if not isinstance(pin_id, bool):
            return _explain(simulator, pin_id, rest.get("at"))
        case {"do": "state"}:
            pass
        case _:
            return _hardware(simulator, request)
    return _state(simulator)


def _hardware(simulator: Simulator, request: Request) -> Answer:
    match request:
        case {"do": "battery", "set": int(percent)} if _is_number(percent) and percent <= FULL:
            simulator.set_battery(percent)
        case {"do": "battery", "set": None}:
            simulator.set_battery(UNKNOWN_BATTERY)
        case {"do": "door", "blocked": bool(blocked)}:
            simulator.block_bolt(blocked=blocked)
        case {"do": "faults"}:
            return _fail(simulator, request)
        case _:
            return _refused(_KNOWN)
    return _state(simulator)


def _fail(simulator: Simulator, request: Request) -> Answer:
    if not isinstance(simulator, HostileSimulator):
        error = "This simulated lock takes no faults. Start it with `sim run --faults FILE`: an empty file will do."
        return {"ok": False, "error": error}
    match request:
        case {"plan": tables}:
            try:
                simulator.strike(plan_of(tables))
            except FaultPlanError as error:
                return _refused(str(error))
        case {"end": True}:
            simulator.mend()
        case _:
            return _refused(_KNOWN)
    return _state(simulator)


def _moved(simulator: Simulator, request: Request) -> bool:
    match request:
        case {"set": int(epoch)} if _is_number(epoch) and 0 < epoch <= MAX_TIME:
            simulator.move_clock(epoch)
        case {"lose": True}:
            simulator.move_clock(None)
        case {"drift": int(ppm)} if not isinstance(ppm, bool) and abs(ppm) <= MAX_DRIFT:
            simulator.drift_clock(ppm)
        case {"advance": int(seconds)} if _is_number(seconds) and seconds <= MAX_ADVANCE:
            simulator.pass_time(seconds)
        case _:
            return False
    return True


def _enter(simulator: Simulator, digits: str) -> Answer:
    try:
        return _decided(simulator.enter(digits))
    except PowerCut:
        return {"ok": False, "error": "The simulated lock lost power before it decided. Type the pin again."}


def _explain(simulator: Simulator, pin_id: int, at: object) -> Answer:
    if at is not None and (not isinstance(at, int) or not _is_number(at) or not 0 < at <= MAX_TIME):
        return _refused(_KNOWN)
    decision = simulator.device.firmware.gate.foresee(pin_id, at)
    if decision is None:
        return {
            "ok": False,
            "error": f"The simulated lock has no pin {pin_id}. `latchwire pin list` shows those it has.",
        }
    return _decided(decision)


def _decided(decision: Decision) -> Answer:
    if decision.denial is None:
        return {
            "ok": True,
            "granted": True,
            "pin_id": decision.pin_id,
            "denial": None,
            "reason": None,
            "explanation": decision.explanation,
        }
    return {
        "ok": True,
        "granted": False,
        "pin_id": decision.pin_id,
        "denial": decision.denial.name.lower(),
        "reason": SENTENCES[decision.denial],
        "explanation": decision.explanation,
    }


def _state(simulator: Simulator) -> Answer:
    seen = simulator.snapshot()
    battery = None if seen.battery == UNKNOWN_BATTERY else seen.battery
    return {"ok": True, **asdict(seen), "bolt": seen.bolt.name.lower(), "battery": battery}


def _refused(error: str) -> Answer:
    return {"ok": False, "error": f"The simulated lock did not understand: {error}."}


def _is_number(value: float) -> bool:
    """Whether JSON's number is one that can be counted with: no boolean, no NaN, not infinite, not below 0."""
    return not isinstance(value, bool) and 0 <= value < math.inf
