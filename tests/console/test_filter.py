"""The filter language of the lists."""

import pytest

from console.exchanges import vocabulary
from console.filter import FilterError, compile_filter
from console.state import ConsoleState
from data.records import CUT, FAILED, RUNNING, ExchangeRecord
from tests.console.scripted import NOW, Clock, exchange, key


@pytest.fixture
def state() -> ConsoleState:
    state = ConsoleState(Clock(1))
    state.take_keys([key(1, "web-prod"), key(2, "batch")])
    return state


ROWS = [
    exchange(1, key_id=1, model_served="claude-opus-4.5", first_token_us=2_400_000, cost_micros=71_300),
    exchange(2, key_id=2, state=FAILED, http_status=429, error_message="rate limited upstream", cost_micros=0),
    exchange(3, key_id=1, state=RUNNING, first_token_us=None, duration_us=None, model_served=""),
    exchange(4, key_id=2, state=CUT, input_tokens=8_000, attempts=2),
    exchange(5, key_id=1, attempts=2),
]


def found(text: str, state: ConsoleState) -> list[int]:
    passes = compile_filter(text, vocabulary(state, lambda: int(NOW * 1_000_000)))
    return [row.id for row in ROWS if passes is None or passes(row)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("model:claude", [1]),
        ('model:"claude"', []),
        ('model:"claude-opus-4.5"', [1]),
        ("model:*opus*", [1]),
        ("model:claude*,gpt*", [1, 2, 3, 4, 5]),
        ("key:WEB-PROD", [1, 3, 5]),
        ("-key:web-prod", [2, 4]),
        ("code:4xx", [2]),
        ("code:200", [1, 3, 4, 5]),
        ("state:err,cut", [2, 4]),
        ("state:wait", [3]),
        ("state:retry", [5]),
        ("ttft>2s", [1]),
        ("ttft<500ms", [2, 4, 5]),
        ("cost>0.01", [1]),
        ("in>=8k", [4]),
        ("model~^claude", [1]),
        ('"rate limited"', [2]),
        ("key:batch state:err", [2]),
        ("key:batch | model:claude*", [1, 2, 4]),
        ("@problems", [2, 4]),
        ("-@problems", [1, 3, 5]),
        ("req_4", [4]),
        ("model:", [1, 2, 3, 4, 5]),
    ],
)
def test_a_filter_finds_exactly_the_rows_it_describes(text: str, ids: list[int], state: ConsoleState) -> None:
    assert found(text, state) == ids


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("modle:gpt", 'unknown field "modle"  did you mean model?'),
        ("ttft>soon", "'soon' is not a quantity"),
        ("model~(", "is not a regular expression"),
        ("@errrors", 'unknown filter "errrors"  did you mean errors?'),
    ],
)
def test_a_wrong_filter_says_what_is_wrong_and_what_was_meant(text: str, complaint: str, state: ConsoleState) -> None:
    with pytest.raises(FilterError, match="^.*" + complaint.replace("?", r"\?")):
        found(text, state)


def test_a_field_without_a_value_never_equals_anything(state: ConsoleState) -> None:
    row: ExchangeRecord = exchange(9, first_token_us=None)
    passes = compile_filter("ttft<1h", vocabulary(state, lambda: 0))
    assert passes is not None
    assert not passes(row)
