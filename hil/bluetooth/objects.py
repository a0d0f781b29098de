"""The objects that BlueZ shows on the bus, and the signals by which clients follow them."""

from collections.abc import Callable, Iterable, Mapping

from dbus_fast import Message, Variant

MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"


class Objects:
    """One interface, with its properties, at each path; each change is told at once and in its order."""

    def __init__(self, tell: Callable[[Message], object]) -> None:
        self._tell = tell
        self._shown: dict[str, tuple[str, dict[str, Variant]]] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._shown

    def has(self, path: str, interface: str) -> bool:
        """Return whether a call to this interface can be answered at this path."""
        return path in self._shown and self._shown[path][0] == interface

    def all(self) -> dict[str, dict[str, dict[str, Variant]]]:
        """Return the answer to GetManagedObjects."""
        return {path: {interface: properties} for path, (interface, properties) in self._shown.items()}

    def properties(self, path: str) -> dict[str, Variant]:
        """Return the properties at a path that exists."""
        return self._shown[path][1]

    def add(self, path: str, interface: str, properties: dict[str, Variant]) -> None:
        """Show a new object."""
        self._shown[path] = interface, properties
        self._signal("/", MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: properties}])

    def remove(self, path: str) -> None:
        """Take an object away, and before it all that are below it."""
        self.clear(path)
        self._remove(path)

    def clear(self, path: str) -> None:
        """Take all objects away that are below a path."""
        for below in sorted((at for at in self._shown if at.startswith(f"{path}/")), reverse=True):
            self._remove(below)

    def change(self, path: str, properties: Mapping[str, Variant], gone: Iterable[str] = ()) -> None:
        """Change properties of an object that exists, to other values or to the same ones: told is either."""
        interface, shown = self._shown[path]
        shown.update(properties)
        for name in gone:
            shown.pop(name, None)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, dict(properties), list(gone)])

    def _remove(self, path: str) -> None:
        interface, _ = self._shown.pop(path)
        self._signal("/", MANAGER, "InterfacesRemoved", "oas", [path, [interface]])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[object]) -> None:
        self._tell(Message.new_signal(path, interface, member, signature, body))
