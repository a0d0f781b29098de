"""The `token` commands: who may use the HTTP API."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter, validators

from bridge.errors import UsageError
from bridge.records import Scope, TokenRecord

from .context import listed, service

app = App(name="token", help="Tokens for the HTTP API.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A new token, shown this once."""

    token: str

    def __str__(self) -> str:
        return self.token


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEntry:
    """A token of the registry, without what must stay secret; times are ISO 8601 in UTC."""

    number: int
    scopes: tuple[str, ...]
    locks: tuple[int, ...]
    expires: str | None
    last_used: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked:
    """A token that allows nothing any more."""

    number: int

    def __str__(self) -> str:
        return f"Token {self.number} is revoked."


@app.command
async def create(
    *,
    scope: Annotated[list[str], Parameter(name="--scope")],
    lock: Annotated[list[str], Parameter(name="--lock")],
    days: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=36500))] = None,
) -> TokenView:
    """Create a token and print it, alone; it is never shown again.

    Parameters
    ----------
    scope
        What it may do, repeatable: Device.Read, Device.ReadWrite (which may read, too), Lock.Operate,
        DeviceActivity.Read.
    lock
        Name or number of a lock that it may be used for, repeatable.
    days
        After how many days it expires; never where this is left out.
    """
    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    async with service("token create") as bridge:
        token = await bridge.create_token(scopes=frozenset(map(_scope, scope)), locks=lock, expires=expires)
    return TokenView(token=token)


@app.command(name="list")
async def list_tokens() -> tuple[TokenEntry, ...]:
    """List all tokens by number, with what they allow and when they were last used; never the tokens themselves."""
    async with service("token list") as bridge:
        none = "There are no tokens yet. `latchwire token create` makes one."
        return listed(tuple(_entry(record) for record in await bridge.tokens()), none)


@app.command
async def revoke(number: int, /) -> TokenRevoked:
    """Let the token NUMBER allow nothing from now on.

    Parameters
    ----------
    number
        The token's number, as `latchwire token list` shows it.
    """
    async with service("token revoke") as bridge:
        await bridge.revoke_token(number)
    return TokenRevoked(number=number)


def _entry(record: TokenRecord) -> TokenEntry:
    return TokenEntry(
        number=record.id,
        scopes=tuple(sorted(record.scopes)),
        locks=tuple(sorted(record.locks)),
        expires=_moment(record.expires),
        last_used=_moment(record.last_used),
    )


def _moment(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _scope(name: str) -> Scope:
    try:
        return Scope(name)
    except ValueError:
        known = ", ".join(Scope)
        raise UsageError(f"{name!r} is no scope. The scopes are {known}.") from None
