"""The Bluetooth bench: a bus, the stand-in for BlueZ on it, and the radio behind that, each with its switches."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

from protocol.bluetooth import LARGEST_MTU

from .adapter import FORGET_AFTER
from .bluez import StandInBluez
from .bus import private_bus
from .central import CONNECT, Central
from .radio import Radio


class RadioBench:
    """Everything between a bridge, which finds a system bus, and an HCI transport to the air. Enter it to start it.

    `address` is the bus's: clients find it where DBUS_SYSTEM_BUS_ADDRESS says so. Without a bus the bench runs its own.
    """

    def __init__(self, transport: str, *, bus: str = "", mtu: int = LARGEST_MTU, interval: float = 0.0,
                 connect_within: float = CONNECT, forget_after: float = FORGET_AFTER) -> None:  # fmt: skip
        self.address = bus
        self.radio = Radio(interval=interval)
        self.central = Central(transport, mtu=mtu, radio=self.radio, connect_within=connect_within)
        self._transport = transport
        self._forget_after = forget_after
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.address = self.address or stack.enter_context(private_bus())
            await stack.enter_async_context(self.central)
            self.bluez = await stack.enter_async_context(
                StandInBluez(self.address, self.central, forget_after=self._forget_after)
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:  # fmt: skip
        await self._stack.aclose()

    @asynccontextmanager
    async def stranger(self) -> AsyncIterator[Central]:
        """Put a second central on the same air, with a controller of its own and no BlueZ before it."""
        async with Central(self._transport, mtu=LARGEST_MTU, radio=Radio()) as central:
            await central.ready.wait()
            yield central
