"""Rows as a grid sees them, and the selection that stays with its row while others come and go. No Textual in it."""

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class Rows(Protocol[Row_co]):
    """Rows in the order shown, each with a key that stays the same however it changes."""

    def __len__(self) -> int: ...

    def at(self, index: int) -> Row_co:
        """The row at a place."""
        ...

    def key(self, index: int) -> Hashable:
        """The key of the row at a place."""
        ...

    def find(self, key: Hashable) -> int | None:
        """Where the row of a key is now."""
        ...


class ListedRows(Generic[Row]):
    """Rows of an ordinary list."""

    def __init__(self, rows: Iterable[Row], key_of: Callable[[Row], Hashable]) -> None:
        self._rows = list(rows)
        self._keys = [key_of(row) for row in self._rows]
        self._places = {key: index for index, key in enumerate(self._keys)}

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, index: int) -> Row:
        """The row at a place."""
        return self._rows[index]

    def key(self, index: int) -> Hashable:
        """The key of the row at a place."""
        return self._keys[index]

    def find(self, key: Hashable) -> int | None:
        """Where the row of a key is now."""
        return self._places.get(key)


class Selection:
    """The selected row and the first visible one, both held by key.

    With `follows`, row 0 selected means: stay on top whatever comes in. Anywhere else the view holds still.
    """

    def __init__(self, follows: bool = False) -> None:
        self.follows = follows
        self.index = 0
        self.top = 0
        self.key: Hashable | None = None

    @property
    def following(self) -> bool:
        """Whether new rows at the top are being shown as they come."""
        return self.follows and self.index == 0 and self.top == 0

    def settle(self, rows: "Rows[object]", height: int) -> None:
        """After the rows changed: find the selected one again and keep it on its line of the screen."""
        screen_line = self.index - self.top
        if not (self.following or self.key is None):
            found = rows.find(self.key)
            self.index = self.index if found is None else found
            self.top = self.index - screen_line
        self._keep(rows, height)

    def go(self, rows: "Rows[object]", index: int, height: int) -> None:
        """Select the row at a place and scroll as little as needed to show it."""
        self.index = max(0, min(index, len(rows) - 1))
        self.top = max(self.index - height + 1, min(self.top, self.index))
        self._keep(rows, height)

    def _keep(self, rows: "Rows[object]", height: int) -> None:
        self.index = max(0, min(self.index, len(rows) - 1))
        lowest = max(0, len(rows) - height)
        self.top = max(0, min(self.top, lowest, self.index))
        self.top = max(self.top, self.index - height + 1)
        self.key = rows.key(self.index) if len(rows) else None
