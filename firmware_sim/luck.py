"""Sources of chance, one for each subsystem: what one of them draws shifts nothing in another."""

from hashlib import sha256
from random import Random


def stream(seed: int, name: str) -> Random:
    """Return a source that the same seed and name repeat in every process, whatever other sources have drawn."""
    return Random(int.from_bytes(sha256(f"{seed} {name}".encode()).digest()))  # noqa: S311  a seed is asked for
