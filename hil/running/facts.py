"""What a run knows of its lock once they are paired: the facts that a report tells."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from protocol.vocabulary import Capability

from ..bench.targets import Spec
from ..errors import BenchFault
from ..station import Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One lock as this run has found it.

    `place` is where it was found, `protocol_version` what both chose; `declared` is what the bench declares, None where
    it declares nothing, and `told` what the lock says that it can do (SPEC 7.1). `firmware_sha256` is the hash of the
    file that the bench names, None where it names none. `max_frame` is in bytes, `capacity` in slots.
    """

    target: str
    place: str
    bench: Path | None
    lock_id: int
    model: str
    serial: str
    firmware_version: str
    firmware_sha256: str | None
    protocol_version: int
    declared: Capability | None
    told: Capability
    max_frame: int
    capacity: int

    def as_json(self) -> dict[str, Any]:
        """Return them as report.json has them: the lock's id as labels do, capabilities as bench files do."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return told | {
            "bench": str(self.bench) if self.bench else None,
            "lock_id": f"{self.lock_id:08X}",
            "declared": None if self.declared is None else names(self.declared).split(", "),
            "told": names(self.told).split(", "),
        }


FACTS = pytest.StashKey[Facts]()
"""Where `config.stash` has the facts of the process that runs the tests, from the pairing on."""


async def ask_facts(station: Station, spec: Spec) -> Facts:
    """Ask a lock that knows the bench; raise BenchFault where the firmware's file cannot be read."""
    sha256 = fingerprint(spec.firmware) if spec.firmware else None
    session = await station.open()
    info = await session.info()
    await session.line.close()
    return Facts(
        target=spec.title,
        place=spec.place,
        bench=spec.bench,
        lock_id=info.lock_id,
        model=info.model,
        serial=info.serial,
        firmware_version=info.firmware_version,
        firmware_sha256=sha256,
        protocol_version=session.ends.version,
        declared=spec.capabilities,
        told=info.capabilities,
        max_frame=info.max_frame,
        capacity=info.capacity,
    )


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file in hex; raise BenchFault."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchFault(f"The firmware {path} cannot be read: {error.strerror}. Was it built?") from None


def names(capabilities: Capability) -> str:
    """Return capabilities as a bench file spells them."""
    return ", ".join(str(each.name).lower() for each in capabilities) or "none"
