"""Drives exchanges over one link: owns the decoder and the timers, and nothing of what the frames mean."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Generic, TypeVar

from protocol.exchange import Action, Exchange, Input, Retry, State
from protocol.framing import Frame, FrameDecoder, Kind, encode_frame, encoded_bound
from protocol.version import DEFAULT_MAX_FRAME

from .errors import LinkLost
from .links import Link
from .observing import NOBODY, Exchanged, Observer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """How an exchange ended: `value` is there where the state is ANSWERED."""

    state: State
    value: T | None = None


class Wire:
    """One link, one exchange at a time. `retry.timeout` is replaced by what the link's transport needs."""

    def __init__(self, link: Link, retry: Retry, luck: Random, observer: Observer = NOBODY) -> None:
        self._link = link
        self._retry = replace(retry, timeout=link.ack_timeout)
        self._luck = luck
        self._observer = observer
        self._decoder = FrameDecoder()
        self._frames: deque[Frame] = deque()
        self.max_frame = DEFAULT_MAX_FRAME

    async def exchange(self, frame: Frame, accept: Callable[[Frame], T | None]) -> Outcome[T]:
        """Send `frame`, and the identical bytes again after each timeout, until `accept` takes an answer to it."""
        data = encode_frame(frame, max_frame=self.max_frame)
        wire_time = (len(data) + encoded_bound(self.max_frame) + 2) / self._link.bytes_per_second
        exchange, begun = Exchange(self._retry), asyncio.get_running_loop().time()
        try:
            value = await self._drive(exchange, data, wire_time, lambda arrived: _judge(arrived, frame, accept))
        finally:
            self._tell(frame.kind, exchange, begun)
        return Outcome(state=exchange.state, value=value)

    async def _drive(
        self, exchange: Exchange, data: bytes, wire_time: float, judge: Callable[[Frame], tuple[Input, T | None]]
    ) -> T | None:
        """Do what `exchange` says until it has ended; return what the answer is worth."""
        actions, value, until = exchange.step(Input.SEND), None, 0.0
        while not exchange.ended:
            try:
                if Action.TRANSMIT in actions:
                    await self._link.write(data)
                if Action.ARM_TIMER in actions:
                    wait = self._retry.wait(exchange.transmitted - 1, wire_time, self._luck.random())
                    until = asyncio.get_running_loop().time() + wait
                happened, value = judge(await self._next_frame(until))
            except TimeoutError:
                happened = Input.TIMEOUT
            except LinkLost:
                happened = Input.LINK_LOST
            actions = exchange.step(happened)
        return value

    def _tell(self, kind: Kind, exchange: Exchange, begun: float) -> None:
        took = asyncio.get_running_loop().time() - begun
        self._observer.exchanged(
            Exchanged(kind=kind, state=exchange.state, transmissions=exchange.transmitted, seconds=took)
        )

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""
        return self._link.lost

    async def close(self) -> None:
        """Give the link back."""
        await self._link.close()

    async def _next_frame(self, until: float) -> Frame:
        async with asyncio.timeout_at(until):
            while not self._frames:
                pieces = self._decoder.feed(await self._link.read())
                self._frames += [piece for piece in pieces if isinstance(piece, Frame)]
        return self._frames.popleft()


def _judge(arrived: Frame, sent: Frame, accept: Callable[[Frame], T | None]) -> tuple[Input, T | None]:
    """Say what a frame means for the exchange of `sent`: a late answer to an older request is a stranger."""
    if arrived.counter != sent.counter:
        return Input.STRANGER, None
    if arrived.kind is Kind.REFUSED and arrived.version == sent.version:
        return Input.REFUSAL, None
    value = accept(arrived)
    return (Input.STRANGER if value is None else Input.ANSWER), value
