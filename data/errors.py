"""What can go wrong with the data directory and what lies in it, in words for a person."""


class DataError(Exception):
    """The data cannot be used as it is. The text says what is wrong and what to do; it holds no secret."""
