"""Recordings for tests: a simulated lock in memory, and a station with an ear at it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from hil.bench.targets import Spec, open_target
from hil.line import Deaf, Ear, Way
from hil.recording.capture import Capture
from hil.recording.keeping import Files
from hil.recording.trace import moment
from hil.station import Station
from protocol.codec import encode_answer, encode_request
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.pins import PinCreateRequest, PinCreateResponse
from protocol.vocabulary import PinEntry

ANNA = PinEntry(digits="97531", alias="Anna")
BOB = PinEntry(digits="86420", alias="Bob 86420")


def sealed(counter: int = 0) -> bytes:
    """Return a frame of which nobody knows what is in it."""
    return encode_frame(Frame(version=1, kind=Kind.TRANSPORT, counter=counter, body=bytes(16)))


def lock(slots: int = 20) -> Simulator:
    """Return a lock of its own."""
    return Simulator(NorFlash(GEOMETRY), slots=slots)


@asynccontextmanager
async def bench(folder: Path, ear: Ear | None = None, build: Callable[[], Simulator] = lock) -> AsyncIterator[Station]:
    """Yield a station that the lock does not know yet."""
    async with open_target(Spec(place="sim:"), folder, build) as target:
        station = Station(
            target.connect, target.hands, target.secret, patience=target.patience, random=Random(1), ear=ear or Deaf()  # noqa: S311
        )  # fmt: skip
        yield station
        await station.close()


def keep(capture: Capture, stem: Path) -> tuple[Path, Path]:
    """Write down what a capture holds, and return the trace's path and the capture's."""
    files = Files(stem, {"test": "a test", "began": moment(capture.began)}, capture.began)
    capture.keep(files)
    files.close()
    return files.trace, files.capture


def traced(folder: Path) -> tuple[Path, Path]:
    """Return a trace and a capture of one request and its answer, a hand, a note and damage."""
    capture = Capture()
    capture.frame(Way.TO_LOCK, sealed(), lambda: encode_request(PinCreateRequest(operation=1, entry=BOB)))
    capture.frame(Way.FROM_LOCK, sealed(), lambda: encode_answer(0x10, PinCreateResponse(id=1, list_version=2)))
    capture.hand("enter", {"digits": BOB.digits, "granted": True, "pin_id": 1})
    capture.frame(Way.FROM_LOCK, b"\x00\x05abcd\x00")
    capture.note("Zażółć: the door is open")
    capture.end("passed")
    return keep(capture, folder / "recorded")
