"""The table of answers: nothing an operator can ask is without one."""

from typing import Any, get_args, get_type_hints

import pytest

from gateway.operations import Operation
from gateway.operator import ANSWERS


def test_every_operation_there_is_has_an_answer() -> None:
    assert set(Operation.__subclasses__()) == set(ANSWERS)


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_each_answer_takes_its_own_operation_and_gives_what_that_promises(kind: type[Operation[Any]]) -> None:
    hints = get_type_hints(ANSWERS[kind])
    [promised] = get_args(vars(kind)["__orig_bases__"][0])
    taken = [hint for name, hint in hints.items() if name not in ("desk", "return")]
    assert taken == [kind]
    assert hints["return"] == promised
