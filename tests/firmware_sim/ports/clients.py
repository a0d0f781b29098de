"""Clients of the lock's ports, and a patient wait for what must come."""

import asyncio
import os
from collections import deque
from pathlib import Path

from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from protocol.framing import Damage, Frame, FrameDecoder, Kind, encode_frame
from protocol.messages.hello import Mode
from protocol.session import hello_request
from tests.waiting import until


class Counting(Simulator):
    """A lock that counts the bytes that came in."""

    def __init__(self) -> None:
        super().__init__(NorFlash(GEOMETRY), slots=3)
        self.received = 0

    def receive(self, number: int, data: bytes) -> None:
        self.received += len(data)
        super().receive(number, data)


def hello(counter: int) -> bytes:
    """Return the bytes of a hello."""
    return encode_frame(hello_request(Mode.SESSION, 7, counter))


class PtyClient:
    """A program that has opened the lock's pseudo-terminal; it reads when it is told to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._decoder = FrameDecoder()
        self._found: deque[Frame | Damage] = deque()

    async def write(self, data: bytes) -> None:
        """Write all of `data`."""
        while data:
            try:
                data = data[os.write(self._file, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.002)

    def read(self) -> bytes:
        """Return what is there."""
        try:
            return os.read(self._file, 65536)
        except BlockingIOError:
            return b""

    async def frame(self) -> Frame | Damage:
        """Wait for the next frame."""
        await until(self._has_found)
        return self._found.popleft()

    async def greets(self, counter: int) -> bool:
        """Say hello; whether the answer is the one to this hello."""
        await self.write(hello(counter))
        answer = await self.frame()
        return isinstance(answer, Frame) and (answer.kind, answer.counter) == (Kind.HELLO_RESPONSE, counter)

    def close(self) -> None:
        """Leave."""
        os.close(self._file)

    def _has_found(self) -> bool:
        self._found += self._decoder.feed(self.read())
        return bool(self._found)
