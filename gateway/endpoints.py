"""Which paths are served, and what each means: base URLs of every SDK, with and without `/v1`, come to one table."""

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from gateway.canonical import Protocol
from gateway.errors import NotFound

Work = Literal[
    "generate", "count", "embed", "relay", "video", "response", "models", "model", "usage", "probe", "unknown"
]
"""What a path asks for: relay is a metered pass-through of an operation that is never translated; usage is what the
caller's own key has used and has left."""


class Endpoint(Struct, frozen=True):
    """What a path means. `protocol` is None where only the headers can tell."""

    work: Work
    protocol: Protocol | None
    path: str
    """Below the base URL, decoded: `chat/completions`, `models/NAME:generateContent`."""
    methods: tuple[str, ...] = ("POST",)


PREFIXES: tuple[tuple[str, Protocol], ...] = (
    ("openai/", "openai_chat"),
    ("anthropic/", "anthropic_messages"),
    ("google/", "gemini"),
    ("gemini/", "gemini"),
)
"""Base URLs that name a protocol; they settle what `models` means and whose errors an unknown path gets."""

VERSION = re.compile(r"(?:v1/|v1beta/|v1beta1/|v1alpha/|v2/|api/v1/|api/v3/)+")
AZURE = re.compile(r"deployments/[^/]+/")
VERTEX = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/(?=models/)")
RESPONSE = re.compile(
    r"responses/(?!compact$)(?P<id>[A-Za-z0-9][A-Za-z0-9_.:=-]{0,127})(?:/(?P<part>cancel|input_items))?"
)
"""One response that was made before, and what can be asked about it."""
RESPONSE_METHODS: dict[str, tuple[str, ...]] = {
    "": ("GET", "DELETE"),
    "cancel": ("POST",),
    "input_items": ("GET",),
}
VIDEO = re.compile(
    r"(?P<all>videos|contents/generations/tasks)"
    r"|videos/(?!edits$|extensions$|characters$)[^/]+(?P<content>/content)?|contents/generations/tasks/[^/]+"
)
"""OpenAI's videos and Ark's generation tasks: all of them, one of them, and what one has made."""

FIXED: dict[str, tuple[Work, Protocol]] = {
    "chat/completions": ("generate", "openai_chat"),
    "responses": ("generate", "openai_responses"),
    "responses/input_tokens": ("count", "openai_responses"),
    "messages": ("generate", "anthropic_messages"),
    "messages/count_tokens": ("count", "anthropic_messages"),
    "embeddings": ("embed", "openai_chat"),
    "completions": ("relay", "openai_chat"),
    "moderations": ("relay", "openai_chat"),
    "rerank": ("relay", "openai_chat"),
    "images/generations": ("relay", "openai_chat"),
    "images/edits": ("relay", "openai_chat"),
    "images/variations": ("relay", "openai_chat"),
    "audio/speech": ("relay", "openai_chat"),
    "audio/transcriptions": ("relay", "openai_chat"),
    "audio/translations": ("relay", "openai_chat"),
}

GEMINI_METHODS: dict[str, Work] = {
    "generateContent": "generate",
    "streamGenerateContent": "generate",
    "countTokens": "count",
    "embedContent": "embed",
    "batchEmbedContents": "embed",
    "predict": "embed",
}

USAGE = frozenset(
    (
        "usage",
        "dashboard/billing/subscription",
        "dashboard/billing/usage",
        "dashboard/billing/credit_grants",
        "user/balance",
        "users/me/balance",
        "user/info",
        "credits",
        "key",
        "auth/key",
        "api/usage/token",
    )
)
"""Our own report, and what clients poll for a balance: at OpenAI of old, DeepSeek, Kimi, SiliconFlow, OpenRouter and
New API."""

PROBES = frozenset(("", "api/hello", "favicon.ico"))
"""Paths that clients look at to see whether somebody is there."""


def resolve(raw_path: bytes, headers: dict[str, str], query: dict[str, str]) -> Endpoint:
    """What a request's path asks for; model lists are told apart by the headers that each SDK sends."""
    endpoint = resolve_path(raw_path)
    if endpoint.protocol is None:
        return Endpoint(endpoint.work, protocol_of(headers, query), endpoint.path, endpoint.methods)
    return endpoint


def protocol_of(headers: dict[str, str], query: dict[str, str]) -> Protocol:
    """Whose client this is, where the path does not say."""
    if "anthropic-version" in headers:
        return "anthropic_messages"
    if "x-goog-api-key" in headers or "x-goog-api-client" in headers or "key" in query:
        return "gemini"
    return "openai_chat"


@lru_cache(maxsize=1024)
def resolve_path(raw_path: bytes) -> Endpoint:
    """What the path alone says. It is split before it is decoded: a model's name may hold an encoded slash."""
    path = raw_path.decode("ascii", "replace").strip("/")
    named: Protocol | None = None
    for prefix, protocol in PREFIXES:
        if f"{path}/".startswith(prefix):
            path, named = path[len(prefix) :], protocol
            break
    path = f"{path}/"
    if version := VERSION.match(path):
        path = path[version.end() :]
    path = VERTEX.sub("", AZURE.sub("", path, count=1), count=1).rstrip("/")
    return classify(unquote(path), named)


def classify(path: str, named: Protocol | None) -> Endpoint:
    """The endpoint of a path from which the base URL was taken off."""
    if fixed := FIXED.get(path):
        return Endpoint(fixed[0], fixed[1], path)
    if video := VIDEO.fullmatch(path):
        methods = ("POST", "GET") if video["all"] else ("GET",) if video["content"] else ("GET", "DELETE")
        return Endpoint("video", "openai_chat", path, methods)
    if response := RESPONSE.fullmatch(path):
        return Endpoint("response", "openai_responses", path, RESPONSE_METHODS[response["part"] or ""])
    if path in USAGE:
        return Endpoint("usage", named, path, ("GET",))
    if path in PROBES:
        return Endpoint("probe", named, path, ("GET", "HEAD"))
    if path == "models":
        return Endpoint("models", named, path, ("GET", "HEAD"))
    if path.startswith("models/"):
        return classify_model(path, named)
    return Endpoint("unknown", named, path, ())


def classify_model(path: str, named: Protocol | None) -> Endpoint:
    """`models/NAME` or `models/NAME:method`. Names may hold colons, so only a method that exists counts as one."""
    method = path.rpartition(":")[2]
    if work := GEMINI_METHODS.get(method):
        return Endpoint(work, "gemini", path)
    return Endpoint("model", named, path, ("GET", "HEAD"))


def read_query(query_string: bytes) -> dict[str, str]:
    """The query's members; the last of equal names wins."""
    return dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)) if query_string else {}


def repeated_in(query_string: bytes) -> tuple[tuple[str, str], ...]:
    """The query's members that `read_query` leaves out because their name comes again."""
    members = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    last = {name: place for place, (name, _) in enumerate(members)}
    return tuple(member for place, member in enumerate(members) if last[member[0]] != place)


def unknown_path(method: str, endpoint: Endpoint) -> NotFound:
    """The error for a path that is not served."""
    return NotFound(
        f"{method} /{endpoint.path} is not served here. Served are chat/completions, responses, messages, "
        "models/NAME:generateContent, embeddings, models, images, audio, videos, contents/generations/tasks, "
        "moderations, completions, rerank and usage.",
        code="unknown_path",
    )
