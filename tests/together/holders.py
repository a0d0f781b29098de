"""A server that holds the lock `front`, as it does for some seconds after each request."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tests.conftest import NO_TLS
from tests.together.processes import Place, Staying


@contextmanager
def held(bench: Place) -> Iterator[Staying]:
    """Run a server that has just stored a pin in the lock."""
    with bench.staying("serve", "--port", "0") as serving:
        answer = httpx2.post(
            f"{serving.ready['url']}/api/v1/my/lock/123/pin",
            json={"alias": "held", "pin": "13579"},
            headers={"Authorization": f"Bearer {bench.token()}"},
            timeout=20,
            verify=NO_TLS,
        )
        assert answer.status_code == 201, answer.text
        yield serving


def names_its_holder(sentence: str, serving: Staying) -> bool:
    """Say whether a sentence tells who has the lock."""
    return f"The lock front is in use by `latchwire serve` (process {serving.process.pid})" in sentence
