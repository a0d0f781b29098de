"""A stand-in for BlueZ: the service org.bluez, as far as bleak asks it, with a central of ours for a radio."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from .adapter import FORGET_AFTER, PATH, Adapter
from .central import Central
from .objects import ADAPTER, CHARACTERISTIC, DEVICE, MANAGER, Objects
from .refusals import Refusal, nowhere, unknown_method

NAME = "org.bluez"
_DAEMON = "org.freedesktop.DBus"
_ALIVE = 1.0
"""Seconds in which a client that is alive answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Who is on the bus beside the stand-in, and how many signals all have asked for."""

    clients: int
    matches: int


class StandInBluez:
    """The service on a bus. Enter it to start it; it can be stopped and started again, as bluetoothd can."""

    def __init__(self, address: str, central: Central, *, forget_after: float = FORGET_AFTER) -> None:
        self._address = address
        self._central = central
        self._forget_after = forget_after
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:  # fmt: skip
        if self._bus.connected:
            await self.stop()

    async def start(self) -> None:
        """Come up as bluetoothd does: with an adapter that is on, and no devices."""
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.add_message_handler(self._answer)
        self._objects = Objects(self._send)
        self._adapter: Adapter | None = Adapter(self._objects, self._central, self._forget_after)
        await self._ask("AddMatch", "s", ["type='signal',member='NameOwnerChanged',arg2=''"])
        await self._bus.request_name(NAME)

    async def stop(self) -> None:
        """Die as bluetoothd does: its links end, and no client is told."""
        self._bus.disconnect()
        await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        await self._close_adapter()
        for task in self._tasks:
            task.cancel()

    async def power(self, on: bool) -> None:
        """Switch the adapter on or off; return when all clients have been told."""
        if self._adapter is not None:
            await self._adapter.power(on)
        await self._told()

    async def unplug(self) -> None:
        """Take the adapter away; return when all clients have been told."""
        await self._close_adapter()
        await self._told()

    async def plug(self) -> None:
        """Bring an adapter, after `unplug`; return when all clients have been told."""
        self._adapter = Adapter(self._objects, self._central, self._forget_after)
        await self._told()

    async def census(self) -> Census:
        """Count what clients leave behind on the bus when they leak."""
        stats = await self._ask("GetStats", interface=f"{_DAEMON}.Debug.Stats")
        return Census(clients=len(await self._clients()), matches=stats["MatchRules"].value - 1)

    async def _clients(self) -> list[str]:
        names = await self._ask("ListNames")
        return [name for name in names if name.startswith(":") and name != self._bus.unique_name]

    async def _told(self) -> None:
        """Return when each client that is alive has taken what was sent before this: it answers in its turn."""
        pings = {asyncio.create_task(self._ping(client)) for client in await self._clients()}
        if pings:
            _, dead = await asyncio.wait(pings, timeout=_ALIVE)
            for ping in dead:
                ping.cancel()

    async def _ping(self, client: str) -> None:
        await self._bus.call(Message(destination=client, path="/", interface=f"{_DAEMON}.Peer", member="Ping"))

    async def _close_adapter(self) -> None:
        if self._adapter is not None:
            await self._adapter.close()
            self._adapter = None
            self._objects.remove(PATH)

    async def _ask(self, member: str, signature: str = "", body: list[Any] | None = None,
                   interface: str = _DAEMON) -> Any:  # fmt: skip
        """Return what the bus itself answers."""
        reply = await self._bus.call(
            Message(destination=_DAEMON, path="/org/freedesktop/DBus", interface=interface, member=member,
                    signature=signature, body=body or []))  # fmt: skip
        return reply.body[0] if reply.body else None

    def _send(self, message: Message) -> None:
        if self._bus.connected:
            self._bus.send(message)

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged" and self._adapter is not None:
                self._spawn(self._adapter.leave(message.body[0]))
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if (message.interface, message.member) == (MANAGER, "GetManagedObjects"):
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects.all()])
        if not (message.interface or "").startswith(f"{NAME}."):
            return None
        self._spawn(self._perform(message))
        return True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform(self, message: Message) -> None:
        try:
            value = await self._call(message, message.path or "", message.interface or "", message.member or "")
        except Refusal as refusal:
            self._send(Message.new_error(message, refusal.name, refusal.text))
        else:
            self._send(
                Message.new_method_return(message, "" if value is None else "ay", [] if value is None else [value])
            )

    async def _call(self, message: Message, path: str, interface: str, member: str) -> bytes | None:
        adapter = self._adapter
        if adapter is None or not self._objects.has(path, interface):
            raise nowhere(path)
        if interface == ADAPTER:
            await _call_adapter(adapter, member, message)
        elif interface == DEVICE:
            await _call_device(adapter, member, path)
        elif interface == CHARACTERISTIC:
            return await _call_characteristic(adapter, member, path, message)
        else:
            raise unknown_method(member)
        return None


async def _call_adapter(adapter: Adapter, member: str, message: Message) -> None:
    client = message.sender or ""
    match member:
        case "SetDiscoveryFilter":
            return  # what else is on the air does no harm: clients look at what they are told
        case "StartDiscovery":
            await adapter.start_discovery(client)
        case "StopDiscovery":
            await adapter.stop_discovery(client)
        case "RemoveDevice":
            await adapter.remove_device(message.body[0])
        case _:
            raise unknown_method(member)


async def _call_device(adapter: Adapter, member: str, path: str) -> None:
    match member:
        case "Connect":
            adapter.check_power()
            await adapter.remote(path).connect()
        case "Disconnect":
            await adapter.remote(path).disconnect()
        case _:
            raise unknown_method(member)


async def _call_characteristic(adapter: Adapter, member: str, path: str, message: Message) -> bytes | None:
    remote, client = adapter.remote(path), message.sender or ""
    match member:
        case "ReadValue":
            return await remote.read(path)
        case "WriteValue":
            value, options = message.body
            await remote.write(path, bytes(value), options["type"].value if "type" in options else "request")
        case "StartNotify":
            await remote.start_notify(path, client)
        case "StopNotify":
            await remote.stop_notify(path, client)
        case _:
            raise unknown_method(member)
    return None
