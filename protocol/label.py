"""The label secret: 128 random bits, as printed on the lock, and the pairing key made of it (SPEC 4.4)."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import MalformedError, MisuseError
from .framing import crc16

SECRET_SIZE = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base32
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_SECRET_CHARACTERS = 26
_CHECK_CHARACTERS = 2
_GROUP = 4


def format_label(secret: bytes) -> str:
    """Return the 28 characters of `secret` (16 bytes) in groups of four joined by dashes."""
    if len(secret) != SECRET_SIZE:
        raise MisuseError("a label secret has 16 bytes")
    text = _digits(int.from_bytes(secret, "big"), _SECRET_CHARACTERS) + _digits(_check(secret), _CHECK_CHARACTERS)
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def parse_label(text: str) -> bytes:
    """Return the 16 bytes of a label as people type it: any case, dashes and blanks anywhere, O for 0, I and L for 1.

    Raise MalformedError where the length, a character or the check does not fit; the text is never quoted.
    """
    typed = text.strip().upper().translate(_READ_AS)
    if len(typed) != _SECRET_CHARACTERS + _CHECK_CHARACTERS:
        raise MalformedError(f"a label has 28 characters, this one {len(typed)}")
    if any(character not in _ALPHABET for character in typed):
        raise MalformedError("a label has only digits and the letters A to Z without U")
    number = _number(typed[:_SECRET_CHARACTERS])
    if number >> (8 * SECRET_SIZE):
        raise MalformedError("a label's first character is 0 to 7")
    secret = number.to_bytes(SECRET_SIZE, "big")
    if _number(typed[_SECRET_CHARACTERS:]) != _check(secret):
        raise MalformedError("the label's last two characters do not match the others: a character is mistyped")
    return secret


def pairing_key(secret: bytes, lock_id: int) -> bytes:
    """Return the pre-shared key of the pairing handshake: HKDF-SHA256(secret, salt = lock id as u32)."""
    if len(secret) != SECRET_SIZE:
        raise MisuseError("a label secret has 16 bytes")
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=lock_id.to_bytes(4, "big"), info=b"latchwire pair v1")
    return hkdf.derive(secret)


def _check(secret: bytes) -> int:
    return int(crc16(secret)) % 1024


def _digits(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> (5 * at) & 31] for at in reversed(range(count)))


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number << 5 | _ALPHABET.index(character)
    return number
