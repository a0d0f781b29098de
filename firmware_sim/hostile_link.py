"""A link under a fault plan: pieces of bytes go in at one end, and what the faults leave of them comes out."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from .faults import Direction, Fault, LinkKind
from .simulator import Wire

Strikes = Callable[[Direction, Random], Sequence[Fault]]
"""Tells which faults hit the piece that goes now in this direction."""


class HostileLink:
    """One link, the lock's hold on it included; `reach` takes what is left for the lock, with the link's number.

    A connection that a fault cuts is hung up; on a wire, which cannot be, only the rest of the piece is lost.
    """

    def __init__(
        self,
        wire: Wire,
        inward: Random,
        outward: Random,
        *,
        connection: bool,
        strikes: Strikes,
        reach: Callable[[int, bytes], None],
    ) -> None:
        self.number = 0
        self._wire = wire
        self._connection = connection
        self._in = Channel(
            inward, partial(strikes, Direction.IN), lambda piece: reach(self.number, piece), self.hang_up
        )
        self._out = Channel(outward, partial(strikes, Direction.OUT), wire.send, self.hang_up)

    def carry_in(self, data: bytes) -> None:
        """Carry bytes to the lock."""
        self._in.carry(data)

    def forget(self) -> None:
        """Lose what is under way either way, and carry on."""
        self._in.forget()
        self._out.forget()

    def send(self, data: bytes) -> None:
        """Carry bytes to the bridge."""
        self._out.carry(data)

    def hang_up(self) -> None:
        """End the link, where it can be ended."""
        if self._connection:
            self.close()
        self._wire.hang_up()

    def close(self) -> None:
        """Lose what is still under way."""
        self._in.close()
        self._out.close()


class Channel:
    """One direction of a link: carries pieces to `deliver`.

    A piece that is held back waits for the next one, and one that is late is delivered by the running loop.
    """

    def __init__(
        self,
        luck: Random,
        strikes: Callable[[Random], Sequence[Fault]],
        deliver: Callable[[bytes], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._luck = luck
        self._strikes = strikes
        self._deliver = deliver
        self._hang_up = hang_up
        self._held = b""
        self._behind: list[bytes] = []
        self._late: list[asyncio.TimerHandle] = []
        self._closed = False

    def carry(self, piece: bytes) -> None:
        """Take one piece; what comes of it may be nothing, or more than it was."""
        pieces, behind, late = [self._held + piece], self._behind, 0.0
        self._held, self._behind = b"", []
        for fault in self._strikes(self._luck):
            pieces = [left for whole in pieces for left in self._struck(fault, whole)]
            late = fault.seconds if fault.kind is LinkKind.LATE else late
            if fault.kind is LinkKind.DISCONNECT:
                self._send(pieces, late)
                self._hang_up()
                return
        self._send([*pieces, *behind], late)

    def forget(self) -> None:
        """Lose what is held back or late, and carry on."""
        self._held, self._behind = b"", []
        for timer in self._late:
            timer.cancel()
        self._late.clear()

    def close(self) -> None:
        """Lose what is still under way."""
        self._closed = True

    def _struck(self, fault: Fault, piece: bytes) -> Sequence[bytes]:
        """Return what one fault leaves of a piece."""
        match fault.kind:
            case LinkKind.DROP:
                left = []
            case LinkKind.DUPLICATE:
                left = [piece, piece]
            case LinkKind.REORDER:
                self._behind.append(piece)
                left = []
            case LinkKind.COALESCE:
                self._held += piece
                left = []
            case LinkKind.BIT_FLIP:
                left = [self._flipped(piece)]
            case LinkKind.TRUNCATE:
                left = [piece[: self._luck.randrange(len(piece) + 1)]]
            case LinkKind.DISCONNECT:
                left = [piece[: self._luck.randrange(len(piece) + 1) if fault.byte is None else fault.byte]]
            case LinkKind.SPLIT:
                left = [piece[at : at + fault.size] for at in range(0, len(piece), fault.size)]
            case _:
                left = [piece]
        return left

    def _flipped(self, piece: bytes) -> bytes:
        if not piece:
            return piece
        bit = 1 << self._luck.randrange(8 * len(piece))
        return (int.from_bytes(piece) ^ bit).to_bytes(len(piece))

    def _send(self, pieces: Sequence[bytes], late: float) -> None:
        if late:
            loop = asyncio.get_running_loop()
            self._late = [timer for timer in self._late if timer.when() > loop.time()]
            self._late.append(loop.call_later(late, self._send, pieces, 0.0))
            return
        for piece in pieces:
            if piece and not self._closed:
                self._deliver(piece)
