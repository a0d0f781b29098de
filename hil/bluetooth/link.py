"""One link of a central to a peripheral, over which GATT is spoken; its errors are those that BlueZ's clients see."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bumble.att import ATT_Error
from bumble.core import BaseBumbleError
from bumble.device import Connection, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy, ServiceProxy

from protocol.bluetooth import ATT_HEADER, SMALLEST_MTU

from .radio import SUPERVISION_TIMEOUT
from .refusals import ATT_UNLIKELY, att_error, failed, unsupported

_T = TypeVar("_T")

RESOLVE = 10.0
"""Seconds that the MTU and all services may take to be known."""
END = 2.0
"""Seconds that a controller may take to let a connection go; then it is taken as gone."""


def has_ended(connection: Connection) -> bool:
    """Whether a connection ended before anybody listened: its beginning and its end may come in one go."""
    return connection.device.connections.get(connection.handle) is not connection


class Link:
    """A connection. `ended` carries the HCI reason with which it ended; whatever is pending then is refused."""

    def __init__(self, connection: Connection, mtu: int) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.mtu = SMALLEST_MTU
        self._wanted_mtu = mtu
        self._connection = connection
        self._peer = Peer(connection)
        connection.on(Connection.EVENT_DISCONNECTION, self.end)
        if has_ended(connection):
            self.end()

    def end(self, reason: int = 0) -> None:
        """Take it that the link has ended; without a reason, as when the other side was not heard for too long."""
        if not self.ended.done():
            self.ended.set_result(reason or SUPERVISION_TIMEOUT)

    async def resolve(self) -> list[ServiceProxy]:
        """Agree on an MTU and return the peripheral's services, with all that is in them."""
        async with asyncio.timeout(RESOLVE):
            self.mtu = await self._asked(self._peer.request_mtu(self._wanted_mtu))
            services: list[ServiceProxy] = await self._asked(self._peer.discover_services())
            for service in services:
                for characteristic in await self._asked(service.discover_characteristics()):
                    await self._asked(characteristic.discover_descriptors())
        return services

    async def read(self, characteristic: CharacteristicProxy[bytes]) -> bytes:
        """Return a characteristic's value."""
        return bytes(await self._asked(characteristic.read_value()))

    async def write(self, characteristic: CharacteristicProxy[bytes], value: bytes) -> None:
        """Write and wait until the peripheral has answered."""
        await self._asked(characteristic.write_value(value, with_response=True))

    async def send(self, characteristic: CharacteristicProxy[bytes], value: bytes) -> None:
        """Write and wait for nothing; what does not fit into one piece is refused as a whole."""
        if not characteristic.properties & Characteristic.Properties.WRITE_WITHOUT_RESPONSE:
            raise unsupported()
        if len(value) > self.mtu - ATT_HEADER:
            raise failed("Failed to initiate write")
        await characteristic.write_value(value, with_response=False)

    async def subscribe(self, characteristic: CharacteristicProxy[bytes], tell: Callable[[bytes], None]) -> None:
        """Have each notification told from now on."""
        if not characteristic.properties & Characteristic.Properties.NOTIFY:
            raise unsupported()
        await self._asked(characteristic.subscribe(tell))

    async def unsubscribe(self, characteristic: CharacteristicProxy[bytes]) -> None:
        """Have no notification told any more."""
        await self._asked(characteristic.unsubscribe())

    async def disconnect(self) -> None:
        """End the link, and return when it has ended."""
        if not self.ended.done():
            await asyncio.gather(self._connection.disconnect(), return_exceptions=True)  # it may be ending already
            await asyncio.wait({self.ended}, timeout=END)
            self.end()

    async def _asked(self, operation: Coroutine[Any, Any, _T]) -> _T:
        """Return what an operation returns. When a link ends, Bumble cancels some and lets others wait in vain."""
        task = asyncio.create_task(operation)
        either: set[asyncio.Future[Any]] = {task, self.ended}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
        if not task.done() or task.cancelled():
            raise att_error(ATT_UNLIKELY)
        try:
            return task.result()
        except ATT_Error as error:
            raise att_error(error.error_code) from error
        except BaseBumbleError as error:
            raise att_error(ATT_UNLIKELY) from error
