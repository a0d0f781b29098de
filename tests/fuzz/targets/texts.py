"""What people and zone files write: labels and POSIX TZ rules."""

from contextlib import suppress

from protocol.errors import MalformedError
from protocol.label import format_label, parse_label
from protocol.posix_tz import parse_tz

EPOCHS = (0, 951_782_400, 1_785_542_400, 0xFFFFFFFF)
A_WEEK = 7 * 86_400


def fuzz(data: bytes) -> None:
    """Take the bytes as a label and as a rule."""
    text = data.decode("utf-8", "replace")
    with suppress(MalformedError):
        secret = parse_label(text)
        assert parse_label(format_label(secret)) == secret
    with suppress(MalformedError):
        rule = parse_tz(text)
        assert all(abs(rule.offset_at(epoch)) <= A_WEEK for epoch in EPOCHS)


def seeds() -> list[bytes]:
    """Return labels in several spellings, and rules of every form."""
    label = format_label(bytes(range(16)))
    rules = (
        "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "IST-2IDT,M3.4.4/26,M10.5.0", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "EST5EDT,0/0,J365/25", "AAA3BBB,J60,300",
    )  # fmt: skip
    return [text.encode() for text in (label, label.lower().replace("-", " "), *rules)]
