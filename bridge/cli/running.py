"""One command from its words to its exit code; whatever goes wrong ends in a sentence, never in a traceback."""

import inspect
import logging
import os
import re
import sys
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from importlib.metadata import entry_points, version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from bridge.errors import UsageError

from .context import answering, tracing_to
from .exits import INTERNAL, INTERRUPTED, USAGE, exit_code
from .render import Renderer

_EPILOGUE = """\
Every command takes `--json`: one JSON object a line on stdout, and nothing else. And `--trace FILE`: what is asked of
locks and what they answer is appended to FILE, a JSON object a line, without digits; `conform` has traces of its own.

Exit codes: 0 done, 1 failed inside (a damaged file, or a bug), 2 wrong usage, 3 not found or unreachable,
4 refused by the lock, 5 authentication or pairing, 6 no acknowledgement (outcome unknown), 7 read-back differs,
130 interrupted.

`LATCHWIRE_STATE_DIR` moves all state, keys included.
"""

_GROUPS = {
    "conform": "Learn whether a lock's firmware conforms.",
    "demo": "Watch one pin travel from an HTTP request to the keypad.",
    "trace": "Show and repeat what was recorded between a bench and a lock.",
    "sim": "Run a simulated keypad lock, and be the hand at its door.",
}
"""What the groups of other packages are for: to ask them would import them."""

_DIGITS = re.compile(r"\d{5,}")
_log = logging.getLogger(__name__)


def build_app() -> App:
    """Return the whole tree of commands; a group is imported when it is used."""
    app = App(
        name="latchwire",
        help="Manage the pins of door locks, and test lock firmware without a door.",
        help_epilogue=_EPILOGUE,
        version=lambda: version("latchwire"),
        default_parameter=Parameter(negative=""),  # an option has an opposite only where that is written with it
    )
    app.command("bridge.cli.scanning:scan", name="scan", help="Find locks at serial ports and given targets.")
    app.command("bridge.cli.pairing:pair", name="pair", help="Make a lock and this bridge know each other.")
    app.command("bridge.cli.unpairing:unpair", name="unpair", help="Have a lock forget this bridge.")
    app.command("bridge.cli.states:info", name="info", help="Tell what a lock is.")
    app.command("bridge.cli.states:state", name="state", help="Tell how a lock is now.")
    app.command("bridge.cli.diagnosing:diagnose", name="diagnose", help="Check a lock, from its port to its battery.")
    app.command("bridge.cli.clocks:app", name="clock", help="The clock of a lock and its zone.")
    app.command("bridge.cli.bolts:open_lock", name="open", help="Draw the bolt of a lock.")
    app.command("bridge.cli.bolts:close_lock", name="close", help="Throw the bolt of a lock.")
    app.command("bridge.cli.locks:app", name="lock", help="The locks that this bridge knows.")
    app.command("bridge.cli.pins:app", name="pin", help="The pins of a lock, and files of pins.")
    app.command("bridge.cli.tokens:app", name="token", help="Tokens for the HTTP API.")
    app.command("bridge.cli.monitoring:monitor", name="monitor", help="Watch what a lock is asked and answers.")
    app.command("bridge.cli.serving:serve", name="serve", help="Serve the HTTP API.")
    app.command("bridge.cli.settings:app", name="config", help="Where state lies, and what is set.")
    app.command("bridge.cli.completion:completion", name="completion", help="A script that completes these commands.")
    for found in sorted(entry_points(group="latchwire.commands"), key=lambda entry: entry.name):
        app.command(found.value, name=found.name, help=_GROUPS.get(found.name))
    return app


