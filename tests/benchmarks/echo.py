"""A bare echo on the air, with a lock's GATT profile: it takes as many bytes as the first say, and answers as many.

A module to run with an HCI transport; it prints a line when it is there.
"""

import asyncio
import sys

from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.transport import open_transport

from firmware_sim.ports.radio import hush
from protocol.bluetooth import ATT_HEADER, LARGEST_MTU, NOTIFY, SERVICE, WRITE, Advertisement, advertising_data
from protocol.messages.hello import HelloFlag

ADVERTISED = Advertisement(lock_id=1, flags=HelloFlag(0), change=0)
HEAD = 4
"""Bytes at a request's beginning: u16 its own size, u16 the answer's."""
_ADDRESS = "F0:F1:F2:F3:F4:01"


def request(size: int, answer: int) -> bytes:
    """Return a request of `size` bytes that asks for `answer` bytes."""
    return (size.to_bytes(2, "big") + answer.to_bytes(2, "big")).ljust(size, b"\x01")


class Echo:
    """The peripheral."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._taken = bytearray()
        kinds = Characteristic.Properties
        write = Characteristic[bytes](
            WRITE, kinds.WRITE_WITHOUT_RESPONSE, Characteristic.WRITEABLE, CharacteristicValue(write=self._take)
        )
        self._notify = Characteristic[bytes](NOTIFY, kinds.NOTIFY, Characteristic.READABLE, b"")
        device.gatt_server.max_mtu = LARGEST_MTU
        device.add_service(Service(SERVICE, [write, self._notify]))

    async def _take(self, connection: Connection, piece: bytes) -> None:
        self._taken += piece
        size, answer = int.from_bytes(self._taken[:2], "big"), int.from_bytes(self._taken[2:HEAD], "big")
        if len(self._taken) < max(size, HEAD):
            return
        self._taken.clear()
        for start in range(0, answer, connection.att_mtu - ATT_HEADER):
            piece = bytes(min(connection.att_mtu - ATT_HEADER, answer - start))
            await self._device.notify_subscriber(connection, self._notify, piece)


async def serve(transport: str) -> None:
    """Echo until the process is ended."""
    hush()
    async with await open_transport(transport) as (source, sink):
        device = Device.with_hci("echo", Address(_ADDRESS), source, sink)
        Echo(device)
        await device.power_on()
        await device.start_advertising(
            advertising_data=advertising_data(ADVERTISED), auto_restart=True,
            advertising_interval_min=20, advertising_interval_max=20,
        )  # fmt: skip
        sys.stdout.write("{}\n")
        sys.stdout.flush()
        await source.terminated


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
