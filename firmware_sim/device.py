"""The whole lock: firmware and framing, bytes in and bytes out. It owns what survives a power cycle."""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.framing import Frame, FrameDecoder, encode_frame

from . import factory as factory_page
from .behaviours.bolt import Bolt
from .clock import Clock
from .errors import FlashImageError, OptionError
from .events import CloseLink, Decided, Event, FrameArrived, LinkClosed, LinkOpened, LinkReset, SendFrame, StartAnew
from .factory import Factory
from .firmware import ENTROPY as BOOT_ENTROPY
from .firmware import Firmware
from .flash import Flash, Geometry
from .hardware import Hardware
from .links import ENTROPY
from .records import MAX_SLOTS
from .requests import MAX_FRAME
from .store import Region, Store

GEOMETRY = Geometry(pages=25)
LOG = Region(first_page=1, sectors=3, pages_per_sector=8)
"""Page 0 is the factory's, then three sectors of 32 KiB hold the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Bytes for a link, or, without any, the wish to close it."""

    link: int
    data: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What came out of one event."""

    outputs: tuple[Output, ...] = ()
    decided: Decided | None = None


class Device:
    """A lock on a flash. `now` tells nanoseconds that never run backwards, `entropy` gives so many random bytes."""

    __slots__ = (
        "_connections",
        "_decoders",
        "_entropy",
        "_flash",
        "_now",
        "_slots",
        "clock",
        "factory",
        "firmware",
        "hardware",
        "store",
    )

    def __init__(
        self, flash: Flash, *, slots: int, epoch: int, now: Callable[[], int], entropy: Callable[[int], bytes]
    ) -> None:
        if not 1 <= slots <= MAX_SLOTS:
            raise OptionError(f"A simulated lock has 1 to {MAX_SLOTS} slots.")
        self._flash = flash
        self._slots = slots
        self._now = now
        self._entropy = entropy
        self._decoders: dict[int, FrameDecoder] = {}
        self._connections: dict[int, bool] = {}
        self.factory = factory_page.read(flash) or self._burn()
        self.clock = Clock(epoch)
        self.hardware = Hardware()
        self.power_cycle()

    def power_cycle(self) -> None:
        """Lose everything but flash what is mechanical and the battery of the clock: links, sessions, the window."""
        self._boot(Bolt(self.hardware, self._now()))

    def _boot(self, bolt: Bolt) -> None:
        self._decoders.clear()
        self._connections.clear()
        self.clock.advance(self._now())
        self.store = Store.mount(self._flash, LOG)
        self.clock.advance(self._now())
        self.firmware = Firmware(
            self.factory,
            self.store,
            self.clock,
            hardware=self.hardware,
            bolt=bolt,
            slots=self._slots,
            entropy=self._entropy(BOOT_ENTROPY),
        )

    @property
    def wake_ns(self) -> int | None:
        """When the lock wants to be woken, in the time of `now`."""
        return self.firmware.wake_ns

    def open(self, link: int, *, connection: bool) -> Stepped:
        """A bridge is at the other end of `link`."""
        self._decoders[link] = FrameDecoder(MAX_FRAME)
        self._connections[link] = connection
        return self.happen(LinkOpened(link=link, connection=connection))

    def close(self, link: int) -> Stepped:
        """The other end of `link` is gone."""
        self._decoders.pop(link, None)
        self._connections.pop(link, None)
        return self.happen(LinkClosed(link=link))

    def reset(self, link: int) -> Stepped:
        """The bridge at the other end of `link` begins anew: what came before is forgotten, half a frame as well."""
        if link in self._decoders:
            self._decoders[link] = FrameDecoder(MAX_FRAME)
        return self.happen(LinkReset(link=link))

    def receive(self, link: int, data: bytes) -> Stepped:
        """Bytes came in on `link`; damage in them is dropped in silence."""
        decoder = self._decoders.get(link)
        frames = [] if decoder is None else [piece for piece in decoder.feed(data) if isinstance(piece, Frame)]
        outputs: list[Output] = []
        for frame in frames:
            event = FrameArrived(link=link, frame=frame, entropy=self._entropy(ENTROPY))
            outputs += self.happen(event).outputs
        return Stepped(outputs=tuple(outputs))

    def happen(self, event: Event) -> Stepped:
        """Let the firmware take one event, and turn its frames into bytes.

        Where the image file fails under a change, the lock starts anew without an answer: only a mount tells what it
        holds. Raises what the mount does, after which the lock is of no more use.
        """
        try:
            actions = self.firmware.step(self._now(), event)
        except FlashImageError:
            self._start_anew()
            return Stepped()
        outputs: list[Output] = []
        decided: Decided | None = None
        for action in actions:
            match action:
                case SendFrame():
                    data = encode_frame(action.frame, max_frame=MAX_FRAME)
                    outputs.append(Output(link=action.link, data=data))
                case CloseLink():
                    outputs.append(Output(link=action.link, data=None))
                case Decided():
                    decided = action
                case StartAnew():
                    outputs += self._end_links()
        return Stepped(outputs=tuple(outputs), decided=decided)

    def _start_anew(self) -> None:
        connections = dict(self._connections)
        self.power_cycle()
        for link, connection in connections.items():
            self.open(link, connection=connection)

    def _end_links(self) -> list[Output]:
        """Start the firmware anew after a reset; connections end, and what a wire carried before is forgotten."""
        connections = dict(self._connections)
        self._boot(self.firmware.bolt)
        for link, connection in connections.items():
            if not connection:
                self.open(link, connection=False)
        return [Output(link=link, data=None) for link, connection in connections.items() if connection]

    def _burn(self) -> Factory:
        random = self._entropy(20)
        lock_id = int.from_bytes(random[:4], "big")
        made = Factory(lock_id=lock_id, serial=f"SIM-{lock_id:08X}", secret=random[4:])
        factory_page.burn(self._flash, made)
        return made
