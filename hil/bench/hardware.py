"""The hands at a lock as a bench file has them: each from its own source, a command, a switch or a control socket."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from protocol.vocabulary import Denial

from ..errors import BenchFault
from ..hands import Entry, FaultTable, Hand, Hands
from .control import ControlSocket
from .power import SETTLE, Power, PowerCheck
from .programs import Done, Program
from .switches import Operator, open_switch
from .tables import Table

TIMEOUT = 10.0
"""Seconds that a command may take."""
_LONGEST = 3600.0
_HAND_OF = {
    "keypad": Hand.KEYPAD, "button": Hand.BUTTON, "advance": Hand.CLOCK, "show": Hand.CLOCK, "bolt": Hand.BOLT,
    "battery": Hand.BATTERY,
}  # fmt: skip
_GRANTED, _DENIED = 0, 4
_DENIALS = {denial.name.lower() for denial in Denial}


def open_hands(
    hands: Mapping[str, Any], power: Mapping[str, Any], *, folder: Path, check: PowerCheck, operator: Operator | None
) -> Hands:
    """Return the hands that the tables [target.hands] and [target.power] describe; raise BenchFault.

    Programs and sockets are relative to `folder`. A command goes before the control socket, and so does a switch. Each
    command gets its value where its words have the name in braces, or else on its standard input: `keypad` {digits},
    `button` {seconds}, `advance` {seconds}, `show` {epoch} (epoch seconds, or `lose`), `bolt` {blocked} (`yes` or
    `no`), `battery` {percent}. A keypad command ends with 0 where the entry was granted and with 4 where it was denied,
    and may print `denied REASON`, by SPEC's name in small letters (8.2), and `pin_id N`. The protocol has no test mode:
    where a firmware has one of its own, such commands reach it.
    """
    table = Table("[target.hands]", hands, folder)
    table.only("control", *_HAND_OF, "timeout")
    seconds = table.number("timeout", TIMEOUT, highest=_LONGEST)
    programs = {key: _program(table, "[target.hands]", key, folder, seconds) for key in _HAND_OF if key in table}
    if ("advance" in programs) != ("show" in programs):
        missing = "show" if "advance" in programs else "advance"
        table.wrong(missing, "the hand at a clock is both advance and show: give both, or neither")
    others = ControlSocket(table.path("control")) if "control" in table else None
    switch = _power(power, folder, check, operator) if power else None
    return BenchHands(programs, switch, others)


class BenchHands:
    """The hands of one target: commands, a switch, and for the rest `others`."""

    def __init__(self, programs: Mapping[str, Program], power: Power | None, others: Hands | None) -> None:
        self._programs = programs
        self.power = power
        """The switch that the bench has for this target."""
        self._others = others
        switched = {Hand.POWER} if power else set()
        self.able = (others.able if others else frozenset()) | {_HAND_OF[key] for key in programs} | switched

    async def enter(self, digits: str) -> Entry:
        """Type a pin at the keypad."""
        if program := self._programs.get("keypad"):
            return _entry(program, await program.run("digits", digits))
        return await self._other(Hand.KEYPAD).enter(digits)

    async def hold_button(self, seconds: float) -> None:
        """Hold the button inside the door; the command may take as much longer."""
        if program := self._programs.get("button"):
            await program.must("seconds", f"{seconds:g}", longer=seconds)
        else:
            await self._other(Hand.BUTTON).hold_button(seconds)

    async def power_cycle(self) -> None:
        """Take the lock's power away and give it back; both are verified where a switch does it."""
        await (self.power.cycle() if self.power else self._other(Hand.POWER).power_cycle())

    async def advance(self, seconds: int) -> None:
        """Let time pass."""
        if program := self._programs.get("advance"):
            await program.must("seconds", str(seconds))
        else:
            await self._other(Hand.CLOCK).advance(seconds)

    async def show(self, epoch: int | None) -> None:
        """Let the lock's clock show a time, or lose it."""
        if program := self._programs.get("show"):
            await program.must("epoch", "lose" if epoch is None else str(epoch))
        else:
            await self._other(Hand.CLOCK).show(epoch)

    async def block_bolt(self, *, blocked: bool) -> None:
        """Put something in the bolt's way, or take it out."""
        if program := self._programs.get("bolt"):
            await program.must("blocked", "yes" if blocked else "no")
        else:
            await self._other(Hand.BOLT).block_bolt(blocked=blocked)

    async def set_battery(self, percent: int) -> None:
        """Let the battery have so many percent."""
        if program := self._programs.get("battery"):
            await program.must("percent", str(percent))
        else:
            await self._other(Hand.BATTERY).set_battery(percent)

    async def strike(self, *plan: FaultTable) -> None:
        """Let faults strike a simulated lock."""
        await self._other(Hand.FAULTS).strike(*plan)

    async def mend(self) -> None:
        """Let nothing more fail there."""
        await self._other(Hand.FAULTS).mend()

    def _other(self, hand: Hand) -> Hands:
        if self._others is None:
            raise BenchFault(f"This target has no hand for {hand}: give it one in the bench file.")
        return self._others


def _program(table: Table, name: str, key: str, folder: Path, seconds: float) -> Program:
    return Program(where=f"{name} {key}", words=table.command(key), folder=folder, seconds=seconds)


def _power(values: Mapping[str, Any], folder: Path, check: PowerCheck, operator: Operator | None) -> Power | None:
    table = Table("[target.power]", values, folder)
    seconds = table.number("timeout", TIMEOUT, highest=_LONGEST)
    template = Program(where="[target.power]", words=(), folder=folder, seconds=seconds)
    switch = open_switch(
        table, lambda key, words: replace(template, where=f"[target.power] {key}", words=words), operator
    )
    settle = table.number("settle", SETTLE, highest=_LONGEST)
    return Power(switch, check, settle=settle) if switch else None


def _entry(program: Program, done: Done) -> Entry:
    if done.code not in (_GRANTED, _DENIED):
        raise program.failed(done)
    told = dict(line.split(maxsplit=1) for line in done.output.splitlines() if len(line.split()) > 1)
    denial, pin_id = told.get("denied"), told.get("pin_id")
    if denial is not None and denial not in _DENIALS:
        raise BenchFault(f"{program.where}: it printed a reason that SPEC 8.2 does not have. There are "
                         f"{', '.join(sorted(_DENIALS))}.")  # fmt: skip
    if pin_id is not None and (not pin_id.isdecimal() or len(pin_id) > 5):
        raise BenchFault(f"{program.where}: it printed a pin_id that is no number from 1 to 65535.")
    granted = done.code == _GRANTED
    return Entry(granted=granted, denial=None if granted else denial, pin_id=int(pin_id) if pin_id else None)
