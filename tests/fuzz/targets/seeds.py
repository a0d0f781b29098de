"""How seeds are put together from real bytes."""

from collections.abc import Iterable


def joined(head: bytes, parts: Iterable[bytes]) -> bytes:
    """Return one input of several parts."""
    return head + b"".join(parts)


def prefixed(parts: Iterable[bytes]) -> bytes:
    """Return one input of parts that each follow their length, one byte."""
    return b"".join(bytes([len(part)]) + part for part in parts)


def unprefixed(data: bytes) -> list[bytes]:
    """Return the parts of `data`; the last one may be cut short."""
    parts = []
    while data:
        parts.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return parts
