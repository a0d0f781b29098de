"""Becoming a peer of a lock, and ceasing to be one (SPEC 7.13 and 7.14)."""

from dataclasses import dataclass

from ..fields import U32
from .declaration import Request, Response, declare


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCommitRequest(Request):
    """Sent in a pairing session: keep my public key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCommitResponse(Response):
    """The key is kept as pending under `peer_id`, until a session with it confirms it."""

    peer_id: int


PAIR_COMMIT = declare(0x20, "commit_pairing", "7.13", PairCommitRequest, [], PairCommitResponse, ["peer_id" / U32])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairRequest(Request):
    """Forget my public key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairResponse(Response):
    """Forgotten; the session ends with this response."""


UNPAIR = declare(0x21, "unpair", "7.14", UnpairRequest, [], UnpairResponse, [])
