"""Token counts out of a provider's usage object. They are not trusted: what is no plain count is not read."""

LIMIT = 1_000_000_000

Paths = tuple[tuple[str, tuple[str, ...]], ...]
"""Which of our names is read from where in the object; a later line wins over an earlier one of the same name."""


def note_counts(counts: dict[str, int], usage: object, paths: Paths) -> None:
    """Take over what this usage object says; what it leaves out stays as it was."""
    if not isinstance(usage, dict):
        return
    for name, path in paths:
        if path[0] not in usage:
            continue
        value: object = usage
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        # type() because a bool is an int to isinstance
        if type(value) is int and 0 <= value < LIMIT:
            counts[name] = value
