"""What switches a lock's power: a command, a USB hub, a relay on a serial port, a person. None of them is believed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.errors import BridgeError
from bridge.links import open_link

from ..errors import BenchFault
from .programs import Program
from .tables import Table

KINDS = ("cmd", "uhubctl", "relay-serial", "manual")
OPERATOR_SECONDS = 300.0
"""How long a person may take."""
_NAME = "[target.power]"


class Operator(Protocol):
    """A person at the bench."""

    async def ask(self, what: str) -> None:
        """Return once the person has done it."""


class Switch(Protocol):
    """Something that is told to cut a lock's power, or to give it back; raises BenchFault where it cannot."""

    @property
    def cause(self) -> str:
        """Why it may not have cut although it says so, as the end of a sentence."""

    async def on(self) -> None:
        """Give power."""

    async def off(self) -> None:
        """Take power away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSwitch:
    """Two programs."""

    turn_on: Program
    turn_off: Program
    cause: str = "the command switches another outlet, or the lock is fed by its data lines or a battery too"

    async def on(self) -> None:
        """Give power."""
        await self.turn_on.must()

    async def off(self) -> None:
        """Take power away."""
        await self.turn_off.must()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySwitch:
    """A relay that takes bytes at a serial port."""

    target: str
    turn_on: bytes
    turn_off: bytes
    cause: str = "the relay takes other bytes, or the lock is fed by its data lines or a battery too"

    async def on(self) -> None:
        """Give power."""
        await self._say(self.turn_on)

    async def off(self) -> None:
        """Take power away."""
        await self._say(self.turn_off)

    async def _say(self, data: bytes) -> None:
        try:
            link = await open_link(self.target)
            try:
                await link.write(data)
            finally:
                await link.close()
        except BridgeError as error:
            raise BenchFault(f"{_NAME}: the relay cannot be told: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualSwitch:
    """A person who unplugs the lock and plugs it in."""

    operator: Operator
    cause: str = "another lock was unplugged, or this one is fed by its data lines or a battery too"

    async def on(self) -> None:
        """Ask for power."""
        await self._ask("Give the lock its power back")

    async def off(self) -> None:
        """Ask for power to be taken away."""
        await self._ask("Take the lock's power away")

    async def _ask(self, what: str) -> None:
        try:
            async with asyncio.timeout(OPERATOR_SECONDS):
                await self.operator.ask(what)
        except TimeoutError:
            raise BenchFault(f"{_NAME}: nobody did it within {OPERATOR_SECONDS:g} s: {what}.") from None


def open_switch(
    table: Table, program: Callable[[str, tuple[str, ...]], Program], operator: Operator | None
) -> Switch | None:
    """Return the switch that a table describes, None where it is a person and there is none; raise BenchFault.

    `program` makes one of a key and its words.
    """
    kind = table.choice("kind", KINDS)
    if kind == "cmd":
        table.only("kind", "on", "off", "settle", "timeout")
        return CommandSwitch(turn_on=program("on", table.command("on")), turn_off=program("off", table.command("off")))
    if kind == "uhubctl":
        return _hub(table, program)
    if kind == "relay-serial":
        table.only("kind", "port", "on", "off", "baud", "settle", "timeout")
        baud = table.whole("baud", 9600, lowest=1, highest=12_000_000)
        target = f"serial:{table.text('port')}?baud={baud}"
        return RelaySwitch(target=target, turn_on=table.octets("on"), turn_off=table.octets("off"))
    table.only("kind", "settle", "timeout")
    return ManualSwitch(operator=operator) if operator else None


def _hub(table: Table, program: Callable[[str, tuple[str, ...]], Program]) -> CommandSwitch:
    table.only("kind", "location", "port", "settle", "timeout")
    port = table.whole("port", None, lowest=1, highest=255)
    words = ("uhubctl", "-l", table.text("location"), "-p", str(port), "-a")
    turn_on = program("kind", table.found("kind", (*words, "on")))
    cause = (
        "many hubs have no switches of their own for each port, although they say so: `uhubctl` lists those that have"
    )
    return CommandSwitch(turn_on=turn_on, turn_off=replace(turn_on, words=(*turn_on.words[:-1], "off")), cause=cause)
