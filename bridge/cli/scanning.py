"""The `scan` command: where locks answer, and which are heard."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from bridge.errors import Unreachable, UsageError

from .context import service
from .progress import progress

SECONDS = 5.0
"""For how long to listen unless somebody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundView:
    """One target; `lock` is the number that the lock says it has, `name` what the registry calls it."""

    target: str
    answer: str
    lock: str | None
    name: str | None
    pairing_open: bool | None
    in_use: bool | None
    rssi: int | None
    advice: str | None


async def scan(
    *targets: str,
    ports: Annotated[bool, Parameter(negative="--no-ports")] = True,
    ble: bool = False,
    adapter: str | None = None,
    hci: str | None = None,
    seconds: float = SECONDS,
) -> AsyncIterator[tuple[FoundView, ...]]:
    """Find locks: say hello at every serial port and at each TARGET, and nothing else.

    Parameters
    ----------
    targets
        Where to ask besides: serial:/dev/ttyUSB0?baud=9600 or tcp:HOST:PORT.
    ports
        With --no-ports, ask the given targets alone.
    ble
        Hear which locks advertise on Bluetooth Low Energy, too, without asking them anything.
    adapter
        The Bluetooth adapter to listen with, such as hci1, in place of the first.
    hci
        An HCI transport to listen with, such as tcp-client:127.0.0.1:9000, in place of this machine's Bluetooth.
    seconds
        For how long to listen.
    """
    from bridge.scanning import Listening  # noqa: PLC0415  it imports what only this command needs

    if not targets and not ports and not ble:
        raise UsageError("There is nothing to ask: give a target, or leave --no-ports out.")
    if not ble and (adapter or hci):
        raise UsageError("--adapter and --hci say how to listen: add --ble.")
    listening = Listening.of(seconds, adapter=adapter, hci=hci) if ble else None
    async with service("scan") as bridge, progress("Asking at each target"):
        found = await bridge.scan(targets, ports=ports, listening=listening)
    yield tuple(
        FoundView(
            target=each.target,
            answer=each.answer,
            lock=f"{each.lock.lock_id:08X}" if each.lock else None,
            name=each.record.name if each.record else None,
            pairing_open=each.pairing_open if each.lock else None,
            in_use=each.in_use if each.lock else None,
            rssi=each.rssi,
            advice=each.advice,
        )
        for each in found
    )
    if not found and ble:
        raise Unreachable(f"No lock was heard within {seconds:g} s. Is it powered, and near enough?")
    if not found:
        raise Unreachable("This machine has no serial port. Plug the lock's cable in, or give a target: tcp:HOST:PORT.")
    if not any(each.lock for each in found):
        raise Unreachable("No lock answers. See the advice for each target, and try again.")
