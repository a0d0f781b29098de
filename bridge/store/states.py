"""The last known states of locks in the registry's database; nothing is written where nothing has changed."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from protocol.vocabulary import BoltState, Capability, DoorState

from ..errors import NotRegistered
from ..finishing import finishing
from ..states import KnownState, Renewal
from .schema import StateRow


class SqlStates:
    """A bridge.states.States over sessions that commit at their end and raise DamagedState where they fail."""

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        self._session = session

    @finishing
    async def states(self, lock_ids: Iterable[int]) -> Mapping[int, KnownState]:
        """Do as States says."""
        async with self._session() as session:
            rows = await session.scalars(select(StateRow).where(StateRow.lock_id.in_(list(lock_ids))))
            return {row.lock_id: _state(row) for row in rows}

    @finishing
    async def renew(self, lock_id: int, renewal: Renewal) -> None:
        """Do as States says."""
        try:
            async with self._session() as session:
                row = await session.get(StateRow, lock_id)
                known = _state(row) if row else KnownState()
                renewed = renewal(known)
                if row is None:
                    await session.execute(insert(StateRow).values(lock_id=lock_id, **asdict(renewed)))
                elif renewed != known:
                    change = update(StateRow).where(StateRow.lock_id == lock_id)
                    await session.execute(change.values(asdict(renewed)))
        except IntegrityError as error:  # the lock is gone, or another process has told its first state just now
            raise NotRegistered(f"What was learned of lock {lock_id} could not be kept.") from error


def _state(row: StateRow) -> KnownState:
    return KnownState(
        reached=row.reached,
        model=row.model,
        serial=row.serial,
        firmware_version=row.firmware_version,
        capabilities=Capability(row.capabilities),
        info_told=row.info_told,
        bolt=BoltState(row.bolt),
        bolt_since=row.bolt_since,
        door=DoorState(row.door),
        jammed=row.jammed,
        battery=row.battery,
        state_told=row.state_told,
    )
