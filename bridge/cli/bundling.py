"""The zip file of `diagnose --bundle`: what somebody who helps needs to know, and nothing that opens a door."""

import dataclasses
import json
import platform
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from io import BytesIO
from pathlib import Path
from typing import Any

from bridge.errors import UsageError

from .settings import show

_UNNEEDED = frozenset({"pip", "setuptools", "wheel"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """The file that was made."""

    bundle: str

    def __str__(self) -> str:
        return f"{self.bundle} has all of this for whoever helps you: no digits, no keys, no tokens."


def require_new(path: Path) -> None:
    """Raise UsageError where something stands at `path`, or no folder is there for it."""
    if path.exists():
        raise UsageError(f"{path} exists already. Name a new file, or remove this one.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} for the bundle. Name another file.")


def make_bundle(path: Path, *, checklist: Sequence[Any], trace: Sequence[bytes], lock: Any) -> Bundled:
    """Write the file, for its owner alone; raise UsageError where that fails.

    `checklist` and `lock` are what commands show, `trace` is lines that hold no digits.
    """
    from bridge.private_files import create_private  # noqa: PLC0415  `diagnose --help` does without

    parts = {
        "checklist.jsonl": b"\n".join(map(_json, checklist)),
        "trace.jsonl": b"\n".join(trace),
        "lock.json": _json(lock),
        "settings.jsonl": b"\n".join(map(_json, show())),
        "versions.json": json.dumps(_versions(), indent=1).encode(),
    }
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in parts.items():
            bundle.writestr(name, data)
    try:
        if not create_private(path, made.getvalue()):
            require_new(path)
    except OSError as error:
        raise UsageError(f"The bundle cannot be written to {path} ({error.strerror}). Name another file.") from None
    return Bundled(bundle=str(path))


def _versions() -> dict[str, Any]:
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "python": sys.version,
        "platform": platform.platform(),
        "packages": {name: packages[name] for name in sorted(packages) if name not in _UNNEEDED},
    }


def _json(value: Any) -> bytes:
    return json.dumps(dataclasses.asdict(value), ensure_ascii=False, default=str).encode()
