"""The selection stays with its row while others come and go."""

import random

from console.widgets.rows import ListedRows, Selection

HEIGHT = 5


def rows(*keys: int) -> ListedRows[int]:
    return ListedRows(keys, lambda key: key)


def test_the_selected_row_keeps_its_line_when_others_come_in_above() -> None:
    selection = Selection()
    before = rows(*range(20, 0, -1))
    selection.settle(before, HEIGHT)
    selection.go(before, 7, HEIGHT)
    line = selection.index - selection.top
    selection.settle(rows(*range(30, 0, -1)), HEIGHT)
    assert selection.key == 13
    assert selection.index == 17
    assert selection.index - selection.top == line


def test_on_top_of_a_list_that_follows_the_newest_row_is_selected() -> None:
    selection = Selection(follows=True)
    selection.settle(rows(3, 2, 1), HEIGHT)
    selection.settle(rows(5, 4, 3, 2, 1), HEIGHT)
    assert (selection.key, selection.top) == (5, 0)
    assert selection.following


def test_away_from_the_top_a_list_holds_still() -> None:
    selection = Selection(follows=True)
    selection.settle(rows(3, 2, 1), HEIGHT)
    selection.go(rows(3, 2, 1), 1, HEIGHT)
    selection.settle(rows(*range(40, 0, -1)), HEIGHT)
    assert selection.key == 2
    assert not selection.following


def test_when_the_selected_row_goes_its_place_is_selected() -> None:
    selection = Selection()
    selection.settle(rows(1, 2, 3), HEIGHT)
    selection.go(rows(1, 2, 3), 2, HEIGHT)
    selection.settle(rows(1, 2), HEIGHT)
    assert selection.key == 2


def test_the_selected_row_is_always_in_view_whatever_happens() -> None:
    chance = random.Random(3)
    selection = Selection(follows=True)
    for _ in range(2_000):
        now = rows(*sorted(chance.sample(range(100), chance.randint(0, 40)), reverse=True))
        height = chance.randint(1, 12)
        selection.settle(now, height)
        selection.go(now, selection.index + chance.randint(-9, 9), height)
        if len(now):
            assert selection.key == now.key(selection.index)
            assert 0 <= selection.top <= selection.index < selection.top + height
            assert selection.top <= max(0, len(now) - height)
