"""Messages that people can read, and back: what bridge.tracing has made legible, with a name for each hidden pin."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from bridge.tracing import legible
from protocol.registry import AnyMessage
from protocol.vocabulary import PinEntry

R = TypeVar("R")
MARK = "•"
"""What the name of a hidden pin begins with; a number follows."""


class Pins:
    """Gives each pin that it sees a name, •1, •2 …, unless digits are to be shown."""

    def __init__(self, *, show: bool) -> None:
        self.show = show
        self._names: dict[str, str] = {}

    def name(self, digits: str) -> str:
        """Return what stands for digits."""
        return digits if self.show else self._names.setdefault(digits, f"{MARK}{len(self._names) + 1}")

    def fields(self, record: object) -> dict[str, Any]:
        """Return the fields of a message as JSON can hold them."""
        shown = legible(record, show_pins=self.show)
        self._name_in(record, shown)
        return shown

    def _name_in(self, record: Any, shown: dict[str, Any]) -> None:
        for each in dataclasses.fields(record):
            value = getattr(record, each.name)
            if each.name == "digits":
                shown["digits"] = self.name(value)
            elif dataclasses.is_dataclass(value):
                self._name_in(value, shown[each.name])


def read(kind: type[R], fields: Mapping[str, Any]) -> R:
    """Return the record whose legible fields these are; raise ValueError where they are none's."""
    try:
        hints = _hints(kind)
        if hints.keys() != fields.keys():
            raise ValueError("other fields")
        return kind(**{name: _read(hint, fields[name]) for name, hint in hints.items()})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not as in {kind.__name__}: {type(error).__name__}") from None


def tells_pins(message: AnyMessage) -> bool:
    """Whether a request or an answer of this kind may hold digits."""
    return any(PinEntry in _hints(kind).values() for kind in (message.request, message.response))


def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in dataclasses.fields(kind)}


def _read(hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(_read(get_args(hint)[0], each) for each in value)
    if dataclasses.is_dataclass(hint):
        return read(hint, value)  # type: ignore[arg-type]
    if hint is bytes:
        return bytes.fromhex(value)
    if issubclass(hint, enum.IntFlag):
        return hint(sum(int(word) if word.isdigit() else hint[word.upper()] for word in value.split("|")))
    if issubclass(hint, enum.Enum):
        return hint[value.upper()]
    if type(value) is not hint:
        raise ValueError(f"no {hint.__name__}")
    return value
