"""How often who may ask: so many requests an hour for each token, so many failed authentications for each address.

An address that has failed too often is answered 429 in place of 401, and nothing else: many clients come from the one
address of a server in front of the bridge, and those with a valid token must not pay for the others.
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from bridge.config import DEFAULT_RATE

from .problems import RETRY_AFTER, TOO_MANY, TOO_MANY_FAILURES, ApiError

HOUR, MINUTE = 3600.0, 60.0
FAILURES = 10
"""Failed authentications that one address has in a minute."""
LARGEST_TABLE = 1024
"""Tokens or addresses that are counted at a time; beyond them the one that has been quiet for longest is forgotten."""


class Window:
    """At most `most` events of a key within any `seconds`; `now` never goes back."""

    def __init__(self, most: int, seconds: float, now: Callable[[], float], *, keys: int = LARGEST_TABLE) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._keys = keys
        self._events: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Count one event and return 0; where there is no room for it, count nothing and return the seconds until."""
        now = self._now()
        events = self._events.setdefault(key, deque())
        while events and events[0] + self._seconds <= now:
            events.popleft()
        if len(events) >= self._most:
            return events[0] + self._seconds - now
        events.append(now)
        self._events.move_to_end(key)
        self._forget(now)
        return 0.0

    def __len__(self) -> int:
        """Return how many keys are counted."""
        return len(self._events)

    def _forget(self, now: float) -> None:
        """Drop keys whose events are all over, and what is beyond the table; the quietest stand first."""
        while len(self._events) > self._keys or next(iter(self._events.values()))[-1] + self._seconds <= now:
            self._events.popitem(last=False)


class Limits:
    """The limits of one application; `rate` is the requests an hour that a token has."""

    def __init__(
        self, rate: int = DEFAULT_RATE, *, failures: int = FAILURES, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens = Window(rate, HOUR, now)
        self._addresses = Window(failures, MINUTE, now)

    def count_request(self, token_id: int) -> None:
        """Count a request of a valid token; raise ApiError(429) where it has none left."""
        _allow(self._tokens.wait(token_id), TOO_MANY)

    def count_failure(self, address: str) -> None:
        """Count a failed authentication; raise ApiError(429) where this address has had too many."""
        _allow(self._addresses.wait(address), TOO_MANY_FAILURES)


def _allow(seconds: float, answer: tuple[int, str]) -> None:
    if seconds > 0:
        raise ApiError(*answer, headers={RETRY_AFTER: str(math.ceil(seconds))})
