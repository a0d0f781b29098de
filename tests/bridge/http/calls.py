"""Every call at a lock's pins, as a client of the vendor's cloud makes it."""

from dataclasses import dataclass

import httpx2

from .doubles import LOCK, PIN_ID

PINS = f"/api/v1.32/my/lock/{LOCK}/pin"
PIN = f"{PINS}/{PIN_ID}"
BODY: dict[str, object] = {"alias": "Alias 1", "pin": "97531"}
OPENAPI = "/api/{version}/my/lock/{lock_id}/pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: where it goes, what it asks of the service, and its answers' statuses."""

    method: str
    path: str
    asks: str
    done: frozenset[int]
    failures: frozenset[int]

    @property
    def documented(self) -> str:
        return OPENAPI + ("/{pin_id}" if self.path == PIN else "")

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PUT")

    def make(self, http: httpx2.Client, **more: str) -> httpx2.Response:
        """Make the call with the headers `more`."""
        return http.request(self.method, self.path, json=BODY if self.has_body else None, headers=more)


AT_A_LOCK = frozenset({401, 403, 408, 409, 428, 429, 500, 502})

CREATE = Call(method="POST", path=PINS, asks="create_pin", done=frozenset({201}), failures=AT_A_LOCK | {400, 406, 422})
LIST = Call(method="GET", path=PINS, asks="list_pins", done=frozenset({200, 304}), failures=AT_A_LOCK | {400})
GET = Call(method="GET", path=PIN, asks="get_pin", done=frozenset({200}), failures=AT_A_LOCK | {404})
UPDATE = Call(method="PUT", path=PIN, asks="update_pin", done=frozenset({204}), failures=AT_A_LOCK | {400, 404, 406})
DELETE = Call(method="DELETE", path=PIN, asks="delete_pin", done=frozenset({204}), failures=AT_A_LOCK | {400, 404})

CALLS = (CREATE, LIST, GET, UPDATE, DELETE)
CHANGES = (CREATE, UPDATE, DELETE)
