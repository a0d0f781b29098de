"""Layouts of the records that several messages carry (SPEC 5)."""

from ..fields import U8, U16, U32, Ascii, Bool, Choice, Flags, Many, Record, Utf8
from ..vocabulary import (
    AuditEvent,
    AuditRecord,
    Cause,
    ClockState,
    PinEntry,
    PinSummary,
    Schedule,
    Weekdays,
    Window,
)

WINDOW = Record(Window, "weekdays" / Flags(U8, Weekdays), "start" / U16, "end" / U16)

SCHEDULE = Record(Schedule, "valid_from" / U32, "valid_until" / U32, "windows" / Many(WINDOW))

PIN_ENTRY = Record(
    PinEntry,
    "digits" / Ascii,
    "alias" / Utf8,
    "enabled" / Bool(),
    "schedule" / SCHEDULE,
)

PIN_SUMMARY = Record(
    PinSummary,
    "id" / U16,
    "alias" / Utf8,
    "enabled" / Bool(),
    "schedule" / SCHEDULE,
)

AUDIT_RECORD = Record(
    AuditRecord,
    "sequence" / U32,
    "time" / U32,
    "clock" / Choice(ClockState),
    "event" / Choice(AuditEvent),
    "cause" / Choice(Cause),
    "detail" / U8,
    "pin_id" / U16,
    "peer_id" / U32,
)
