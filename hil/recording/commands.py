"""The `trace` commands: what was recorded between a bench, or a bridge, and a lock, shown and repeated."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from firmware_sim.simulator import Simulator

    from ..bench.targets import Target
    from ..station import Station
    from .trace import Event

app = App(name="trace", help="Show and repeat what was recorded between a bench and a lock.")

SEED = 1
"""A replay draws the same each time."""
SLOTS = 20
"""Those of a simulated lock, as the suite has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a recording tells of itself."""

    header: dict[str, str]

    def __str__(self) -> str:
        return "\n".join(f"# {name}: {value}" for name, value in self.header.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One thing that was recorded: `time` by the clock of the recorder, `seconds` since it began."""

    time: str
    seconds: float
    way: str | None
    what: str
    counter: int | None
    name: str
    status: str
    fields: dict[str, Any]
    line: str

    def __str__(self) -> str:
        return self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Why a recording ends before its end."""

    cut: str

    def __str__(self) -> str:
        return self.cut


@app.command
async def decode(file: Path, /) -> AsyncIterator[About | Shown | Cut]:
    """Show what a recording holds: a capture or a trace of a test, or what `latchwire --trace` has written.

    Damaged frames are shown as such. A file that was cut off is shown as far as it goes.

    Parameters
    ----------
    file
        The recording.
    """
    from .reading import read_recording  # noqa: PLC0415  it imports the messages

    recording = read_recording(file)
    if recording.header:
        yield About(header=dict(recording.header))
    for event in recording.events:
        yield _shown(event, recording.start)
    if recording.cut:
        yield Cut(cut=recording.cut)


@app.command
async def replay(
    file: Path, target: str, /, *, label_file: Path | None = None, control: Path | None = None,
    yes: Annotated[bool, Parameter(name="--yes")] = False,
) -> AsyncIterator[object]:  # fmt: skip
    """Repeat a recording at a lock: its requests are sent again, with other digits for hidden pins. Exit code 0 or 1.

    The lock is paired with, its pins are CLEARED, and its clock is set. Of two answers status and fields are compared,
    but for what cannot repeat itself, such as times.

    Parameters
    ----------
    file
        A capture or a trace of a test.
    target
        sim:, sim:pty, sim:tcp or sim:ble for a simulated lock that is made for it, or where a lock is: serial:…
    label_file
        Holds the label of a lock that is there.
    control
        The control socket of a simulated lock. Of any other, hold the button first: it opens the pairing window.
    yes
        Clear the pins of a lock that is there.
    """
    from ..bench.targets import Spec, open_target  # noqa: PLC0415
    from .reading import read_recording  # noqa: PLC0415  as above
    from .replay import replay as repeat  # noqa: PLC0415

    recording = read_recording(file)
    spec = Spec(place=target, label_file=label_file, control=control)
    if not (spec.simulated or yes):
        raise _unasked(target)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lw-")))
        opened = await stack.enter_async_context(open_target(spec, folder, _simulator))
        replayed = await repeat(recording, await _station(stack, opened))
    for difference in replayed.differences:
        yield difference
    yield replayed


def _shown(event: "Event", start: int) -> Shown:
    from .trace import line, moment  # noqa: PLC0415  as above

    told = asdict(event)
    at = told.pop("at")
    seconds = round((at - start) / 10**9, 9)
    return Shown(time=moment(at), seconds=seconds, line=line(event, start), **told)


def _simulator() -> "Simulator":
    from firmware_sim.device import GEOMETRY  # noqa: PLC0415  as above
    from firmware_sim.flash import NorFlash  # noqa: PLC0415
    from firmware_sim.simulator import Simulator  # noqa: PLC0415

    return Simulator(NorFlash(GEOMETRY), slots=SLOTS)


async def _station(stack: AsyncExitStack, target: "Target") -> "Station":
    """Pair with the lock and clear it."""
    from ..line import Deaf  # noqa: PLC0415  as above
    from ..station import Station  # noqa: PLC0415
    from .replay import make_ready  # noqa: PLC0415

    station = Station(
        target.connect, target.hands, target.secret, patience=target.patience, random=Random(SEED), ear=Deaf(),  # noqa: S311
        single=target.single, wire=target.wire,
    )  # fmt: skip
    stack.push_async_callback(station.close)
    await make_ready(station)
    return station


def _unasked(target: str) -> Exception:
    from ..errors import BenchFault  # noqa: PLC0415  as above

    return BenchFault(f"A replay clears the pins of the lock at {target} and sets its clock: add --yes if it may.")
