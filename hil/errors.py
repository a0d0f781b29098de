"""The exceptions of the tools in which bridge and simulated lock meet: each carries one sentence for people.

HilError
├── BenchError      the Bluetooth bench cannot be set up on this machine
├── BenchFault      what a suite stands on has failed, and says nothing of the firmware
│   ├── NotReached  the target is not where it should be
│   └── NoRoom      the lock has no room for a peer, and others may have it
└── Nonconformant   the lock has done what it must not, or not done what it must (an AssertionError)
"""


class HilError(Exception):
    """The root."""

    exit_code = 3


class BenchError(HilError):
    """The Bluetooth bench cannot be set up on this machine."""


class BenchFault(HilError):
    """Cable, power, label, hands or file: something of the bench is not as it must be."""

    exit_code = 2


class NotReached(BenchFault):
    """There is no lock where the target says."""

    exit_code = 3


class NoRoom(BenchFault):
    """The lock has no room for a peer, and the bench does not know whose those are that it keeps."""


class Nonconformant(HilError, AssertionError):
    """The firmware breaks a requirement."""

    exit_code = 1
