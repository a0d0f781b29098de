"""Versions and sizes of the wire; the one rule: never reorder, only append, and freeze the bytes of each version.

A new version may add opcodes, statuses, rules and kinds behind the last ones. It never changes a layout that a
released version has sent: tests/wire/ holds those bytes, and a red test there means that the change is wrong.
"""

HELLO_VERSION = 0
"""The header version of hello frames, which never change (SPEC 4.1)."""

MIN_VERSION = 1
MAX_VERSION = 1

HEADER_SIZE = 8
CRC_SIZE = 2
TAG_SIZE = 16
"""Bytes that ChaCha20-Poly1305 adds to each sealed body."""

DEFAULT_MAX_FRAME = 256
"""Bytes of a decoded frame, CRC included, until `info` has told another bound (SPEC 3.3)."""

LARGEST_MAX_FRAME = 1024


def choose_version(lowest: int, highest: int) -> int:
    """Return the highest version that a peer of `lowest`…`highest` and this side share, 0 where there is none."""
    chosen = min(highest, MAX_VERSION)
    return chosen if max(lowest, MIN_VERSION) <= chosen else 0
