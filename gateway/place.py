"""Where a gateway keeps its data and who owns it now: what a console must know before there is anyone to ask."""

from data.directory import DataDirectory, Holder, holder, locate, prepare
from data.errors import DataError

__all__ = ["DataDirectory", "DataError", "Holder", "holder", "locate", "prepare"]
