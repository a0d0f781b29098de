"""The `config` commands: what is set and by what, without a secret; nothing is opened."""

import os
from dataclasses import dataclass
from pathlib import Path

from cyclopts import App

from bridge.config import VARIABLES, Settings

app = App(name="config", help="Where state lies, and what is set.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """One setting; `source` is the environment variable that sets it, or default."""

    setting: str
    value: str
    source: str
    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathView:
    """Where state lies."""

    state_dir: str

    def __str__(self) -> str:
        return self.state_dir


@app.command
def show() -> tuple[SettingView, ...]:
    """Show each setting, its value, and what has set it."""
    settings = Settings.from_environment(os.environ)
    return tuple(
        SettingView(
            setting=name,
            value=_shown(name, getattr(settings, name)),
            source="environment" if os.environ.get(variable) else "default",
            variable=variable,
        )
        for name, variable in VARIABLES.items()
    )


@app.command
def path() -> PathView:
    """Print the folder in which keys and registry lie, alone."""
    return PathView(state_dir=str(Settings.from_environment(os.environ).state_dir))


def _shown(name: str, value: Path | float | int | str | None) -> str:
    if name == "database":
        return "in the state folder" if value is None else _without_secrets(str(value))
    if name == "rate":
        return f"{value} an hour"
    return f"{value:g} s" if isinstance(value, float) else str(value)


def _without_secrets(url: str) -> str:
    """Return where a database is: a password may stand before the host, or in a query behind the question mark."""
    from sqlalchemy import make_url  # noqa: PLC0415  slow to import, and used with a database of one's own alone
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "a URL that cannot be read"
    return parsed.set(query={}).render_as_string(hide_password=True)
