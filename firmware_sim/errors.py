"""The simulator's exceptions. Each carries one sentence for people: what failed, the probable cause, what to do next.

SimError
├── FlashRuleError       the code above broke a rule of NOR flash: a bug, never the flash's fault
├── FlashImageError      the image file cannot be used
├── FlashWorn            a page no longer holds what is programmed into it
├── StoreFull            the values would not fit even after compaction; nothing has changed
├── StoreDamaged         flash holds something, but nothing intact; it was left as it is
├── StoreTooNew          flash was written in a later format; it was left as it is
├── OptionError          a command was given something that makes no sense
├── FaultPlanError       a fault plan holds something that makes no sense
├── PortError            the lock cannot be offered where it was asked for
└── ControlError         no hand at the door: nothing listens at the control socket, or it did not understand

PowerCut                 no failure but an event: power is lost in the midst of a flash operation
"""


class SimError(Exception):
    """Any failure that the simulator reports to a person; a command ends with its exit code."""

    exit_code = 1


class FlashRuleError(SimError):
    """The code above broke a rule of NOR flash."""


class FlashImageError(SimError):
    """The image file cannot be used."""


class FlashWorn(SimError):
    """A page no longer holds what is programmed into it: worn out, or bad from the start."""


class StoreFull(SimError):
    """The values would not fit even after compaction; nothing has changed."""


class StoreDamaged(SimError):
    """Flash holds something, but nothing intact; it was left as it is."""


class StoreTooNew(SimError):
    """Flash was written in a later format; it was left as it is."""


class OptionError(SimError):
    """A command was given something that makes no sense."""

    exit_code = 2


class FaultPlanError(SimError):
    """A fault plan cannot be read, or holds something that makes no sense."""

    exit_code = 2


class PortError(SimError):
    """The lock cannot be offered where it was asked for."""

    exit_code = 3


class ControlError(SimError):
    """Nothing listens at the control socket, or it did not understand."""

    exit_code = 3


class PowerCut(Exception):
    """Power is lost in the midst of a flash operation: RAM is gone, and whoever drives the lock starts it anew."""
