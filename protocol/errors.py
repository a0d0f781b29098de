"""The protocol's exceptions; damage on the wire is not one of them (it is a value, see framing.py).

ProtocolError
├── MisuseError(ValueError)     our own caller built a message that the wire cannot carry
└── PeerError                   what the peer sent
    ├── MalformedError          bytes that are no message of this protocol
    └── AuthenticationError     a handshake or a sealed frame that does not authenticate
"""


class ProtocolError(Exception):
    """Any failure that this package reports."""


class MisuseError(ProtocolError, ValueError):
    """Our own caller asked for something that the protocol cannot express."""


class PeerError(ProtocolError):
    """The peer sent something that cannot be used."""


class MalformedError(PeerError):
    """Bytes that are no message of this protocol: too short, too long, an unknown value."""


class AuthenticationError(PeerError):
    """A handshake message or a sealed frame that does not authenticate; it never says why."""
