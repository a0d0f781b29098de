"""The `unpair` command: be forgotten by a lock."""

from dataclasses import dataclass

from .asking import confirm
from .context import service


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedView:
    """A lock that is not paired any more; `acknowledged` says whether the lock itself has said so."""

    id: int
    name: str
    state: str
    acknowledged: bool
    asked: bool

    def __str__(self) -> str:
        if self.acknowledged:
            return f"The lock {self.name} has forgotten this bridge. Its pins stay in it."
        if self.asked:
            return (
                f"The lock {self.name} refuses this bridge, as one does that has forgotten it: it counts as unpaired. "
                "(Nobody can prove a refusal; were it forged, the lock would still know the bridge.)"
            )
        return f"The lock {self.name} counts as unpaired here. It was not asked, and may still know this bridge."


async def unpair(lock: str, /, *, yes: bool = False, forget: bool = False) -> UnpairedView:
    """Have LOCK, a name or a number, forget this bridge. Its pins stay in it, and its name stays in the registry.

    Cut off half-way, the same command finishes what was begun.

    Parameters
    ----------
    lock
        The lock's name or number.
    yes
        Do not ask for confirmation.
    forget
        Do not ask the lock, which is gone: only mark it as unpaired here.
    """
    async with service("unpair") as bridge:
        record = await bridge.find_lock(lock)
        if not yes:
            confirm(f"This bridge will not reach the lock {record.name} any more.")
        done = await bridge.unpair(record, forget=forget)
    return UnpairedView(
        id=done.lock.id,
        name=done.lock.name,
        state=done.lock.state.value,
        acknowledged=done.acknowledged,
        asked=not forget,
    )
