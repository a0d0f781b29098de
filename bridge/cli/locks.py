"""The `lock` commands: the registry of locks."""

from dataclasses import dataclass

from cyclopts import App

from bridge.records import LockRecord

from .asking import confirm
from .context import listed, service

app = App(name="lock", help="The locks that this bridge knows.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockView:
    """One lock of the registry."""

    id: int
    name: str
    target: str
    state: str
    zone: str
    lock: str

    def __str__(self) -> str:
        return f"{self.id} {self.name}: {self.state}, at {self.target}, zone {self.zone}, lock {self.lock}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRemoved:
    """A lock that the registry does not know any more."""

    id: int
    name: str

    def __str__(self) -> str:
        return f"The lock {self.id} {self.name} is removed. Its number is never given again."


def view(record: LockRecord) -> LockView:
    """Return a lock as people and programs see it; `lock` is its own number as the label's reader writes it."""
    return LockView(
        id=record.id,
        name=record.name,
        target=record.target,
        state=record.state.value,
        zone=record.zone,
        lock=f"{record.wire_id:08X}",
    )


@app.command(name="list")
async def list_locks() -> tuple[LockView, ...]:
    """List all locks."""
    async with service("lock list") as bridge:
        none = "No lock is known here yet. `latchwire scan` finds locks, `latchwire pair` makes one known."
        return listed(tuple(view(record) for record in await bridge.locks()), none)


@app.command
async def show(lock: str, /) -> LockView:
    """Show what is known of LOCK without asking it.

    Parameters
    ----------
    lock
        The lock's name or number.
    """
    async with service("lock show") as bridge:
        return view(await bridge.find_lock(lock))


@app.command
async def rename(lock: str, name: str, /) -> LockView:
    """Call LOCK by another NAME from now on; its number stays.

    Parameters
    ----------
    lock
        The lock's name or number.
    name
        The new name: printable, no number, and no other lock's.
    """
    async with service("lock rename") as bridge:
        return view(await bridge.rename_lock(await bridge.find_lock(lock), name))


@app.command
async def remove(lock: str, /, *, yes: bool = False, force: bool = False) -> LockRemoved:
    """Forget LOCK and which tokens may use it. The lock is not asked; its pins stay in it.

    Parameters
    ----------
    lock
        The lock's name or number.
    yes
        Do not ask for confirmation.
    force
        Remove a lock that is still paired, because it is gone: one that is there keeps a place for this bridge.
    """
    async with service("lock remove") as bridge:
        record = await bridge.find_lock(lock)
        if not yes:
            confirm(f"The lock {record.name} and its tokens' rights to it will be forgotten.")
        await bridge.remove_lock(record, even_paired=force)
    return LockRemoved(id=record.id, name=record.name)
