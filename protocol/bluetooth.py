"""The lock on Bluetooth Low Energy: what it is called there, and what it says of itself to everybody (SPEC 9.3)."""

from dataclasses import dataclass
from uuid import UUID

from .codec import build, parse
from .fields import U8, U32, Flags, Record, Terminated
from .messages.hello import HelloFlag

SERVICE = "9664c1d8-7c56-4663-9c06-8dacc9ad6a0c"
WRITE = "9664c1d9-7c56-4663-9c06-8dacc9ad6a0c"
"""The characteristic that takes the bridge's bytes."""
NOTIFY = "9664c1da-7c56-4663-9c06-8dacc9ad6a0c"
"""The characteristic that tells the lock's bytes."""
COMPANY = 0xFFFF
"""The company identifier of the manufacturer data: the one that is nobody's."""
SMALLEST_MTU = 23
LARGEST_MTU = 247
ATT_HEADER = 3
"""How many bytes of the ATT MTU a write or a notification does not carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertisement:
    """The manufacturer data of the advertisement; `change` moves with whatever is new at the lock."""

    lock_id: int
    flags: HelloFlag
    change: int


ADVERTISEMENT = Record(Advertisement, "lock_id" / U32, "flags" / Flags(U8, HelloFlag), "change" / U8, Terminated)


def encode_advertisement(advertisement: Advertisement) -> bytes:
    """Return the manufacturer data behind the company identifier, 6 bytes."""
    return build(ADVERTISEMENT, advertisement)


def decode_advertisement(data: bytes) -> Advertisement:
    """Take the manufacturer data apart; raise MalformedError for what no lock advertises."""
    advertisement: Advertisement = parse(ADVERTISEMENT, data)
    return advertisement


def advertising_data(advertisement: Advertisement) -> bytes:
    """Return all 31 bytes that are advertised: flags, service, manufacturer data."""
    flags = bytes.fromhex("020106")
    service = bytes.fromhex("1107") + UUID(SERVICE).bytes[::-1]
    return flags + service + bytes.fromhex("09ff") + COMPANY.to_bytes(2, "little") + encode_advertisement(advertisement)
