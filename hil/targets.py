"""What a suite runs against, from one string: a simulated lock that it starts itself, or a lock that is there.

`sim:` is one in this process; `sim:pty`, `sim:tcp` and `sim:ble` are that lock behind real parts. Every other string is
a target of the bridge's.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import BridgeError
from bridge.links import Link, MemoryHub, open_link
from firmware_sim.control import serve_control
from firmware_sim.ports.pty import serve_pty
from firmware_sim.ports.tcp import serve_tcp
from firmware_sim.simulator import Simulator
from protocol.errors import MalformedError
from protocol.label import parse_label

from .errors import BenchFault, NotReached
from .hands import ControlSocket, Hand, Hands
from .inprocess import InProcessLock
from .line import Patience

SIMULATED = ("sim:", "sim:pty", "sim:tcp", "sim:ble")
_QUIET = {"sim:": 0.02, "sim:pty": 0.05, "sim:tcp": 0.05, "sim:ble": 0.2}
_QUIET_HARDWARE = 0.5
_ANSWER = 2.0
"""Seconds that an answer may take: more than the 0.3 s after which a bridge asks again (SPEC 6.6), for slow links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A target as it is asked for: where the lock is, and for one that is there already its label and its hands."""

    place: str
    label_file: Path | None = None
    control: Path | None = None

    @property
    def simulated(self) -> bool:
        """Whether the lock is made for the run."""
        return self.place in SIMULATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A lock that can be reached, with its hands and the secret of its label."""

    place: str
    connect: Callable[[], Awaitable[Link]]
    hands: Hands
    secret: bytes = field(repr=False)
    patience: Patience

    @property
    def wire(self) -> bool:
        """Whether it is reached by a wire, which a lock never sees opened or closed (SPEC 9.1)."""
        return self.place.startswith(("serial:", "sim:pty"))

    @property
    def single(self) -> bool:
        """Whether one link at a time is all that can be: a wire, or the connection of one Bluetooth adapter."""
        return self.wire or self.place.startswith(("ble:", "sim:ble"))


class NoHands:
    """The hands of a target that has none; a test that wants one is skipped before it asks."""

    able: frozenset[Hand] = frozenset()

    def __getattr__(self, name: str) -> object:
        raise BenchFault(f"This target has no hand for {name}: name its control socket, or its hands in a bench file.")


@asynccontextmanager
async def open_target(spec: Spec, folder: Path, build: Callable[[], Simulator]) -> AsyncIterator[Target]:
    """Yield a target; `build` makes the lock of a simulated one, `folder` takes its sockets. Raises BenchFault."""
    if spec.simulated:
        async with _simulated(spec.place, folder, build()) as target:
            yield target
        return
    secret = _secret(spec)
    hands: Hands = ControlSocket(spec.control) if spec.control else NoHands()  # type: ignore[assignment]
    patience = Patience(answer=_ANSWER, quiet=_QUIET_HARDWARE)
    yield Target(place=spec.place, connect=lambda: _opened(spec.place), hands=hands, secret=secret, patience=patience)


@asynccontextmanager
async def _simulated(place: str, folder: Path, simulator: Simulator) -> AsyncIterator[Target]:
    async with AsyncExitStack() as stack:
        stack.callback(simulator.stop)
        control = folder / "ctl"
        await stack.enter_async_context(serve_control(simulator, control))
        connect = await _way(stack, place, folder, simulator)
        yield Target(
            place=place,
            connect=connect,
            hands=ControlSocket(control),
            secret=simulator.device.factory.secret,
            patience=Patience(answer=_ANSWER, quiet=_QUIET[place]),
        )


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
    from firmware_sim.ports.ble import serve_ble  # noqa: PLC0415  its packages are extras

    await stack.enter_async_context(serve_ble(simulator, f"unix-server:{folder / 'air'}"))
    return lambda: _opened(f"ble:{simulator.device.factory.lock_id:08X}?hci=unix-client:{folder / 'air'}")


async def _opened(place: str, hub: MemoryHub | None = None) -> Link:
    try:
        return await open_link(place, hub)
    except BridgeError as error:
        raise NotReached(f"The target cannot be reached: {error}") from None


def _secret(spec: Spec) -> bytes:
    if spec.label_file is None:
        raise BenchFault(f"The label of the lock at {spec.place} is needed to pair: name the file that holds it.")
    try:
        return parse_label(spec.label_file.read_text())
    except (OSError, UnicodeDecodeError, MalformedError) as error:
        raise BenchFault(f"The label file {spec.label_file} cannot be used ({error}).") from None
