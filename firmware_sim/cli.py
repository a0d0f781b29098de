"""The `sim` commands. Each returns values, which are in shown.py."""

import asyncio
import os
import signal
import tempfile
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from protocol.errors import MalformedError
from protocol.label import format_label, parse_label

from .clock import MAX_DRIFT, MAX_TIME
from .control import FULL, MAX_ADVANCE, call, serve_control
from .device import GEOMETRY
from .errors import OptionError, SimError
from .failing_flash import FailingFlash
from .faults import Fault, read_plan
from .flash import Flash, ImageFlash, NorFlash
from .hostile import HostileSimulator
from .ports.pty import serve_pty
from .ports.tcp import serve_tcp
from .shown import Entry, Running, State
from .simulator import Simulator, seeded_entropy

app = App(name="sim", help="Run a simulated keypad lock, and be the hand at its door.")

ControlPath = Annotated[Path, Parameter(name="--control", help="The control socket that `sim run` made.")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a simulated lock is like, and where it can be reached."""

    serial: Path | None = None
    """Offer the lock on a pseudo-terminal, with a symbolic link to it at this path."""
    tcp: str | None = None
    """Offer the lock at HOST:PORT; port 0 lets the system choose."""
    ble: str | None = None
    """Offer the lock on Bluetooth Low Energy: on a virtual air at unix-server:PATH or tcp-server:HOST:PORT, where
    centrals speak HCI, or by a controller at usb:0, serial:/dev/ttyACM0,1000000 or hci-socket:0, which are untried."""
    flash: Path | None = None
    """Keep the lock's flash in this file; without it, everything is forgotten at the end."""
    slots: int = 20
    """How many pins the lock can hold, 1 to 250."""
    seed: int | None = None
    """Draw all random bytes from this seed, to repeat a test. Such a lock is not secret."""
    faults: Path | None = None
    """Let link, flash, clock and processor fail as this TOML file says, by chance drawn from the seed: a [[fault]]
    table for each, such as link = "drop" and probability = 0.05, or flash = "brown_out" and at = 60 (seconds)."""
    control: Path | None = None
    """Make a control socket here, for `sim enter` and the other hands."""
    label_file: Path | None = None
    """Write the lock's label, which `pair` asks for, into this file."""
    pairing_open: bool = False
    """Start with the pairing window open, as if the button had just been held."""


_NO_OPTIONS = Options()


@app.command
async def run(*, options: Options = _NO_OPTIONS) -> AsyncIterator[Running]:
    """Run a simulated lock until it is interrupted."""
    if options.serial is None and options.tcp is None and options.ble is None:
        raise OptionError("A simulated lock needs a place: give --serial PATH, --tcp HOST:PORT or --ble TRANSPORT.")
    plan = read_plan(options.faults) if options.faults else None
    end = _end_on_signals_and_failures()
    async with AsyncExitStack() as stack:
        yield await _start(stack, options, plan)
        await end


@app.command
async def enter(digits: str, /, *, control: ControlPath) -> Entry:
    """Type a pin at the keypad: granted, or denied and why. Exit code 0 or 4.

    Parameters
    ----------
    digits
        What to type, as somebody at the door would.
    """
    return Entry(**_without_ok(await call(control, {"do": "enter", "digits": digits})))


@app.command
async def hold_button(*, control: ControlPath, seconds: float = 5) -> State:
    """Hold the button inside the door: 5 seconds open the pairing window for 120 seconds, 10 reset the lock.

    Parameters
    ----------
    seconds
        How long to hold it.
    """
    return _state(await call(control, {"do": "hold-button", "seconds": seconds}))


@app.command
async def power_cycle(*, control: ControlPath) -> State:
    """Take the battery out and put it back. Flash and the clock's own cell keep what they hold."""
    return _state(await call(control, {"do": "power-cycle"}))


@app.command
async def clock(
    *,
    control: ControlPath,
    set_to: Annotated[str | None, Parameter(name="--set")] = None,
    lose: bool = False,
    drift: int | None = None,
    advance: int | None = None,
) -> State:
    """Show the lock's clock, or do one thing to it.

    Parameters
    ----------
    set_to
        Show this time from now on: ISO 8601 with an offset, such as 2026-11-23T09:00:00+01:00.
        Trust stays as it is.
    lose
        Lose the time, as a clock whose own cell is empty.
    drift
        Gain so many parts per million from now on, or lose them: 20 ppm are 1.728 seconds a day.
    advance
        Let so many seconds pass at once, for the lock's timers too.
    """
    if (lose, set_to, drift, advance).count(None) + (not lose) < 3:
        raise OptionError("One thing at a time: give --set, --lose, --drift or --advance alone.")
    if drift is not None and abs(drift) > MAX_DRIFT:
        raise OptionError(f"A simulated clock drifts by {MAX_DRIFT} ppm at most, either way.")
    if advance is not None and not 0 <= advance <= MAX_ADVANCE:
        raise OptionError(f"Give --advance 0 to {MAX_ADVANCE} seconds, ten years.")
    done = {"set": None if set_to is None else _epoch(set_to), "lose": lose or None, "drift": drift, "advance": advance}
    asked = {name: value for name, value in done.items() if value is not None}
    return _state(await call(control, {"do": "clock" if asked else "state"} | asked))


@app.command
async def explain(pin_id: int, /, *, control: ControlPath, at: str | None = None) -> Entry:
    """Tell whether a pin opens and why, without typing it. Exit code 0 or 4.

    Parameters
    ----------
    pin_id
        The pin's id.
    at
        Judge as if the lock's clock showed this time and were trusted: ISO 8601 with an offset.
    """
    asked = {"do": "explain", "pin_id": pin_id} | ({} if at is None else {"at": _epoch(at)})
    return Entry(**_without_ok(await call(control, asked)))


@app.command
async def battery(
    *, control: ControlPath, set_to: Annotated[int | Literal["unknown"], Parameter(name="--set")]
) -> State:
    """Let the lock's battery have so many percent from now on, or let the lock not know its level.

    Parameters
    ----------
    set_to
        Percent, 0 to 100, or unknown.
    """
    percent = None if set_to == "unknown" else set_to
    if percent is not None and not 0 <= percent <= FULL:
        raise OptionError("A battery has 0 to 100 percent. Try --set 15, or --set unknown.")
    return _state(await call(control, {"do": "battery", "set": percent}))


@app.command
async def door(*, control: ControlPath, blocked: Annotated[bool, Parameter(negative="--no-blocked")]) -> State:
    """Put something in the bolt's way, so that it jams, or take it out.

    Parameters
    ----------
    blocked
        Whether something is in the way.
    """
    return _state(await call(control, {"do": "door", "blocked": blocked}))


@app.command
async def faults(plan: Path | None = None, /, *, control: ControlPath, end: bool = False) -> State:
    """Let faults strike a lock that was started with `sim run --faults`, beside those of its own plan.

    Parameters
    ----------
    plan
        A TOML file as for `sim run --faults`; `at` counts from now.
    end
        Let nothing more fail, and mend flash, the clock's pace and the processor. What a link has lost stays lost.
    """
    if (plan is None) is not end:
        raise OptionError("One thing at a time: give a file of faults, or --end.")
    asked = {"end": True} if plan is None else {"plan": _tables(plan)}
    return _state(await call(control, {"do": "faults"} | asked))


@app.command
async def state(*, control: ControlPath) -> State:
    """Show what somebody who opens the casing can see."""
    return _state(await call(control, {"do": "state"}))


async def _start(stack: AsyncExitStack, options: Options, plan: Sequence[Fault] | None) -> Running:
    """Start a lock, which `stack` ends, and tell where it is."""
    luck = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    simulator = _simulator(_memory(stack, options.flash), options, plan, luck)
    stack.callback(simulator.stop)
    if options.label_file:
        _write_label(options.label_file, simulator.device.factory.secret)
    if options.pairing_open:
        simulator.hold_button(5)
    if options.serial:
        stack.enter_context(serve_pty(simulator, options.serial))
    place = await stack.enter_async_context(_listening(simulator, options.tcp)) if options.tcp else None
    air = await stack.enter_async_context(_on_the_air(simulator, options.ble)) if options.ble else None
    if options.control:
        await stack.enter_async_context(serve_control(simulator, options.control))
    seen = simulator.snapshot()
    return Running(
        lock_id=seen.lock_id,
        serial_number=seen.serial,
        serial=str(options.serial) if options.serial else None,
        tcp=place,
        ble=air,
        control=str(options.control) if options.control else None,
        slots=seen.slots,
        damage=seen.damage,
        fault_seed=None if plan is None else luck,
    )


def _memory(stack: AsyncExitStack, flash: Path | None) -> Flash:
    return NorFlash(GEOMETRY) if flash is None else stack.enter_context(closing(ImageFlash(flash, GEOMETRY)))


def _simulator(memory: Flash, options: Options, plan: Sequence[Fault] | None, luck: int) -> Simulator:
    entropy = seeded_entropy(options.seed)
    if plan is None:
        return Simulator(memory, slots=options.slots, entropy=entropy)
    return HostileSimulator(FailingFlash(memory), plan, luck=luck, slots=options.slots, entropy=entropy)


def _listening(simulator: Simulator, place: str) -> AbstractAsyncContextManager[str]:
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise OptionError(f"{place!r} is no HOST:PORT. Try --tcp 127.0.0.1:7000.")
    return serve_tcp(simulator, host, int(port))


def _on_the_air(simulator: Simulator, transport: str) -> AbstractAsyncContextManager[str]:
    try:
        from .ports.ble import serve_ble  # noqa: PLC0415  Bumble is an extra, and slow to import
    except ModuleNotFoundError:
        raise OptionError("--ble needs Bumble. Install it with `pip install 'latchwire[radio]'`.") from None
    return serve_ble(simulator, transport)


def _write_label(path: Path, secret: bytes) -> None:
    """Write the label into a new file for its reader alone; a file that holds something else is left alone."""
    try:
        _require_label(path)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            copy = Path(folder, path.name)
            copy.touch(mode=0o600)
            copy.write_text(format_label(secret) + "\n")
            copy.replace(path)
    except (MalformedError, UnicodeDecodeError):
        raise OptionError(f"{path} holds something that is no label. Choose another path for --label-file.") from None
    except OSError as error:
        raise OptionError(f"Cannot write the label to {path}: {error.strerror}. Choose another --label-file.") from None


def _require_label(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OptionError(f"{path} is no regular file. Choose another path for --label-file.")
    if path.exists() and path.read_text().strip():
        parse_label(path.read_text())


def _end_on_signals_and_failures() -> asyncio.Future[None]:
    """Return what is done once the lock is told to end, and fails where the lock cannot go on."""
    loop = asyncio.get_running_loop()
    end = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _finish, end)
    loop.set_exception_handler(lambda _, context: _fail(end, context))
    return end


def _finish(end: asyncio.Future[None]) -> None:
    if not end.done():
        end.set_result(None)


def _fail(end: asyncio.Future[None], context: dict[str, Any]) -> None:
    error = context.get("exception")
    if not isinstance(error, SimError):
        end.get_loop().default_exception_handler(context)
    elif not end.done():
        end.set_exception(error)


def _tables(plan: Path) -> list[dict[str, Any]]:
    read_plan(plan)  # tells the line of what is wrong
    return list(tomllib.loads(plan.read_text()).get("fault", []))


def _epoch(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError("That is no ISO 8601 time. Try --set 2026-11-23T09:00:00+01:00.") from None
    if moment.tzinfo is None:
        raise OptionError("The time has no offset, so it could be any zone's. Add Z, or one such as +01:00.")
    epoch = int(moment.timestamp())
    if not 0 < epoch <= MAX_TIME:
        raise OptionError("The lock's clock shows times from 1970 to 2106 alone.")
    return epoch


def _without_ok(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ok"}


def _state(answer: dict[str, Any]) -> State:
    shown = datetime.fromtimestamp(answer["time"], UTC).isoformat().replace("+00:00", "Z")
    return State(**_without_ok(answer) | {"time": shown})