def run(words: Sequence[str]) -> int:
    """Run the command that `words` spell, and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name may hold what a terminal cannot show
    as_json = "--json" in words
    renderer = Renderer(as_json=as_json)
    _log_to_stderr()
    app = build_app()
    try:
        rest, trace = _without_trace([word for word in words if word != "--json"])
        with tracing_to(trace), answering(people=not as_json):
            command, bound, _ = app.parse_args(rest, exit_on_error=False, print_error=False)
            if as_json and _is_help_unasked(command, rest):
                raise UsageError("The command is missing, or not complete. Try `latchwire --help`.")
            return _show(command(*bound.args, **bound.kwargs), renderer)
    except CycloptsError as error:
        return renderer.fail(f"{_misunderstood(error, words)} Try `latchwire --help`.", USAGE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        _forget_output()
        return 0
    except Exception as error:
        return _fail(error, renderer)


def _is_help_unasked(command: Any, words: Sequence[str]) -> bool:
    """Whether help is shown only because `words` name no whole command; a program could not read it."""
    return getattr(command, "__func__", None) is App.help_print and not {"--help", "-h"} & set(words)


def _without_trace(words: Sequence[str]) -> tuple[list[str], Path | None]:
    """Take `--trace FILE` or `--trace=FILE` out of the words of a command; raise UsageError where FILE is missing."""
    rest, file, left = [], None, iter(words)
    for word in left:
        option, given, value = word.partition("=")
        if option != "--trace":
            rest.append(word)
            continue
        file = value if given else next(left, "")
        if not file or file.startswith("-"):
            raise UsageError("--trace needs the name of a file, such as --trace latchwire.trace.")
    return rest, Path(file) if file else None


def _show(result: Any, renderer: Renderer) -> int:
    """Show what a command returned, now or after a while, and return its exit code."""
    if not isinstance(result, Awaitable | AsyncGenerator):
        return renderer.show(result)
    import asyncio  # noqa: PLC0415  it is a sixth of the time that --help takes, which has nothing to wait for

    return asyncio.run(_show_later(result, renderer))


async def _show_later(result: Awaitable[Any] | AsyncGenerator[Any, None], renderer: Renderer) -> int:
    _spare_people_what_libraries_leave_behind()
    if isinstance(result, Awaitable):
        return renderer.show(await result)
    code = 0
    async with aclosing(result) as values:  # a command that stays tidies up, whatever ends it
        async for value in values:
            code = max(code, renderer.show(value))
    return code


def _forget_output() -> None:
    """Let what was not written go, or Python would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _misunderstood(error: CycloptsError, words: Sequence[str]) -> str:
    """Return what is wrong with `words`, without any digits of theirs that could be a pin's."""
    if isinstance(error, UnusedCliTokensError):
        count = len(error.unused_tokens or ())
        return "1 word was not understood." if count == 1 else f"{count} words were not understood."
    runs = sorted(_DIGITS.findall(" ".join(words)), key=len, reverse=True)
    return re.sub("|".join(runs), "•", str(error)) if runs else str(error)


def _fail(error: Exception, renderer: Renderer) -> int:
    code = exit_code(error)
    if code is not None:
        return renderer.fail(str(error), code)
    frame = inspect.getinnerframes(error.__traceback__)[-1] if error.__traceback__ else None
    where = f" at {frame.filename}:{frame.lineno}" if frame else ""
    return renderer.fail(
        f"Internal failure: {type(error).__name__}{where}. Please report it with the command.", INTERNAL
    )


def _log_to_stderr() -> None:
    """Send logs to stderr, warnings and worse; stdout belongs to the answers."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="latchwire: %(message)s")
    for library in ("bleak", "bumble", "dbus_fast"):  # what a person needs to know of Bluetooth, an error says
        logging.getLogger(library).setLevel(logging.CRITICAL)


def _spare_people_what_libraries_leave_behind() -> None:
    """Keep failures that nobody waits for any more, such as those of a link that was given up, from being printed."""
    import asyncio  # noqa: PLC0415  as above

    def judge(loop: "asyncio.AbstractEventLoop", context: dict[str, Any]) -> None:
        if "never retrieved" in context["message"]:
            _log.debug("%s", context["message"], exc_info=context.get("exception"))
        else:
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(judge)
