"""The adapter as BlueZ shows it: who looks for devices, which have been seen, and when they are forgotten."""

import asyncio

from dbus_fast import Variant

from .central import Central, Sighting
from .objects import ADAPTER, Objects
from .refusals import Refusal, failed, in_progress, not_ready
from .remote import Remote

PATH = "/org/bluez/hci0"
FORGET_AFTER = 30.0
"""Seconds after which BlueZ forgets a device that is neither connected nor heard of."""


class Adapter:
    """One adapter with its devices, shown from the start."""

    def __init__(self, objects: Objects, central: Central, forget_after: float) -> None:
        self._objects = objects
        self._central = central
        self._forget_after = forget_after
        self._powered = True
        self._searchers: set[str] = set()
        self._remotes: dict[str, Remote] = {}
        self._ages: dict[str, asyncio.TimerHandle] = {}
        objects.add(PATH, ADAPTER, {
            "Address": Variant("s", "00:00:00:00:00:00"), "Alias": Variant("s", "bench"),
            "Powered": Variant("b", True), "Discovering": Variant("b", False),
            "Roles": Variant("as", ["central"]),
        })  # fmt: skip
        central.on_sighting = self._see

    async def close(self) -> None:
        """Drop all links and listen no more."""
        self._central.on_sighting = lambda _: None
        for timer in self._ages.values():
            timer.cancel()
        await self._stop_searching()
        await self._drop_links()

    async def power(self, on: bool) -> None:
        """Switch the radio on, or off: then links and searches end."""
        self._powered = on
        if not on:
            await self._stop_searching()
            await self._drop_links()
        self._objects.change(PATH, {"Powered": Variant("b", on)})

    def remote(self, path: str) -> Remote:
        """Return the device at this path or above it, which exists."""
        return self._remotes["/".join(path.split("/")[:5])]

    def check_power(self) -> None:
        """Raise Refusal where the radio is off."""
        if not self._powered:
            raise not_ready()

    async def start_discovery(self, client: str) -> None:
        """Look for devices, for this client too."""
        self.check_power()
        if client in self._searchers:
            raise in_progress("Operation already in progress")
        self._searchers.add(client)
        if len(self._searchers) == 1:
            await self._central.scan(True)
            self._objects.change(PATH, {"Discovering": Variant("b", True)})

    async def stop_discovery(self, client: str) -> None:
        """Look for devices no more, as far as this client is concerned."""
        self.check_power()
        if client not in self._searchers:
            raise failed("No discovery started")
        self._searchers.remove(client)
        if not self._searchers:
            await self._stop_searching()

    async def remove_device(self, path: str) -> None:
        """Forget a device, with its link."""
        if path not in self._remotes:
            raise Refusal("org.bluez.Error.DoesNotExist", "Does Not Exist")
        await self._remotes[path].drop()
        self._forget(path)

    async def leave(self, client: str) -> None:
        """Take it that a client has left the bus."""
        for remote in self._remotes.values():
            remote.leave(client)
        if client in self._searchers:
            await self.stop_discovery(client)

    async def _stop_searching(self) -> None:
        self._searchers.clear()
        await self._central.scan(False)
        self._objects.change(PATH, {"Discovering": Variant("b", False)})
        for remote in self._remotes.values():
            remote.fade()

    async def _drop_links(self) -> None:
        for remote in self._remotes.values():
            await remote.drop()

    def _see(self, sighting: Sighting) -> None:
        if not self._searchers:
            return
        path = f"{PATH}/dev_{sighting.text.replace(':', '_')}"
        if path in self._remotes:
            self._remotes[path].see(sighting)
        else:
            self._remotes[path] = Remote(path, PATH, self._objects, self._central, sighting)
        self._watch_age(path)

    def _watch_age(self, path: str) -> None:
        if path in self._ages:
            self._ages[path].cancel()
        self._ages[path] = asyncio.get_running_loop().call_later(self._forget_after, self._grow_old, path)

    def _grow_old(self, path: str) -> None:
        if self._remotes[path].in_use:
            self._watch_age(path)
        else:
            self._forget(path)

    def _forget(self, path: str) -> None:
        self._ages.pop(path).cancel()
        del self._remotes[path]
        self._objects.remove(path)
