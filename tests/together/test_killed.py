"""Lock, bridge and command are killed under load; tests/soak/sigkill.py does it hundreds of times."""

import pytest

from tests.together.links import luck
from tests.together.processes import WAYS, Way
from tests.together.sieges import besieged


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_acknowledged_outlives_every_kill_and_no_request_has_two_effects(way: Way) -> None:
    siege = besieged(luck(1), kills=5, way=way)
    assert siege.violations == []
    assert {"lock killed", "bridge killed", "command killed", "acknowledged", "refused", "unknown", "resolved"} <= set(
        siege.counts
    )
