"""Bugs in the HTTP API of pins: what is told of them, and what is taken for them."""

from .bug import Bug

BUGS = (
    Bug(
        name="a known list listed all the same",
        file="bridge/http/pins.py",
        good="(await service.status(access.lock)).list_version == known",
        bad="(await service.list_pins(access.lock)).list_version == known",
        tests=("tests/bridge/http/test_pin_reads.py", "tests/together/test_pins_over_http.py"),
    ),
    Bug(
        name="digits told to who may only read",
        file="bridge/http/pins.py",
        good="shows_digits=access.may_write",
        bad="shows_digits=True",
        tests=("tests/bridge/http/test_pin_reads.py",),
    ),
    Bug(
        name="digits left to caches",
        file="bridge/http/pins.py",
        good='headers={"Cache-Control": "no-store"}',
        bad="headers={}",
        tests=("tests/bridge/http/test_pin_reads.py",),
    ),
    Bug(
        name="an empty answer without a type",
        file="bridge/http/envelope.py",
        good='Response(status_code=204, media_type="application/json")',
        bad="Response(status_code=204)",
        tests=("tests/bridge/http/test_pin_changes.py",),
    ),
    Bug(
        name="a day time told that clocks leave out on that day",
        file="bridge/http/times.py",
        good="if instant.date() == day and instant.astimezone(zone).time() == shown:",
        bad="if instant.date() == day:",
        tests=("tests/bridge/http/test_views.py",),
    ),
    Bug(
        name="a day time told on the date at the lock",
        file="bridge/http/times.py",
        good="for near in (-1, 0, 1)",
        bad="for near in (0,)",
        tests=("tests/bridge/http/test_views.py",),
    ),
    Bug(
        name="a window of every whole day told as none",
        file="bridge/http/times.py",
        good="None if window.weekdays == EVERY_DAY and is_daily(window) else window.weekdays",
        bad="None if window.weekdays == EVERY_DAY else window.weekdays",
        tests=("tests/bridge/http/test_views.py",),
    ),
    Bug(
        name="windows taken that say another thing than the vendor's fields",
        file="bridge/http/schemas.py",
        good="if schedule.windows and schedule.windows != windows[:1]:",
        bad="if schedule.windows and windows and schedule.windows != windows[:1]:",
        tests=("tests/bridge/http/test_bad_bodies.py",),
    ),
    Bug(
        name="a misspelt limit of a window overlooked",
        file="bridge/http/windows.py",
        good="set(value) != _NAMES",
        bad="not set(value) >= _NAMES",
        tests=("tests/bridge/http/test_bad_bodies.py",),
    ),
    Bug(
        name="a date taken that no lock can hold",
        file="bridge/http/schemas.py",
        good="instant is not None and instant <= LAST_DATE",
        bad="instant is not None",
        tests=("tests/bridge/http/test_bad_bodies.py",),
    ),
    Bug(
        name="a disabled pin enabled by writing it back",
        file="bridge/http/views.py",
        good='"enabled": entry.enabled,',
        bad='"enabled": True,',
        tests=("tests/bridge/http/test_pin_changes.py", "tests/bridge/http/test_views.py"),
    ),
    Bug(
        name="a lock asked for a pin that none can have",
        file="bridge/http/numbers.py",
        good="if number := whole_number(text, LARGEST_PIN_ID):",
        bad="if (number := whole_number(text, LARGEST_PIN_ID)) is not None:",
        tests=("tests/bridge/http/test_pin_failures.py",),
    ),
)
