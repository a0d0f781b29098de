"""How each failure ends a command: one table, from exception to exit code; other people's scripts rely on it."""

from collections.abc import Mapping

from bridge import errors

OK = 0
INTERNAL = 1
USAGE = 2
NOT_FOUND = 3
REFUSED = 4
AUTHENTICATION = 5
UNKNOWN_OUTCOME = 6
READ_BACK_DIFFERS = 7
INTERRUPTED = 130

BY_ERROR: Mapping[type[errors.BridgeError], int] = {
    errors.BridgeError: INTERNAL,
    errors.UsageError: USAGE,
    errors.RuleBroken: USAGE,
    errors.KeyReused: USAGE,
    errors.NotRegistered: NOT_FOUND,
    errors.AlreadyRegistered: USAGE,
    errors.UnsafeState: AUTHENTICATION,
    errors.DamagedState: INTERNAL,
    errors.NotPaired: AUTHENTICATION,
    errors.PairingRefused: AUTHENTICATION,
    errors.VersionMismatch: AUTHENTICATION,
    errors.ZoneChanged: REFUSED,
    errors.Refused: REFUSED,
    errors.LockHeld: NOT_FOUND,
    errors.LockBusy: REFUSED,
    errors.Unreachable: NOT_FOUND,
    errors.LinkLost: UNKNOWN_OUTCOME,
    errors.AckTimeout: UNKNOWN_OUTCOME,
    errors.OutcomeLost: UNKNOWN_OUTCOME,
    errors.BoltUnknown: UNKNOWN_OUTCOME,
}


def exit_code(error: Exception) -> int | None:
    """Return the exit code of a failure that is meant for people, None for one that nobody expected.

    Command groups from elsewhere say it themselves, by an attribute `exit_code` of their exceptions.
    """
    for kind in type(error).__mro__:
        if kind in BY_ERROR:
            return BY_ERROR[kind]
    code = getattr(error, "exit_code", None)
    return code if isinstance(code, int) else None
