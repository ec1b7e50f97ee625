"""What the console remembers of its gateway."""

from console.exchanges import outcome, reason_instead
from console.state import CAPACITY, TRIMMED_AT_ONCE, ConsoleState, ExchangeIndex
from data.records import DONE, FAILED, RUNNING, ExchangeRecord
from gateway.events import ExchangeEnded, ExchangeProgressed, ExchangeStarted, Noted, TextPassed
from tests.console.scripted import Clock, exchange, key, status


def running(id_: int, **fields: object) -> ExchangeRecord:
    return exchange(id_, **{"state": RUNNING, "output_tokens": 0, "duration_us": None, "cost_micros": None, **fields})


def progressed(id_: int, tokens: int) -> ExchangeProgressed:
    return ExchangeProgressed(id_, "openai", "gpt-5.1", "default", 400_000, tokens, None)


def test_a_request_is_running_from_its_start_to_its_end() -> None:
    state = ConsoleState(Clock(10))
    state.fold([ExchangeStarted(running(1)), progressed(1, 12)])
    assert state.running == {1}
    assert state.rows[1].output_tokens == 12
    state.fold([ExchangeEnded(exchange(1))])
    assert not state.running
    assert state.rows[1].state == DONE


def test_progress_that_comes_after_the_end_changes_nothing() -> None:
    state = ConsoleState(Clock(10))
    state.fold([ExchangeEnded(exchange(1, output_tokens=310)), progressed(1, 300)])
    assert state.rows[1].output_tokens == 310


def test_a_task_shows_how_far_it_has_come_instead_of_figures() -> None:
    state = ConsoleState(Clock(10))
    news = ExchangeProgressed(1, "ark", "film", "default", None, 0, None, "making the video, 40 %")
    state.fold([ExchangeStarted(running(1)), news])
    told = reason_instead(state.rows[1])
    assert told is not None
    assert told.cell == ("making the video, 40 %", "accent")
    assert outcome(state.rows[1]) == "making the video, 40 %"


def test_what_is_on_record_does_not_overwrite_newer_news() -> None:
    state = ConsoleState(Clock(10))
    state.fold([ExchangeEnded(exchange(2))])
    state.take_exchanges([running(2), exchange(1)])
    assert state.rows[2].state == DONE
    assert state.order == [1, 2]


def test_rates_count_the_last_full_seconds_only() -> None:
    clock = Clock(100)
    state = ConsoleState(clock)
    for second in range(5):
        clock.at = 100 + second
        state.fold([ExchangeStarted(running(second * 2 + n)) for n in range(2)])
        state.fold([progressed(second * 2, 50)])
    clock.at = 105
    rates = state.rates(over=5)
    assert rates.requests_per_second == 2
    assert rates.tokens_per_second == 50
    assert rates.requests[-5:] == (2, 2, 2, 2, 2)


def test_the_error_share_is_of_requests_that_ended_within_a_minute() -> None:
    clock = Clock(100)
    state = ConsoleState(clock)
    state.fold([ExchangeEnded(exchange(1, state=FAILED)), ExchangeEnded(exchange(2))])
    assert state.rates().error_share == 0.5
    clock.at = 161
    assert state.rates().error_share == 0


def test_money_settled_since_the_last_status_is_added_to_it() -> None:
    state = ConsoleState(Clock(1))
    state.take_status(status(today_cost_micros=1_000))
    state.fold([ExchangeEnded(exchange(1, cost_micros=30)), ExchangeEnded(exchange(2, cost_micros=None))])
    assert state.today_micros == 1_030
    state.take_status(status(today_cost_micros=1_030))
    assert state.today_micros == 1_030


def test_old_exchanges_are_forgotten_so_that_memory_is_bounded() -> None:
    state = ConsoleState(Clock(1))
    index = ExchangeIndex(state)
    many = CAPACITY + TRIMMED_AT_ONCE + 1
    changes = state.fold([ExchangeEnded(exchange(id_)) for id_ in range(1, many + 1)])
    index.update(changes.exchanges)
    assert len(state.rows) == len(state.order) == len(index) == CAPACITY
    assert index.at(0).id == many


def test_only_tapped_text_is_kept_until_a_screen_takes_it() -> None:
    state = ConsoleState(Clock(1))
    pieces = state.tap(7)
    changes = state.fold([TextPassed(7, "text", "Hel"), TextPassed(8, "text", "no"), TextPassed(7, "text", "lo")])
    assert "".join(piece.text for piece in pieces) == "Hello"
    assert changes.passed == {7}


def test_warnings_and_errors_wait_to_be_seen_but_information_does_not() -> None:
    state = ConsoleState(Clock(1))
    state.fold([Noted(1, "info", "key_created", "key mobile"), Noted(2, "error", "export", "cannot write")])
    assert state.unseen_problems == 1
    assert [event.code for event in state.events] == ["export", "key_created"]


def test_alerts_about_money_are_counted_for_themselves_whatever_their_level() -> None:
    state = ConsoleState(Clock(1))
    state.fold([Noted(1, "info", "budget_50", "key batch"), Noted(2, "warning", "upstream_auth", "openai")])
    assert (state.unseen_alerts, state.unseen_problems) == (2, 0)


def test_a_key_that_is_not_known_is_named_by_its_number() -> None:
    state = ConsoleState(Clock(1))
    state.take_keys([key(1, "web-prod")])
    assert state.key_name(exchange(1, key_id=1)) == "web-prod"
    assert state.key_name(exchange(1, key_id=9)) == "key 9"
    assert state.key_name(exchange(1, key_id=None)) == "-"
