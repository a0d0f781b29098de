"""The adapter and its devices by themselves, in virtual time: how they age, and what is refused in which words."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from bumble.hci import Address
from dbus_fast import Message

from hil.bluetooth.adapter import FORGET_AFTER, PATH, Adapter
from hil.bluetooth.central import Central, Sighting
from hil.bluetooth.objects import Objects
from hil.bluetooth.refusals import Refusal, aborted
from protocol.bluetooth import SERVICE, SMALLEST_MTU
from tests.hil.bluetooth.air import ADDRESS
from tests.virtual_time import run

DEVICE = f"{PATH}/dev_{ADDRESS.replace(':', '_')}"
SIGHTING = Sighting(address=Address(ADDRESS), uuids=(SERVICE,), manufacturer={}, rssi=-50)
CLIENT = ":1.7"


class QuietLink:
    """A link to a peripheral without services, which takes a second to be known, or is `mute`."""

    mtu = SMALLEST_MTU

    def __init__(self, mute: bool) -> None:
        self._mute = mute
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def resolve(self) -> list[object]:
        await asyncio.sleep(1)
        if self._mute:
            raise TimeoutError
        return []

    async def disconnect(self) -> None:
        if not self.ended.done():
            self.ended.set_result(0x16)


class QuietCentral:
    """A radio with one peripheral, which takes a second to connect; while it is `away`, nobody connects."""

    on_sighting: Callable[[Sighting], None]

    def __init__(self) -> None:
        self.scanning: list[bool] = []
        self.away = self.mute = False
        self.links: list[QuietLink] = []

    async def scan(self, wanted: bool) -> None:
        self.scanning.append(wanted)

    async def connect(self, address: Address) -> QuietLink:
        assert address == SIGHTING.address
        await asyncio.sleep(1)
        if self.away:
            raise aborted()
        self.links.append(QuietLink(self.mute))
        return self.links[-1]


class Setup:
    """An adapter that is searching, with the echo's device."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.objects = Objects(self.told.append)
        self.radio = QuietCentral()
        self.adapter = Adapter(self.objects, cast("Central", self.radio), FORGET_AFTER)

    def see(self) -> None:
        self.radio.on_sighting(SIGHTING)

    def value(self, name: str, path: str = DEVICE) -> object:
        return self.objects.properties(path)[name].value

    def changes(self, name: str) -> list[object]:
        """Return the values of a device's property, in the order in which they were told."""
        bodies = [message.body for message in self.told if message.member == "PropertiesChanged"]
        return [body[1][name].value for body in bodies if name in body[1]]


async def searching() -> Setup:
    setup = Setup()
    await setup.adapter.start_discovery(CLIENT)
    setup.see()
    return setup


async def refused(call: Coroutine[Any, Any, None]) -> str:
    with pytest.raises(Refusal) as refusal:
        await call
    return str(refusal.value)


def test_a_device_is_forgotten_when_it_was_not_heard_for_long() -> None:
    async def scenario() -> None:
        setup = await searching()
        await asyncio.sleep(FORGET_AFTER - 1)
        setup.see()
        await asyncio.sleep(FORGET_AFTER - 1)
        assert DEVICE in setup.objects
        await asyncio.sleep(2)
        assert DEVICE not in setup.objects
        setup.see()
        assert DEVICE in setup.objects

    run(scenario())


def test_a_device_in_use_is_not_forgotten_before_its_link_has_ended() -> None:
    async def scenario() -> None:
        setup = await searching()
        await setup.adapter.remote(DEVICE).connect()
        await asyncio.sleep(3 * FORGET_AFTER)
        assert DEVICE in setup.objects
        await setup.adapter.remote(DEVICE).disconnect()
        await asyncio.sleep(FORGET_AFTER + 1)
        assert DEVICE not in setup.objects

    run(scenario())


def test_services_are_resolved_behind_the_connection() -> None:
    async def scenario() -> None:
        setup = await searching()
        await setup.adapter.remote(DEVICE).connect()
        assert (setup.value("Connected"), setup.value("ServicesResolved")) == (True, False)
        await asyncio.sleep(2)
        assert setup.value("ServicesResolved") is True
        setup.radio.links[0].ended.set_result(8)
        await asyncio.sleep(0)
        assert (setup.value("Connected"), setup.value("ServicesResolved")) == (False, False)

    run(scenario())


def test_an_attempt_that_fails_is_followed_by_what_clients_wait_for() -> None:
    async def scenario() -> None:
        setup = await searching()
        setup.radio.away = True
        assert "le-connection-abort-by-local" in await refused(setup.adapter.remote(DEVICE).connect())
        assert setup.changes("Connected") == []
        await asyncio.sleep(0)
        assert setup.changes("Connected") == [False]

    run(scenario())


def test_an_attempt_can_be_called_off() -> None:
    async def scenario() -> None:
        setup = await searching()
        attempt = asyncio.create_task(refused(setup.adapter.remote(DEVICE).connect()))
        await asyncio.sleep(0.5)
        assert "InProgress" in await refused(setup.adapter.remote(DEVICE).connect())
        await setup.adapter.remote(DEVICE).disconnect()
        assert "le-connection-abort-by-local" in await attempt
        assert setup.radio.links == []

    run(scenario())


def test_what_makes_no_sense_of_a_device_is_refused() -> None:
    async def scenario() -> None:
        setup = await searching()
        remote = setup.adapter.remote(DEVICE)
        assert "NotConnected" in await refused(remote.disconnect())
        await remote.connect()
        assert "AlreadyConnected" in await refused(remote.connect())
        for path in (f"{DEVICE}/service0001/char0002", DEVICE):
            assert "Not connected" in await refused(remote.write(path, b"", "request"))
        assert "DoesNotExist" in await refused(setup.adapter.remove_device(f"{PATH}/dev_00"))
        await setup.adapter.remove_device(DEVICE)
        assert DEVICE not in setup.objects
        assert setup.radio.links[0].ended.done()

    run(scenario())


def test_the_radio_searches_from_the_first_client_to_the_last() -> None:
    async def scenario() -> None:
        setup = await searching()
        assert "InProgress" in await refused(setup.adapter.start_discovery(CLIENT))
        await setup.adapter.start_discovery(":1.8")
        await setup.adapter.stop_discovery(CLIENT)
        assert "No discovery started" in await refused(setup.adapter.stop_discovery(CLIENT))
        assert setup.radio.scanning == [True]
        await setup.adapter.leave(":1.8")
        assert setup.radio.scanning == [True, False]
        assert setup.value("Discovering", PATH) is False
        assert "RSSI" not in setup.objects.properties(DEVICE)
        before = len(setup.told)
        setup.see()
        assert len(setup.told) == before

    run(scenario())


def test_without_power_nothing_is_begun() -> None:
    async def scenario() -> None:
        setup = await searching()
        await setup.adapter.remote(DEVICE).connect()
        await setup.adapter.power(False)
        assert setup.radio.links[0].ended.done()
        assert setup.value("Discovering", PATH) is False
        for call in (setup.adapter.start_discovery(CLIENT), setup.adapter.stop_discovery(CLIENT)):
            assert "NotReady" in await refused(call)
        await setup.adapter.power(True)
        await setup.adapter.start_discovery(CLIENT)

    run(scenario())


def test_a_peripheral_that_does_not_tell_its_services_is_left() -> None:
    async def scenario() -> None:
        setup = await searching()
        setup.radio.mute = True
        await setup.adapter.remote(DEVICE).connect()
        await asyncio.sleep(2)
        assert setup.value("Connected") is False

    run(scenario())
