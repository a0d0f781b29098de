"""The keys by which locks know this bench: one file a lock, for its owner alone; nobody pairs anew for each run."""

import hashlib
import json
import re
from pathlib import Path

from bridge.private_files import write_private

from ..errors import BenchFault
from ..station import Peer

KEY_SIZE = 32


class KeptKey:
    """The key that the lock with this label knows; the file is called after the target."""

    def __init__(self, folder: Path, title: str, secret: bytes) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", title).strip("-.")[:40]
        mark = hashlib.sha256(b"latchwire bench" + secret).hexdigest()[:8]
        self.path = folder / f"{name}-{mark}.key"

    def load(self) -> Peer | None:
        """Return the bench as the lock knows it, None where they have never met; raise BenchFault."""
        try:
            told = json.loads(self.path.read_bytes())
            keys = bytes.fromhex(told["private"]), bytes.fromhex(told["lock"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            raise self._unusable("it cannot be read as a key") from None
        if [len(key) for key in keys] != [KEY_SIZE, KEY_SIZE]:
            raise self._unusable("its keys have the wrong length")
        if self.path.stat().st_mode & 0o077:
            raise self._unusable("others may read or write it")
        return Peer(private=keys[0], lock_key=keys[1])

    def keep(self, peer: Peer) -> None:
        """Keep the bench's key in place of the one before; raise BenchFault."""
        told = {"private": peer.private.hex(), "lock": peer.lock_key.hex()}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self.path, json.dumps(told).encode())
        except OSError as error:
            raise BenchFault(
                f"The key {self.path} cannot be kept: {error.strerror}. Name another --lock-keys."
            ) from None

    def _unusable(self, why: str) -> BenchFault:
        return BenchFault(f"The key file {self.path} cannot be used: {why}. Remove it to pair anew.")
