"""The filtered list of exchanges, against a list that is made anew each time."""

import random

from console.state import ConsoleState, ExchangeIndex
from data.records import DONE, FAILED, RUNNING, ExchangeRecord
from gateway.events import ExchangeEnded, ExchangeStarted
from tests.console.scripted import Clock, exchange


def failed(record: ExchangeRecord) -> bool:
    return record.state == FAILED


def ids(index: ExchangeIndex) -> list[int]:
    return [index.at(place).id for place in range(len(index))]


def test_an_index_kept_up_by_changes_equals_one_made_anew() -> None:
    state = ConsoleState(Clock(1))
    index = ExchangeIndex(state)
    index.narrow(failed)
    chance = random.Random(7)
    for id_ in range(1, 300):
        ended = exchange(chance.randint(1, id_), state=chance.choice([DONE, FAILED]))
        changes = state.fold([ExchangeStarted(exchange(id_, state=RUNNING)), ExchangeEnded(ended)])
        index.update(changes.exchanges)
        expected = [other for other in reversed(state.order) if failed(state.rows[other])]
        assert ids(index) == expected


def test_a_held_list_lets_no_newcomer_in_but_shows_changes() -> None:
    state = ConsoleState(Clock(1))
    index = ExchangeIndex(state)
    index.update(state.fold([ExchangeStarted(exchange(1, state=RUNNING))]).exchanges)
    index.hold(True)
    index.update(state.fold([ExchangeEnded(exchange(1)), ExchangeStarted(exchange(2, state=RUNNING))]).exchanges)
    assert ids(index) == [1]
    assert index.at(0).state == DONE
    index.hold(False)
    assert ids(index) == [2, 1]


def test_every_exchange_is_found_at_the_place_it_is_shown() -> None:
    state = ConsoleState(Clock(1))
    index = ExchangeIndex(state)
    index.update(state.fold([ExchangeStarted(exchange(id_)) for id_ in (3, 5, 9)]).exchanges)
    assert [index.find(id_) for id_ in (9, 5, 3, 4)] == [0, 1, 2, None]
    assert index.newer_than(3) == 2
