"""The kept corpus: one folder a target, files named by what they hold."""

import hashlib
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def kept(target: str) -> list[Path]:
    """Return the files of one target, in the order of their names."""
    return sorted(path for path in (CORPUS / target).iterdir() if path.is_file())


def keep(folder: Path, units: list[bytes]) -> None:
    """Write each unit into `folder`, under its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    for unit in units:
        (folder / hashlib.sha1(unit, usedforsecurity=False).hexdigest()).write_bytes(unit)
