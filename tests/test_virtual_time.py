"""The loop of virtual time keeps its promises: it jumps, it knows a deadlock, and a year is no trap for its floats."""

import asyncio
import selectors

import pytest

from protocol.vocabulary import Denial, PinEntry, Schedule
from tests.together.door import EPOCH, open_door
from tests.together.links import luck
from tests.virtual_time import Deadlock, run, virtual_loop

YEAR = 365 * 24 * 3600


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Every wait of a loop; too many fail, where a loop would go round for ever without time passing."""
    seen: list[float | None] = []
    select = selectors.SelectSelector.select

    def counted(self: selectors.SelectSelector, timeout: float | None = None) -> list[object]:
        seen.append(timeout)
        assert len(seen) < 20_000, "the loop goes round and time stands still"
        return list(select(self, timeout))

    monkeypatch.setattr(selectors.SelectSelector, "select", counted)
    return seen


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("years", [0, 1, 9])
def test_timers_of_any_length_end_however_long_the_loop_has_run(years: int) -> None:
    async def main() -> None:
        chance = luck(1)
        await asyncio.sleep(years * YEAR)
        for _ in range(2000):
            seconds = chance.choice([1e-3, 0.1, 0.3, 60, chance.random()])
            before = virtual_loop().time()
            await asyncio.sleep(seconds)
            assert virtual_loop().time() - before == pytest.approx(seconds, abs=1e-5)

    run(main())


@pytest.mark.usefixtures("waits")
def test_a_pin_of_one_year_opens_for_one_year() -> None:
    async def main() -> None:
        door = await open_door()
        client = door.client()
        end = EPOCH + YEAR
        await client.create_pin(PinEntry(digits="97531", alias="year", schedule=Schedule(valid_until=end)))
        await client.close()
        await asyncio.sleep(end - door.now() - 1)
        assert door.simulator.enter("97531").granted
        await asyncio.sleep(2)
        assert door.simulator.enter("97531").denial is Denial.EXPIRED
        door.simulator.stop()

    run(main())


def test_a_wait_that_nothing_ends_is_a_deadlock() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(main())
