"""A simulated lock and a bridge that it knows, in one loop of virtual time; the bridge's links go through a double."""

from collections.abc import Callable
from dataclasses import replace

from bridge.client import LockClient
from bridge.handshakes import greet, pair
from bridge.links import Link, MemoryHub, open_link
from bridge.links.base import Inbox
from bridge.sessions import KnownLock
from bridge.store.keys import BridgeKeys
from bridge.wire import Wire
from firmware_sim.device import GEOMETRY
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from hil.bench.inprocess import InProcessLock, InProcessPlug
from protocol.codec import encode_request
from protocol.exchange import Retry, State
from protocol.framing import Frame, Kind
from protocol.messages.hello import Mode
from protocol.messages.pairing import PairCommitRequest
from protocol.session import accepting
from protocol.vocabulary import PinEntry
from tests.together.links import Whole, frames_of, luck
from tests.virtual_time import virtual_loop

EPOCH = 1_790_000_000
"""What the bridge's clock shows at the virtual second 0."""


class _WirePlug(InProcessPlug):
    """A wire instead of a connection: the lock cannot end it, and says REFUSED on it after a loss of power."""

    def __init__(self, simulator: Simulator, inbox: Inbox) -> None:
        super().__init__(simulator, inbox)
        self.disconnect()
        self._number = simulator.attach(self, connection=False)


class WiredLock(InProcessLock):
    """A lock at the end of a wire."""

    def connect(self, inbox: Inbox) -> InProcessPlug:
        return _WirePlug(self._simulator, inbox)


def pin(digits: str, alias: str = "guest") -> PinEntry:
    """Return a pin that always opens."""
    return PinEntry(digits=digits, alias=alias)


class Door:
    """The lock, the bridge's keys, and every link that was opened; `wrap` makes a double of each new link."""

    def __init__(self, *, slots: int = 5, seed: int = 1) -> None:
        self.random = luck(seed)
        self.flash = NorFlash(GEOMETRY)
        self.failing = FailingFlash(self.flash)
        entropy, now = self.random.randbytes, virtual_loop().now_ns
        self.simulator = Simulator(self.failing, slots=slots, entropy=entropy, now=now)
        self.hub = MemoryHub()
        self.hub.ends["front"] = InProcessLock(self.simulator)
        self.hub.ends["wire"] = WiredLock(self.simulator)
        self.target = "memory:front"
        self.wrap: Callable[[Link], Whole] = Whole
        self.links: list[Whole] = []
        self.keys = self.new_keys()
        self.known = KnownLock(wire_id=self.simulator.device.factory.lock_id, public_key=b"", version=1)
        self.ahead = 0.0
        """Seconds by which the bridge's clock is ahead."""

    def new_keys(self) -> BridgeKeys:
        """Return the keys of another bridge."""
        return BridgeKeys(static_private=self.random.randbytes(32), hmac_key=self.random.randbytes(32))

    def now(self) -> float:
        """Return what the bridge's clock shows."""
        return EPOCH + virtual_loop().time() + self.ahead

    async def connect(self) -> Wire:
        """Open a link, through the double."""
        link = self.wrap(await open_link(self.target, self.hub))
        self.links.append(link)
        return Wire(link, Retry(), self.random)

    async def pair(self, keys: BridgeKeys) -> None:
        """Let the lock know the owner of `keys`."""
        self.simulator.hold_button(5)
        wire = Wire(await open_link("memory:front", self.hub), Retry(), self.random)
        greeting = await greet(wire, Mode.PAIR, keys.peer_id)
        session, lock_key = await pair(wire, greeting, keys, self.simulator.device.factory.secret)
        committed = await wire.exchange(session.seal(encode_request(PairCommitRequest())), accepting(session))
        assert committed.state is State.ANSWERED
        await wire.close()
        self.known = replace(self.known, public_key=lock_key)

    def client(self, keys: BridgeKeys | None = None, known: KnownLock | None = None) -> LockClient:
        """Return a client without any link yet."""
        return LockClient(
            known or self.known, keys or self.keys, self.connect, now=self.now, entropy=self.random.randbytes
        )

    @property
    def pins(self) -> dict[int, PinEntry]:
        """What the lock holds, by id."""
        return {held.id: held.entry for _, held in self.simulator.device.firmware.memory.slots()}

    @property
    def list_version(self) -> int:
        """How often the lock's list has moved."""
        return self.simulator.device.firmware.memory.ledger.list_version

    @property
    def sent(self) -> list[Frame]:
        """Every frame that the bridge has written, on all links."""
        return [frame for link in self.links for frame in frames_of(link.written)]

    def sent_of(self, kind: Kind) -> list[Frame]:
        """Return the frames of one kind that the bridge has written."""
        return [frame for frame in self.sent if frame.kind is kind]


async def open_door(*, slots: int = 5, seed: int = 1) -> Door:
    """Return a door whose lock knows the bridge and the time, and keeps its list still; no link is open."""
    door = Door(slots=slots, seed=seed)
    await door.pair(door.keys)
    client = door.client()
    await client.ping()
    await client.close()
    door.links.clear()
    return door
