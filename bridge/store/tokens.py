"""API tokens as text; the text is a secret that exists only here and at its owner, the registry keeps the hash."""

import hashlib
import re
import secrets
import zlib
from base64 import urlsafe_b64encode

_SHAPE = re.compile(r"(lw_[A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})")


def new_token() -> str:
    """Return a new token of 52 characters: `lw_`, 32 random bytes and the CRC-32 of both, in base64url unpadded."""
    body = f"lw_{secrets.token_urlsafe(32)}"
    return body + _check(body)


def looks_like_token(text: str) -> bool:
    """Tell whether `text` has the form and the check characters of a token, known to the registry or not."""
    match = _SHAPE.fullmatch(text)
    return match is not None and _check(match[1]) == match[2]


def token_hash(text: str) -> bytes:
    """Return the SHA-256 (32 bytes) of a token; a slow hash would protect nothing, 32 random bytes are not guessed."""
    return hashlib.sha256(text.encode()).digest()


def _check(body: str) -> str:
    return urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).rstrip(b"=").decode()
