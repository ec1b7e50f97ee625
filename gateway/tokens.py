"""Counting tokens with tiktoken, offline, for answers whose provider says nothing of usage.

Other makers' tokenizers differ by a tenth or two; what is counted here is marked as counted wherever it shows.
"""

import asyncio
import re
import threading

import msgspec
from tiktoken import Encoding

from data.ranks import load_ranks
from gateway.canonical import Protocol

INLINE_BYTES = 50_000
"""Longer text is counted in a thread."""
SLICE = 100_000
"""Characters encoded in one go."""
MESSAGE_TOKENS = 4
"""What a message costs beside its text, by OpenAI's own recipe."""
REQUEST_TOKENS = 3
"""What a request costs beside its messages."""
MEDIA_TOKENS = 1000
"""What one image, sound or document is taken to cost: about an image of a megapixel."""

_OLDER_OPENAI = re.compile(r"(ft:|openai/)?(gpt-4(?![.o\w])|gpt-3\.5|gpt-35|text-embedding-)")
_WORDS = r"[^\r\n\p{L}\p{N}]?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_PATTERNS = {
    "o200k_base": "|".join(
        (
            rf"{_WORDS}{_UPPER}*{_LOWER}+{_SHORT}?",
            rf"{_WORDS}{_UPPER}+{_LOWER}*{_SHORT}?",
            r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        )
    ),
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
}
_LOADED: dict[str, Encoding] = {}
_LOADING = threading.Lock()

_ROOTS = (
    "messages",
    "input",
    "instructions",
    "system",
    "contents",
    "content",
    "requests",
    "instances",
    "systemInstruction",
    "system_instruction",
    "prompt",
)
_SCHEMAS = ("tools", "functions", "response_format", "text", "output_config", "generationConfig", "generation_config")
_ARGUMENTS = frozenset(("input", "args", "response"))
_MEDIA_TYPES = frozenset(("image", "image_url", "input_image", "input_audio", "input_file", "file", "document"))
_MEDIA_KEYS = ("inlineData", "inline_data", "fileData", "file_data")
_OPAQUE = frozenset(
    "type model task_type taskType id role call_id tool_call_id tool_use_id status cache_control data signature "  # noqa: SIM905 - readable so
    "encrypted_content thoughtSignature thought_signature".split()
)
"""Members whose text a model does not read as tokens of the prompt."""


def estimate(text: str) -> int:
    """Tokens by a rule of thumb, for live display: four bytes each, which holds for English and for Chinese."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


async def count(text: str, model: str = "") -> int:
    """Tokens of a text; special tokens in it count as the plain text that they are."""
    if not text:
        return 0
    encoding = await _encoding(model)
    if len(text) * (1 if text.isascii() else 3) > INLINE_BYTES:
        return await asyncio.to_thread(_count, encoding, text)
    return _count(encoding, text)


async def count_request(protocol: Protocol, body: bytes) -> int:
    """About what a request's input comes to: its text, its tools, and fixed sums per message and per image."""
    read = asyncio.to_thread(_read_request, protocol, body) if len(body) > INLINE_BYTES else None
    text, extra, model = await read if read else _read_request(protocol, body)
    return await count(text, model) + extra


def encoding_name(model: str) -> str:
    """The encoding of a model: o200k for all but OpenAI's older ones, other makers' models included."""
    return "cl100k_base" if _OLDER_OPENAI.match(model) else "o200k_base"


def _count(encoding: Encoding, text: str) -> int:
    """Slice by slice: tiktoken's regular expressions overflow, beyond catching, on a million blanks in a row."""
    return sum(len(encoding.encode_ordinary(text[at : at + SLICE])) for at in range(0, len(text), SLICE))


async def _encoding(model: str) -> Encoding:
    name = encoding_name(model)
    if name in _LOADED:
        return _LOADED[name]
    return await asyncio.to_thread(_load, name)


def _load(name: str) -> Encoding:
    with _LOADING:
        if name not in _LOADED:
            _LOADED[name] = Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=load_ranks(name), special_tokens={})
        return _LOADED[name]


def _read_request(protocol: Protocol, body: bytes) -> tuple[str, int, str]:
    """The text of a request, the tokens that are not text, and the model it names."""
    try:
        request = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return "", 0, ""
    found: list[str] = []
    media = _gather([request[root] for root in _ROOTS if root in request], found)
    found += [msgspec.json.encode(request[schema]).decode() for schema in _SCHEMAS if schema in request]
    turns = request.get({"gemini": "contents", "openai_responses": "input"}.get(protocol, "messages"))
    messages = len(turns) if isinstance(turns, list) else 1
    extra = REQUEST_TOKENS + MESSAGE_TOKENS * messages + MEDIA_TOKENS * media
    return "\n".join(found), extra, str(request.get("model", ""))


def _gather(nodes: list[object], found: list[str]) -> int:
    """Collect the text in these nodes and below, and count the media."""
    media = 0
    while nodes:
        match nodes.pop():
            case str(text):
                found.append(text)
            case list(items):
                nodes += items
            case dict(members) if _is_media(members):
                media += 1
            case dict(members):
                nodes += [_argument(key, value) for key, value in members.items() if key not in _OPAQUE]
    return media


def _argument(key: str, value: object) -> object:
    """A call's arguments count with their punctuation, as the model writes and reads them."""
    return msgspec.json.encode(value).decode() if key in _ARGUMENTS and isinstance(value, dict) else value


def _is_media(part: dict[str, object]) -> bool:
    return part.get("type") in _MEDIA_TYPES or any(key in part for key in _MEDIA_KEYS)
