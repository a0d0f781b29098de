"""An encrypted ping and pin create over each transport, against a raw ping-pong of as many bytes on the same one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

from bridge.client import LockClient
from bridge.links import MemoryHub
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import ImageFlash
from firmware_sim.simulator import Simulator
from hil.bench.inprocess import InProcessLock
from protocol.codec import encode_answer, encode_request
from protocol.framing import Frame, Kind, encode_frame
from protocol.label import format_label
from protocol.messages.declaration import Request, Response
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.pins import PinCreateResponse
from protocol.registry import BY_REQUEST
from protocol.version import MAX_VERSION, TAG_SIZE

from .locks import SLOTS, paired, simulated_lock
from .measuring import Aim, Race, awaited, plain
from .raw import Line, ping_pong, pipe_line, pty_line, tcp_line
from .samples import REQUEST, entries

PAYLOAD = bytes(32)
PTY_AIM = Aim(sentence="an encrypted exchange over a pty within 10 × the raw ping-pong", ratio=10)


@asynccontextmanager
async def over_memory(folder: Path) -> AsyncIterator[list[Race]]:
    """Yield the rows of a lock in this process; its raw ping-pong goes through pipes."""
    hub = MemoryHub()
    async with AsyncExitStack() as stack:
        flash = stack.enter_context(closing(ImageFlash(folder / "flash", GEOMETRY)))
        simulator = Simulator(flash, slots=SLOTS)
        stack.callback(simulator.stop)
        hub.ends["bench"] = InProcessLock(simulator)
        simulator.hold_button(5)
        label = format_label(simulator.device.factory.secret)
        client = await stack.enter_async_context(paired(folder / "state", "memory:bench", label, hub))
        yield _races(stack, client, "memory", "pipes", pipe_line)


@asynccontextmanager
async def over_tcp(folder: Path) -> AsyncIterator[list[Race]]:
    """Yield the rows of a lock in another process, over loopback."""
    async with AsyncExitStack() as stack:
        lock, label = stack.enter_context(simulated_lock(folder, "--tcp", "127.0.0.1:0"))
        client = await stack.enter_async_context(paired(folder / "state", f"tcp:{lock['tcp']}", label))
        yield _races(stack, client, "TCP", "TCP", tcp_line)


@asynccontextmanager
async def over_pty(folder: Path) -> AsyncIterator[list[Race]]:
    """Yield the rows of a lock in another process, over a pseudo-terminal."""
    async with AsyncExitStack() as stack:
        lock, label = stack.enter_context(simulated_lock(folder, "--serial", str(folder / "lock")))
        client = await stack.enter_async_context(paired(folder / "state", f"serial:{lock['serial']}", label))
        yield _races(stack, client, "a pty", "a pty", pty_line, PTY_AIM)


def _races(
    stack: AsyncExitStack,
    client: LockClient,
    transport: str,
    limit: str,
    line: Callable[[], Line],
    aim: Aim | None = None,
) -> list[Race]:
    ping, pong = PingRequest(payload=PAYLOAD), PingResponse(payload=PAYLOAD)
    created = PinCreateResponse(id=1, list_version=1)
    raw_ping = stack.enter_context(ping_pong(line(), *sizes(ping, pong)))
    raw_create = stack.enter_context(ping_pong(line(), *sizes(REQUEST, created)))
    against = f"raw os.read and os.write of as many bytes over {limit}, two processes"
    new = entries()

    async def pings(calls: int) -> list[float]:
        return await awaited(lambda: client.ping(PAYLOAD), calls)

    async def creates(calls: int) -> list[float]:
        taken = await awaited(lambda: client.create_pin(next(new)), calls)
        await client.clear_pins()
        return taken

    return [
        Race(name=f"encrypted ping over {transport}", against=against, ours=pings, limit=plain(raw_ping), aim=aim),
        Race(name=f"pin create over {transport}", against=against, ours=creates, limit=plain(raw_create), aim=aim),
    ]


def sizes(request: Request, response: Response) -> tuple[int, int]:
    """Return how many bytes an exchange puts on the stream, there and back."""
    opcode = BY_REQUEST[type(request)].opcode
    return _on_stream(encode_request(request)), _on_stream(encode_answer(opcode, response))


def _on_stream(body: bytes) -> int:
    sealed = body + bytes(TAG_SIZE)
    return len(encode_frame(Frame(version=MAX_VERSION, kind=Kind.TRANSPORT, counter=0, body=sealed)))
