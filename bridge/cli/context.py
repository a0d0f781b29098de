"""The service as commands open it, from this process's environment."""

import os
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from bridge.config import Settings

if TYPE_CHECKING:
    from bridge.service import Service


def service(command: str, *, corrects_clocks: bool = True) -> AbstractAsyncContextManager["Service"]:
    """Open the bridge's service; `command` is what other processes read where this one holds a lock.

    `corrects_clocks` is whether a session sets a clock that is wrong: a command that is to tell how wrong must not.
    """
    from bridge.service import open_service  # noqa: PLC0415  SQLAlchemy is slow to import; --help does without

    return open_service(
        Settings.from_environment(os.environ), command=f"latchwire {command}", corrects_clocks=corrects_clocks
    )
