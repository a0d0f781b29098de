"""The bridge's own keys in `keys/bridge.key`; a file that cannot be read is reported and never overwritten."""

import re
import secrets
import zlib
from dataclasses import dataclass, field

from protocol import noise

from ..errors import DamagedState
from ..private_files import create_private
from .folder import StateFolder, told

_VERSION = 1
_FIRST_LINE = re.compile(rb"latchwire bridge keys ([0-9]{1,9})\n")
_FILE = re.compile(
    rb"latchwire bridge keys 1\nstatic ([0-9a-f]{64})\nhmac ([0-9a-f]{64})\ncrc32 [0-9a-f]{8}\n",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeKeys:
    """The two secrets of a bridge: its X25519 private key and its HMAC key, 32 bytes each."""

    static_private: bytes = field(repr=False)
    hmac_key: bytes = field(repr=False)

    @property
    def static_public(self) -> bytes:
        """The X25519 public key, 32 bytes, that locks store."""
        return noise.public_key(self.static_private)

    @property
    def peer_id(self) -> int:
        """The u32 by which locks know this bridge (SPEC 4.5); keys that would give 0 are drawn again."""
        return noise.peer_id(self.static_public)


def load_or_create(folder: StateFolder) -> BridgeKeys:
    """Return the keys in `folder`, drawn on first use; processes that start at once get the same ones.

    Raises DamagedState for a file that is truncated, garbled, of another version or that cannot be read or made.
    """
    with told(folder.key_file):
        if not folder.key_file.exists():
            create_private(folder.key_file, _encode(_draw()))
        return _decode(folder)


def load(folder: StateFolder) -> BridgeKeys:
    """Return the keys in `folder`; raise as `load_or_create` does, also where there are none."""
    with told(folder.key_file):
        return _decode(folder)


def _draw() -> BridgeKeys:
    while True:
        keys = BridgeKeys(static_private=secrets.token_bytes(32), hmac_key=secrets.token_bytes(32))
        if keys.peer_id:
            return keys


def _encode(keys: BridgeKeys) -> bytes:
    text = (
        f"latchwire bridge keys {_VERSION}\nstatic {keys.static_private.hex()}\nhmac {keys.hmac_key.hex()}\n"
    ).encode()
    return text + b"crc32 %08x\n" % zlib.crc32(text)


def _decode(folder: StateFolder) -> BridgeKeys:
    data = folder.key_file.read_bytes()
    if match := _FILE.fullmatch(data):
        static, hmac = (bytes.fromhex(part.decode()) for part in match.groups())
        keys = BridgeKeys(static_private=static, hmac_key=hmac)
        if _encode(keys) == data:
            return keys
    raise DamagedState(
        f"{folder.key_file} {_complaint(data)}. Restore it from a backup, which keeps all pairings; "
        "without one, move it away, and every lock has to be paired again."
    )


def _complaint(data: bytes) -> str:
    first = _FIRST_LINE.match(data)
    if first and int(first[1]) != _VERSION:
        return f"has version {int(first[1])}, this program reads version {_VERSION}"
    return "is damaged"
