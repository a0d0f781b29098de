"""How bench and lock come to know each other: does anything answer, is the kept key still known, or pair anew."""

import secrets

from bridge.errors import LinkLost
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import HelloFlag, Mode

from ..bench.keys import KEY_SIZE, KeptKey
from ..bench.operator import Operator
from ..errors import BenchFault, Nonconformant
from ..hands import Hand
from ..station import Peer, Station


async def meet(station: Station, title: str, kept: KeptKey | None, operator: Operator | None) -> None:
    """Let the lock know the station's peer, and keep its key; raise BenchFault where nothing answers at all."""
    if kept:
        station.peer = kept.load() or Peer(private=secrets.token_bytes(KEY_SIZE))  # a seed repeats no key that is kept
        station.keep = kept.keep
    await _find(station, title)
    if not (station.peer.lock_key and await is_known(station)):
        await pair_anew(station, title, operator)


async def is_known(station: Station) -> bool:
    """Return whether the lock still opens a session with the station's peer."""
    try:
        session = await station.open()
        await session.told(PingRequest(payload=b""), PingResponse)
    except (Nonconformant, LinkLost):
        return False
    finally:
        await station.close()
    return True


async def pair_anew(station: Station, title: str, operator: Operator | None) -> None:
    """Pair, by the hand at the button or by the operator's; raise BenchFault where there is neither."""
    if Hand.BUTTON in station.hands.able:
        await station.make_known()
    elif await _window_is_open(station):
        await station.become_known()
    elif operator:
        await operator.ask(f"Hold the button of the lock {title} for {station.window_hold:g} s")
        await station.become_known()
    else:
        raise BenchFault(
            f"The lock {title} does not know this bench, which has no hand for its button, and its pairing window is "
            "closed. Hold the button just before the run, give --lock-operator and hold it when you are asked, or name "
            "a hand for the button in a bench file."
        )


async def _window_is_open(station: Station) -> bool:
    try:
        greeting = await station.greet(await station.connect(), Mode.PAIR)
    finally:
        await station.close()
    return HelloFlag.PAIRING_OPEN in greeting.lock.flags


async def _find(station: Station, title: str) -> None:
    """See that something answers a hello there; what it answers is the suite's concern, not the bench's."""
    line = await station.connect()
    hello = station.hello(Mode.SESSION)
    try:
        await line.send(hello)
        answer = await line.hear()
    except (Nonconformant, LinkLost) as error:
        raise BenchFault(f"No lock speaks at {title}: {error} Are port and speed right, and is it a lock?") from None
    finally:
        await station.close()
    if answer is None:
        raise BenchFault(
            f"Nothing answers at {title} within {station.patience.answer:g} s. Has the lock power? Is it the right "
            "port, at the right speed, and are both wires connected?"
        )
