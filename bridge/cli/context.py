"""The service as commands open it, from this process's environment and what was said before the command."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Optional, TypeVar

from bridge.config import Settings

if TYPE_CHECKING:
    from bridge.observing import Observer
    from bridge.service import Service
    from bridge.tracing import Sink, TraceFile

T = TypeVar("T")

_trace: ContextVar[Optional["TraceFile"]] = ContextVar("trace", default=None)
_for_people: ContextVar[bool] = ContextVar("for_people", default=True)


def service(
    command: str,
    *,
    corrects_clocks: bool = True,
    sinks: Sequence["Sink"] = (),
    observer: Optional["Observer"] = None,
) -> AbstractAsyncContextManager["Service"]:
    """Open the bridge's service; `command` is what other processes read where this one holds a lock.

    `corrects_clocks` is whether a session sets a clock that is wrong: a command that is to tell how wrong must not.
    `sinks` are told what is asked of locks, beside the file of `--trace`; `observer` counts it.
    """
    from bridge.observing import NOBODY  # noqa: PLC0415  it imports the messages
    from bridge.service import open_service  # noqa: PLC0415  SQLAlchemy is slow to import; --help does without

    return open_service(
        Settings.from_environment(os.environ),
        command=f"latchwire {command}",
        corrects_clocks=corrects_clocks,
        sinks=(*sinks, *filter(None, [_trace.get()])),
        observer=observer or NOBODY,
    )


def is_for_people() -> bool:
    """Whether a person reads what the command prints, and not a program that has asked for JSON."""
    return _for_people.get()


def listed(values: tuple[T, ...], none: str) -> tuple[T, ...]:
    """Return what a command lists; where there is nothing, tell a person so by the sentence `none`, beside stdout."""
    if not values and is_for_people():
        sys.stderr.write(f"latchwire: {none}\n")
    return values


def is_traced() -> bool:
    """Whether `--trace` was said."""
    return _trace.get() is not None


@contextmanager
def answering(*, people: bool) -> Iterator[None]:
    """Meanwhile let commands know whether they answer people."""
    before = _for_people.set(people)
    try:
        yield
    finally:
        _for_people.reset(before)


@contextmanager
def tracing_to(path: Path | None) -> Iterator[None]:
    """Meanwhile let each service write what is asked of locks to the file `path`; raise UsageError."""
    if path is None:
        yield
        return
    from bridge.tracing import TraceFile  # noqa: PLC0415  it imports the codec

    with closing(TraceFile(path)) as file:
        before = _trace.set(file)
        try:
            yield
        finally:
            _trace.reset(before)
