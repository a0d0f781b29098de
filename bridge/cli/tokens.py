"""The `token` commands: who may use the HTTP API."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter, validators

from bridge.errors import UsageError
from bridge.records import Scope

from .context import service

app = App(name="token", help="Tokens for the HTTP API.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A new token, shown this once."""

    token: str

    def __str__(self) -> str:
        return self.token


@app.command
async def create(
    *,
    scope: Annotated[list[str], Parameter(name="--scope", negative="")],
    lock: Annotated[list[str], Parameter(name="--lock", negative="")],
    days: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=36500))] = None,
) -> TokenView:
    """Create a token and print it, alone; it is never shown again.

    Parameters
    ----------
    scope
        What it may do, repeatable: Device.Read, Device.ReadWrite, Lock.Operate, DeviceActivity.Read.
    lock
        Name or number of a lock that it may be used for, repeatable.
    days
        After how many days it expires; never where this is left out.
    """
    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    async with service("token create") as bridge:
        token = await bridge.create_token(scopes=frozenset(map(_scope, scope)), locks=lock, expires=expires)
    return TokenView(token=token)


def _scope(name: str) -> Scope:
    try:
        return Scope(name)
    except ValueError:
        known = ", ".join(Scope)
        raise UsageError(f"{name!r} is no scope. The scopes are {known}.") from None
