"""The errors with which BlueZ answers, in its own words, for clients know them by these."""

ATT_UNLIKELY = 0x0E
"""What becomes of an operation that was pending when the link ended."""

_ATT_NAMES = {0x0D: "Invalid Attribute Value Length", ATT_UNLIKELY: "Unlikely Error"}


class Refusal(Exception):
    """A call that is answered with a D-Bus error."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


def failed(text: str) -> Refusal:
    """Return BlueZ's error for everything that has none of its own."""
    return Refusal("org.bluez.Error.Failed", text)


def att_error(code: int) -> Refusal:
    """Return what a client reads that the peripheral, or the end of the link, refused with an ATT error."""
    return failed(f"Operation failed with ATT error: 0x{code:02x} ({_ATT_NAMES.get(code, 'Application Error')})")


def aborted() -> Refusal:
    """Return the error of a connection that did not come about, or that was called off."""
    return failed("le-connection-abort-by-local")


def not_connected() -> Refusal:
    """Return the error of an operation on a link that is not there."""
    return failed("Not connected")


def not_ready() -> Refusal:
    """Return the error of an adapter without power."""
    return Refusal("org.bluez.Error.NotReady", "Resource Not Ready")


def in_progress(text: str = "In Progress") -> Refusal:
    """Return the error of an operation that is under way already."""
    return Refusal("org.bluez.Error.InProgress", text)


def already_connected() -> Refusal:
    """Return the error of a second connection."""
    return Refusal("org.bluez.Error.AlreadyConnected", "Already Connected")


def nothing_to_disconnect() -> Refusal:
    """Return the error of a disconnection without a connection."""
    return Refusal("org.bluez.Error.NotConnected", "Not Connected")


def unsupported() -> Refusal:
    """Return the error of what a characteristic has no property for."""
    return Refusal("org.bluez.Error.NotSupported", "Operation is not supported")


def nowhere(path: str) -> Refusal:
    """Return the error of a call to an object, or an interface of one, that does not exist."""
    return Refusal("org.freedesktop.DBus.Error.UnknownObject", f"There is no such object or interface at {path}")


def unknown_method(name: str) -> Refusal:
    """Return the error of a call that BlueZ does not have, or that this stand-in does without."""
    return Refusal("org.freedesktop.DBus.Error.UnknownMethod", f"There is no method {name}")
