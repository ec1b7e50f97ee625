"""Names and ids that targets take: call ids, tool names, item ids.

All pure: the same request gives the same ids again, or the upstream's prompt cache would never hit.
"""

import hashlib
import re
import string
from collections.abc import Iterable, Mapping

from gateway.canonical import CustomTool, FunctionTool, Protocol, Tool

CALL_IDS: Mapping[Protocol, str] = {
    "openai_chat": r"[!-~]{1,40}",
    "openai_responses": r"[!-~]{1,64}",
    "anthropic_messages": r"[A-Za-z0-9_-]{1,128}",
    "gemini": r"[!-~]{1,128}",
}
"""Call ids that a protocol takes as they are."""

TOOL_NAMES: Mapping[Protocol, str] = {
    "openai_chat": r"[A-Za-z0-9_-]{1,64}",
    "openai_responses": r"[A-Za-z0-9_-]{1,64}",
    "anthropic_messages": r"[A-Za-z0-9_-]{1,128}",
    "gemini": r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}",
}
"""Tool names that a protocol takes as they are."""

NAME_LENGTH = 64
"""What any target takes; a name that is changed anyway is cut to it."""

MINTED_LENGTH = 9
"""Nine letters and digits are a valid call id everywhere."""

_DIGITS = string.digits + string.ascii_letters
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]")


def mint(*seed: str | int, length: int = MINTED_LENGTH) -> str:
    """An id of letters and digits that is the same for the same seed."""
    digest = hashlib.blake2b("\0".join(map(str, seed)).encode(errors="surrogatepass"), digest_size=32).digest()
    number = int.from_bytes(digest, "big")
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)


def call_id(given: str, pattern: str) -> str:
    """The id itself where it matches, otherwise one made of it that is valid everywhere."""
    return given if re.fullmatch(pattern, given) else mint("call", given)


def item_id(prefix: str, *seed: str | int) -> str:
    """An id with its protocol's prefix, such as `msg_`."""
    return prefix + mint(prefix, *seed, length=24)


class CallIds:
    """The call ids of one request as its target takes them; asked in the order of the conversation.

    Clients use an id again in a later turn; targets want each once. A result belongs to the last call of its id.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of_call(self, given: str) -> str:
        """The id to write for a call."""
        written, times = call_id(given, self._pattern), 0
        while written in self._taken:
            times += 1
            written = mint("call", given, times)
        self._taken.add(written)
        self._given[given] = written
        return written

    def of_result(self, given: str) -> str:
        """The id to write for the result of a call."""
        return self._given.get(given) or call_id(given, self._pattern)


class AnswerIds:
    """The call ids of one answer: the upstream's where they are fit to tell its calls apart, otherwise minted ones."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._taken: set[str] = set()

    def of_call(self, given: str, name: str) -> str:
        """The id for the answer's next call. The seed must differ between the answers of a conversation."""
        taken = given if given and given != name and given not in self._taken else self._mint(name)
        self._taken.add(taken)
        return taken

    def _mint(self, name: str) -> str:
        return mint("answer", self._seed, len(self._taken), name)


def full_name(namespace: str, name: str) -> str:
    """A tool's name where there are no namespaces."""
    return f"{namespace}__{name}" if namespace else name


def split_name(name: str, tools: Iterable[Tool]) -> tuple[str, str]:
    """Namespace and name of the tool that an answer calls by its full name, as this request declared it."""
    for tool in tools:
        if isinstance(tool, FunctionTool | CustomTool) and full_name(tool.namespace, tool.name) == name:
            return tool.namespace, tool.name
    return "", name


class ToolNames:
    """The tools' names of one request as its target takes them."""

    def __init__(self, pattern: str, names: Iterable[str]) -> None:
        """`names` are the full names of the declared tools: those that are valid keep theirs whatever comes first."""
        self._pattern = pattern
        self._written = {name: name for name in names if re.fullmatch(pattern, name)}
        self._taken = set(self._written)

    @property
    def changed(self) -> dict[str, str]:
        """Names as the target sees them to the full names the client gave, where they differ."""
        return {written: given for given, written in self._written.items() if written != given}

    def of(self, name: str) -> str:
        """The name to write for this full name."""
        if name not in self._written:
            self._written[name] = self._renamed(name)
            self._taken.add(self._written[name])
        return self._written[name]

    def _renamed(self, name: str) -> str:
        if re.fullmatch(self._pattern, name) and name not in self._taken:
            return name
        stem = _NOT_NAME.sub("_", name)[: NAME_LENGTH - MINTED_LENGTH - 2]
        return f"{stem if stem[:1].isalpha() else 't' + stem}_{mint('tool', name)}"
