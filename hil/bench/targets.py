"""What a suite runs against, from one string: a simulated lock that it starts itself, or a lock that is there.

`sim:` is one in this process; `sim:pty`, `sim:tcp` and `sim:ble` are that lock behind real parts; `exec:` and
`exec+pty:` start a program of the user's; `usb:` finds an adapter by its serial number. Every other string is a target
of the bridge's.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError, Obstacle, Unreachable
from bridge.links import Link, MemoryHub, open_link, serial_adapters
from firmware_sim.control import serve_control
from firmware_sim.ports.pty import serve_pty
from firmware_sim.ports.tcp import serve_tcp
from firmware_sim.simulator import Simulator
from protocol.errors import MalformedError
from protocol.label import parse_label
from protocol.vocabulary import Capability

from ..errors import BenchFault, NotReached
from ..hands import Hands
from ..line import Patience
from ..station import PAIRING_HOLD, RESET_HOLD
from .control import ControlSocket
from .executables import EXECUTED, Program, ProgramHands
from .hardware import open_hands
from .inprocess import InProcessLock
from .power import PowerCheck
from .presence import Presence
from .switches import Operator

SIMULATED = ("sim:", "sim:pty", "sim:tcp", "sim:ble")
USB = "usb:"
"""What begins a target that is found by the serial number of its USB adapter."""
_QUIET = {"sim:": 0.02, "sim:pty": 0.05, "sim:tcp": 0.05, "sim:ble": 0.2}
_QUIET_HARDWARE = 0.5
_ANSWER = 2.0
"""Seconds that an answer may take: more than the 0.3 s after which a bridge asks again (SPEC 6.6), for slow links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A target as it is asked for: where the lock is, and for one that is there already its label and its hands.

    `hands` and `power` are the tables of a bench file, whose paths are relative to `folder`. `capabilities` are those
    that its owner declares, None where they declare nothing. Times are in seconds.
    """

    place: str
    name: str = ""
    """What a bench file calls it."""
    label_file: Path | None = None
    control: Path | None = None
    hands: dict[str, Any] = field(default_factory=dict)
    power: dict[str, Any] = field(default_factory=dict)
    capabilities: Capability | None = None
    firmware: Path | None = None
    answer: float = _ANSWER
    quiet: float | None = None
    window_hold: float = PAIRING_HOLD
    reset_hold: float = RESET_HOLD
    folder: Path = Path()
    bench: Path | None = None
    """The file that describes it."""

    @property
    def simulated(self) -> bool:
        """Whether the lock is made for the run."""
        return self.place in SIMULATED

    @property
    def in_process(self) -> bool:
        """Whether it is a lock without a wire, and fast as nothing else."""
        return self.place == "sim:"

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.place

    @property
    def patience(self) -> Patience:
        """How long to wait for it."""
        usual = _QUIET.get(self.place, _QUIET_HARDWARE)
        return Patience(answer=self.answer, quiet=usual if self.quiet is None else self.quiet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A lock that can be reached, with its hands and the secret of its label."""

    spec: Spec
    place: str
    connect: Callable[[], Awaitable[Link]]
    hands: Hands
    secret: bytes = field(repr=False)

    @property
    def patience(self) -> Patience:
        """How long to wait for it."""
        return self.spec.patience

    @property
    def wire(self) -> bool:
        """Whether it is reached by a wire, which a lock never sees opened or closed (SPEC 9.1)."""
        return self.place.startswith(("serial:", "sim:pty", *EXECUTED))

    @property
    def single(self) -> bool:
        """Whether one link at a time is all that can be: a wire, or the connection of one Bluetooth adapter."""
        return self.wire or self.place.startswith(("ble:", "sim:ble"))


@asynccontextmanager
async def open_target(
    spec: Spec, folder: Path, build: Callable[[], Simulator], operator: Operator | None = None
) -> AsyncIterator[Target]:
    """Yield a target; `build` makes the lock of a simulated one, `folder` takes its sockets. Raises BenchFault."""
    opening = _simulated(spec, folder, build()) if spec.simulated else _there(spec, operator)
    async with opening as target:
        yield target


