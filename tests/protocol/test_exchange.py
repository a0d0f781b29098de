"""The exchange: a table without gaps, three transmissions at most, and a timer that runs exactly while it waits."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import MisuseError
from protocol.exchange import TRANSITIONS, Action, Exchange, Input, Retry, State, step

FINAL = {State.ANSWERED, State.REFUSED, State.SILENT, State.LOST}
TAKEN = {
    State.READY: {Input.SEND, Input.STRANGER, Input.LINK_LOST},
    State.WAITING: set(Input) - {Input.SEND},
}
"""What each state takes; everything else is refused."""


def outcome(*inputs: Input, transmissions: int = 3) -> State:
    exchange = Exchange(Retry(transmissions=transmissions))
    for happened in inputs:
        exchange.step(happened)
    return exchange.state


@pytest.mark.parametrize(("state", "happened"), list(product(State, Input)), ids=lambda value: value.name)
def test_every_pair_of_state_and_input_is_listed_or_refused(state: State, happened: Input) -> None:
    listed = happened in TAKEN.get(state, set())
    assert ((state, happened) in TRANSITIONS) is listed
    if listed:
        assert step(state, happened) == TRANSITIONS[state, happened]
    else:
        with pytest.raises(MisuseError, match=f"{state.name} takes no {happened.name}"):
            step(state, happened)


def test_every_state_is_reached_and_the_final_ones_are_never_left() -> None:
    assert {state for state, _ in TRANSITIONS.values()} == FINAL | {State.READY, State.WAITING}
    assert not FINAL & {state for state, _ in TRANSITIONS}


@pytest.mark.parametrize(
    ("inputs", "state"),
    [
        ((Input.SEND, Input.ANSWER), State.ANSWERED),
        ((Input.SEND, Input.TIMEOUT, Input.TIMEOUT, Input.ANSWER), State.ANSWERED),
        ((Input.SEND, Input.STRANGER, Input.STRANGER, Input.ANSWER), State.ANSWERED),
        ((Input.STRANGER, Input.SEND, Input.REFUSAL), State.REFUSED),
        ((Input.SEND, Input.TIMEOUT, Input.TIMEOUT, Input.TIMEOUT), State.SILENT),
        ((Input.SEND, Input.TIMEOUT, Input.LINK_LOST), State.LOST),
        ((Input.LINK_LOST,), State.LOST),
    ],
)
def test_an_exchange_ends_as_the_table_says(inputs: tuple[Input, ...], state: State) -> None:
    assert outcome(*inputs) is state


@pytest.mark.parametrize("transmissions", range(1, 6))
def test_the_timeout_after_the_last_transmission_ends_the_exchange(transmissions: int) -> None:
    exchange = Exchange(Retry(transmissions=transmissions))
    actions = [exchange.step(Input.SEND), *(exchange.step(Input.TIMEOUT) for _ in range(transmissions))]
    assert actions == [(Action.TRANSMIT, Action.ARM_TIMER)] * transmissions + [()]
    assert (exchange.state, exchange.transmitted, exchange.ended) == (State.SILENT, transmissions, True)


@given(st.lists(st.sampled_from(list(Input)), max_size=12), st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_whatever_happens_the_transmissions_are_bounded_and_the_timer_runs_exactly_while_it_waits(
    inputs: list[Input], transmissions: int
) -> None:
    exchange = Exchange(Retry(transmissions=transmissions))
    sent, armed = 0, False
    for happened in inputs:
        before = exchange.state
        try:
            actions = exchange.step(happened)
        except MisuseError:
            assert exchange.state is before
            continue
        sent += actions.count(Action.TRANSMIT)
        ran_out = happened in {Input.TIMEOUT, Input.EXHAUSTED}
        armed = Action.ARM_TIMER in actions or (armed and not ran_out and Action.DISARM_TIMER not in actions)
        assert armed is (exchange.state is State.WAITING)
        assert exchange.ended is (exchange.state in FINAL)
    assert exchange.transmitted == sent <= transmissions


def test_the_shipped_values_are_those_of_the_specification() -> None:
    retry = Retry()
    assert (retry.timeout, retry.growth, retry.jitter, retry.transmissions) == (0.3, 1.6, 0.25, 3)
    assert [retry.wait(attempt, 0.0, 0.0) for attempt in range(3)] == pytest.approx([0.3, 0.48, 0.768])


@given(st.floats(0.01, 2), st.floats(1, 3), st.floats(0, 1), st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_a_wait_counts_the_wire_grows_each_time_and_stays_within_its_jitter(
    timeout: float, growth: float, jitter: float, attempt: int, wire_time: float, luck: float
) -> None:
    retry = Retry(timeout=timeout, growth=growth, jitter=jitter)
    shortest = (timeout + wire_time) * growth**attempt
    assert retry.wait(attempt, wire_time, 0) == pytest.approx(shortest)
    assert retry.wait(attempt, wire_time, 1) == pytest.approx(shortest * (1 + jitter))
    assert shortest <= retry.wait(attempt, wire_time, luck) <= shortest * (1 + jitter) * (1 + 1e-9)
    assert retry.wait(attempt + 1, wire_time, luck) >= retry.wait(attempt, wire_time, luck)
