"""What the maker burns into the first page, once: who the lock is, and the secret on its label (SPEC 4.4).

The page is never erased, so no later power loss can take the identity away.
"""

import zlib
from dataclasses import dataclass, field

from protocol import label
from protocol.codec import build, parse
from protocol.errors import MalformedError
from protocol.fields import U32, Ascii, Bytes, Record, Terminated

from .errors import FlashImageError
from .flash import WORD, Flash

PAGE = 0
_MAGIC = b"LWF1"
_ERASED = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory:
    """Burnt-in facts; `secret` is the label's 16 bytes."""

    magic: bytes = _MAGIC
    lock_id: int
    serial: str
    secret: bytes = field(repr=False)

    def pairing_key(self) -> bytes:
        """Return the key that the pairing handshake mixes in."""
        return label.pairing_key(self.secret, self.lock_id)


_LAYOUT = Record(
    Factory,
    "magic" / Bytes(len(_MAGIC)),
    "lock_id" / U32,
    "serial" / Ascii,
    "secret" / Bytes(label.SECRET_SIZE),
    Terminated,
)


def burn(flash: Flash, factory: Factory) -> None:
    """Write the factory page of an erased flash: length, record, CRC-32, then erased bytes."""
    data = build(_LAYOUT, factory)
    page = len(data).to_bytes(2, "big") + data
    page += zlib.crc32(page).to_bytes(4, "big")
    flash.program(PAGE * flash.geometry.page_size, page + bytes([_ERASED]) * (-len(page) % WORD))


def read(flash: Flash) -> Factory | None:
    """Return what is burnt in, None where the whole flash is erased; raise FlashImageError where it is damaged."""
    geometry = flash.geometry
    page = flash.read(PAGE * geometry.page_size, geometry.page_size)
    if page.count(_ERASED) == len(page):
        if _erased(flash):
            return None
        raise FlashImageError("The flash holds records, but its factory page is erased: this is no lock's image.")
    end = 2 + int.from_bytes(page[:2], "big")
    try:
        if zlib.crc32(page[:end]).to_bytes(4, "big") == page[end : end + 4]:
            factory: Factory = parse(_LAYOUT, page[2:end])
            if factory.magic == _MAGIC:
                return factory
    except MalformedError:
        pass
    raise FlashImageError(
        "The flash's factory page is damaged, so the lock does not know who it is. The image was left as it is: "
        "restore it from a backup, or move it away to start a lock that is new from the factory."
    )


def _erased(flash: Flash) -> bool:
    size = flash.geometry.page_size
    return all(flash.read(page * size, size).count(_ERASED) == size for page in range(flash.geometry.pages))