@asynccontextmanager
async def _there(spec: Spec, operator: Operator | None) -> AsyncIterator[Target]:
    secret = _secret(spec)
    if not spec.place.startswith(EXECUTED):
        place = found(spec.place)
        single = place.startswith(("serial:", "ble:"))
        presence = Presence(lambda: _opened(place), single=single, answer=spec.answer)
        hands = _hands(spec, presence, operator)
        yield Target(spec=spec, place=place, connect=presence.connect, hands=hands, secret=secret)
        return
    async with Program.running(spec.place, spec.folder) as program:
        presence = Presence(program.connect, single=True, answer=spec.answer)
        hands = ProgramHands(program, _hands(spec, presence, operator))
        yield Target(spec=spec, place=spec.place, connect=program.connect, hands=hands, secret=secret)


def found(place: str) -> str:
    """Return the place behind `usb:NUMBER?baud=N`, or the same where it is another; raise BenchFault with what is."""
    if not place.startswith(USB):
        return place
    number, mark, options = place.removeprefix(USB).partition("?")
    adapters = serial_adapters()
    for adapter in adapters:
        if adapter.number == number:
            return f"serial:{adapter.port}{mark}{options}"
    there = ", ".join(f"{each.number} at {each.port}" for each in adapters if each.number) or "none"
    raise BenchFault(f"No adapter here has the USB serial number {number!r}. Is it plugged in? There are: {there}.")


def _hands(spec: Spec, check: PowerCheck, operator: Operator | None) -> Hands:
    control = {"control": str(spec.control)} if spec.control else {}
    return open_hands(spec.hands | control, spec.power, folder=spec.folder, check=check, operator=operator)


@asynccontextmanager
async def _simulated(spec: Spec, folder: Path, simulator: Simulator) -> AsyncIterator[Target]:
    async with AsyncExitStack() as stack:
        stack.callback(simulator.stop)
        control = folder / "ctl"
        await stack.enter_async_context(serve_control(simulator, control))
        connect = await _way(stack, spec.place, folder, simulator)
        secret = simulator.device.factory.secret
        yield Target(spec=spec, place=spec.place, connect=connect, hands=ControlSocket(control), secret=secret)


async def _way(stack: AsyncExitStack, place: str, folder: Path, simulator: Simulator) -> Callable[[], Awaitable[Link]]:
    """Put the lock where `place` says, and return what opens a link to it."""
    if place == "sim:pty":
        stack.enter_context(serve_pty(simulator, folder / "lock"))
        return lambda: _opened(f"serial:{folder / 'lock'}")
    if place == "sim:tcp":
        port = await stack.enter_async_context(serve_tcp(simulator, "127.0.0.1", 0))
        return lambda: _opened(f"tcp:{port}")
    if place == "sim:ble":
        return await _on_air(stack, folder, simulator)
    hub = MemoryHub()
    hub.ends["lock"] = InProcessLock(simulator)
    return lambda: _opened("memory:lock", hub)


async def _on_air(stack: AsyncExitStack, folder: Path, simulator: Simulator) -> Callable[[], Awaitable[Link]]:
    try:
        from firmware_sim.ports.ble import serve_ble  # noqa: PLC0415  its packages are extras
    except ImportError as error:
        sentence = f"A lock on the air needs another package ({error.name})."
        raise BenchFault(f"{sentence} Run `pip install 'latchwire[hil,radio,ble]'`.") from None
    await stack.enter_async_context(serve_ble(simulator, f"unix-server:{folder / 'air'}"))
    return lambda: _opened(f"ble:{simulator.device.factory.lock_id:08X}?hci=unix-client:{folder / 'air'}")


async def _opened(place: str, hub: MemoryHub | None = None) -> Link:
    try:
        return await open_link(place, hub)
    except Unreachable as error:
        raise NotReached(f"The target cannot be reached: {error}{_what_is_there(place, error)}") from None
    except BridgeError as error:
        raise NotReached(f"The target cannot be reached: {error}") from None


def _what_is_there(place: str, error: Unreachable) -> str:
    if error.obstacle is not Obstacle.MISSING or not place.startswith("serial:"):
        return ""
    ports = ", ".join(adapter.port for adapter in serial_adapters())
    return f" There are: {ports}." if ports else " This machine shows no serial port at all."


def _secret(spec: Spec) -> bytes:
    if spec.label_file is None:
        raise BenchFault(f"The label of the lock at {spec.place} is needed to pair: name the file that holds it.")
    try:
        return parse_label(spec.label_file.read_text())
    except (OSError, UnicodeDecodeError, MalformedError) as error:
        raise BenchFault(f"The label file {spec.label_file} cannot be used ({error}).") from None
