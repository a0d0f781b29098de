"""What the lock says that it can do: what its owner declares, and what it does (SPEC 7.1); no requirement's own."""

from hil.running.facts import Facts
from hil.running.probing import lies, mismatches
from hil.station import Session


async def test_the_lock_tells_the_capabilities_that_are_declared(lock_facts: Facts) -> None:
    assert mismatches(lock_facts) == []


async def test_the_lock_has_the_capabilities_that_it_tells_and_no_others(session: Session, lock_facts: Facts) -> None:
    assert await lies(session, lock_facts.told) == []
