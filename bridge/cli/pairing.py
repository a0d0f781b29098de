"""The `pair` command: make a lock and this bridge know each other."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from bridge.errors import UsageError
from bridge.records import LARGEST_LOCK_ID

from .asking import ask
from .context import service
from .locks import LockView, view
from .progress import progress


async def pair(
    target: str,
    /,
    *,
    name: str,
    label_file: Path | None = None,
    label_stdin: bool = False,
    id: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=LARGEST_LOCK_ID))] = None,  # noqa: A002
    zone: str | None = None,
) -> LockView:
    """Pair with the lock at TARGET. Hold the lock's button for 5 s first.

    Cut off half-way, the same command finishes what was begun.

    Parameters
    ----------
    target
        Where the lock is: serial:/dev/ttyUSB0, serial:/dev/ttyUSB0?baud=9600 or tcp:HOST:PORT.
    name
        What to call the lock from now on.
    label_file
        Read the label from this file; without it and without --label-stdin, you are asked for it.
    label_stdin
        Read the label from standard input.
    id
        The lock's number in the HTTP API; the next free one where it is left out.
    zone
        The IANA zone in which the lock's windows are meant, such as Europe/Warsaw. Where it is left out, a new lock
        takes this host's, and one that has been paired before keeps its own.
    """
    from bridge.pairing import PairingWish  # noqa: PLC0415  it imports what only this command needs

    label = _read_label(label_file, from_stdin=label_stdin)
    wish = PairingWish(target=target, name=name, zone=zone, id=id)
    async with service("pair") as bridge, progress("Pairing"):
        return view(await bridge.pair(wish, label))


def _read_label(path: Path | None, *, from_stdin: bool) -> str:
    if path is not None and from_stdin:
        raise UsageError("Give --label-file or --label-stdin, not both.")
    try:
        if path is not None:
            return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"Cannot read the label from {path}: {cause}.") from None
    if from_stdin:
        return sys.stdin.readline()
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to type the label. Give --label-file FILE or --label-stdin.")
    return ask("Label of the lock: ")
