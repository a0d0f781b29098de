"""The `lock` commands: the registry of locks."""

from dataclasses import dataclass

from cyclopts import App

from bridge.records import LockRecord

from .context import service

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
        return tuple(view(record) for record in await bridge.locks())
