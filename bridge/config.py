"""The bridge's settings; parsed once, at the edge, so that nothing below reads the environment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_state_dir

from .errors import UsageError

VARIABLES: Mapping[str, str] = {
    "state_dir": "LATCHWIRE_STATE_DIR",
    "deadline": "LATCHWIRE_DEADLINE",
    "idle": "LATCHWIRE_IDLE",
    "visit": "LATCHWIRE_VISIT",
    "fresh": "LATCHWIRE_ACTIVITY_FRESH",
    "rate": "LATCHWIRE_RATE",
    "database": "LATCHWIRE_DATABASE",
}
"""The environment variable of each setting."""
DEFAULT_DEADLINE = 8.0
DEFAULT_IDLE = 20.0
DEFAULT_VISIT = 3600.0
DEFAULT_FRESH = 10.0
DEFAULT_RATE = 700
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a person may set.

    `state_dir` is absolute. `deadline` is how many seconds one use case may take; `idle` is after how many seconds
    without a request a link is closed; `visit` is for how many seconds `serve` leaves a lock alone that nobody asks
    anything. `fresh` is for how many seconds what happened at a lock is told without asking it again. `rate` is how
    many HTTP requests an hour a token has. `database` is a SQLAlchemy URL with an async driver, or None for the
    registry in the state folder; it may hold a password and never shows in a repr.
    """

    state_dir: Path
    deadline: float = DEFAULT_DEADLINE
    idle: float = DEFAULT_IDLE
    visit: float = DEFAULT_VISIT
    fresh: float = DEFAULT_FRESH
    rate: int = DEFAULT_RATE
    database: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read VARIABLES; an empty one is unset.

        Raises UsageError for a number that is none.
        """
        state_dir = environ.get(VARIABLES["state_dir"]) or user_state_dir("latchwire")
        return cls(
            state_dir=Path(state_dir).absolute(),
            deadline=_seconds(environ, VARIABLES["deadline"], DEFAULT_DEADLINE),
            idle=_seconds(environ, VARIABLES["idle"], DEFAULT_IDLE),
            visit=_seconds(environ, VARIABLES["visit"], DEFAULT_VISIT),
            fresh=_seconds(environ, VARIABLES["fresh"], DEFAULT_FRESH, may_be_none=True),
            rate=_whole(environ, VARIABLES["rate"], DEFAULT_RATE),
            database=environ.get(VARIABLES["database"]) or None,
        )


def _seconds(environ: Mapping[str, str], name: str, default: float, *, may_be_none: bool = False) -> float:
    text = environ.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (0 < seconds < math.inf or (may_be_none and seconds == 0)):
        least = "seconds, 0 or more" if may_be_none else "seconds above 0"
        raise UsageError(f"{name} is {text!r}. Give it as {least}, such as {name}={default:g}.")
    return seconds


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS and int(text) > 0):
        raise UsageError(f"{name} is {text!r}. Give it as a whole number above 0, such as {name}={default}.")
    return int(text)
