"""Arguments of a call that arrive in pieces, each with the place where it belongs."""

import re
from itertools import pairwise

from gateway.canonical import JSON
from gateway.protocols.reading import dicts

LONGEST_LIST = 10_000

_STEPS = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class Fragments:
    """Puts a call's arguments together."""

    def __init__(self) -> None:
        self.args: JSON = {}

    def add(self, pieces: object) -> None:
        for piece in dicts(pieces):
            path = piece.get("jsonPath")
            steps = [int(step[1]) if step[1] else step[0] or step[2] or step[3] for step in _STEPS.findall(str(path))]
            if steps and isinstance(steps[0], str):
                self._put(steps, _value(piece))

    def _put(self, steps: list[int | str], value: object) -> None:
        place: object = self.args
        for step, after in pairwise(steps):
            inner = _get(place, step)
            if not isinstance(inner, dict | list):
                inner = [] if isinstance(after, int) else {}
                _set(place, step, inner)
            place = inner
        before = _get(place, steps[-1])
        runs_on = isinstance(before, str) and isinstance(value, str)
        _set(place, steps[-1], f"{before}{value}" if runs_on else value)


def _value(piece: JSON) -> object:
    for name in ("stringValue", "numberValue", "boolValue"):
        if name in piece:
            return piece[name]
    return None


def _get(place: object, step: int | str) -> object:
    if isinstance(place, list):
        return place[step] if isinstance(step, int) and step < len(place) else None
    return place.get(str(step)) if isinstance(place, dict) else None


def _set(place: object, step: int | str, value: object) -> None:
    if isinstance(place, dict):
        place[str(step)] = value
    elif isinstance(place, list) and isinstance(step, int) and step < LONGEST_LIST:
        place.extend([None] * (step + 1 - len(place)))
        place[step] = value
