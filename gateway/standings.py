"""How a video task stands: read in the shape of its upstream, shown in that of whichever client asks. Pure."""

import re
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.canonical import VideoShape
from gateway.errors import UpstreamFailed
from gateway.protocols.upstream_errors import clean
from gateway.videos import PREFIXES, VideoRequest, seconds_of, size_of

Status = Literal["queued", "running", "succeeded", "failed", "cancelled", "expired"]
OPEN: frozenset[Status] = frozenset(("queued", "running"))


_STATUSES: dict[str, Status] = {
    "queued": "queued",
    "pending": "queued",
    "running": "running",
    "processing": "running",
    "in_progress": "running",
    "succeeded": "succeeded",
    "completed": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "expired": "expired",
}
_OPENAI_STATUSES: dict[Status, str] = {"queued": "queued", "running": "in_progress", "succeeded": "completed"}
"""The rest has failed."""
_UNSHOWN = re.compile(r"(?:^|_)id$|prompt|callback|safety_identifier")
"""Members of an upstream's answer that are its own, or the client's words."""
_CODE = re.compile(r"[\w.:-]{1,100}")
_FIGURE = re.compile(r"[a-z0-9.:]{1,20}")
_MADE_ID = re.compile(r"[\w.:~-]{1,256}")


class Fault(Struct, frozen=True):
    """Why there is no video."""

    code: str
    message: str


class Standing(Struct, frozen=True, omit_defaults=True):
    """How a task stands. Holds no id of the upstream's, and no prompt."""

    status: Status = "queued"
    percent: int | None = None
    fault: Fault | None = None
    urls: dict[str, str] = {}
    """Ark's `video_url`, `last_frame_url` and `file_url`."""
    output_tokens: int | None = None
    total_tokens: int | None = None
    seconds: str = ""
    size: str = ""
    resolution: str = ""
    ratio: str = ""
    updated_at: int | None = None
    """Unix seconds, like all times here."""
    completed_at: int | None = None
    expires_at: int | None = None
    from_video: bool = False
    """Whether the client gave a video to make it from."""
    more: dict[str, bool | int | float | str] = {}
    """What else the upstream says, for clients of its own shape."""


class Shown(Struct, frozen=True):
    """A task as a client may see it."""

    token: str
    model: str
    created_at: int
    shape: VideoShape
    """The upstream's."""
    standing: Standing
    content_url: str
    """Where we give out what was made."""


class _Said(Struct):
    """A task in either shape. What is not as it should be says nothing."""

    status: str
    id: object = None
    error: object = None
    content: object = None
    usage: object = None
    progress: object = None
    seconds: object = None
    duration: object = None
    size: object = None
    resolution: object = None
    ratio: object = None
    updated_at: object = None
    completed_at: object = None
    expires_at: object = None


class _Made(Struct):
    id: str


_SAID = msgspec.json.Decoder(_Said)
_MADE = msgspec.json.Decoder(_Made)
_MEMBERS = msgspec.json.Decoder(dict[str, object])
_SHOWN_APART = frozenset((*_Said.__struct_fields__, "object", "model", "created_at"))


def read_made(body: bytes) -> str:
    """The id of a task that an upstream has begun. Raises `UpstreamFailed` when it names none that can be asked for."""
    try:
        made = _MADE.decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        made = ""
    if not _MADE_ID.fullmatch(made):
        raise UpstreamFailed("The upstream did not say which task it began.", code="upstream_protocol")
    return made


def read_standing(body: bytes, before: Standing, made: str) -> Standing:
    """How a task stands now; of what is not said again, what was known before. Raises `UpstreamFailed`.

    `made` is the upstream's own id of it, which nothing but addresses may hold.
    """
    try:
        said = _SAID.decode(body)
        status = _STATUSES[said.status]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        raise UpstreamFailed("The upstream did not say how the task stands.", code="upstream_protocol") from None
    usage = said.usage if isinstance(said.usage, dict) else {}
    content = said.content if isinstance(said.content, dict) else {}
    return Standing(
        status=status,
        percent=_count(said.progress) if _count(said.progress) is not None else before.percent,
        fault=_fault(said.error, status, made) if status not in OPEN and status != "succeeded" else None,
        urls={name: url for name, url in content.items() if name.endswith("_url") and isinstance(url, str)},
        output_tokens=_count(usage.get("completion_tokens")),
        total_tokens=_count(usage.get("total_tokens")),
        seconds=_length(said.seconds, said.duration) or before.seconds,
        size=_figure(said.size) or size_of(_word(said.resolution), _word(said.ratio)) or before.size,
        resolution=_figure(said.resolution) or before.resolution,
        ratio=_figure(said.ratio) or before.ratio,
        updated_at=_count(said.updated_at),
        completed_at=_count(said.completed_at) or (_count(said.updated_at) if status == "succeeded" else None),
        expires_at=_count(said.expires_at),
        from_video=before.from_video,
        more=_more(body, made),
    )


def first_standing(asked: VideoRequest) -> Standing:
    """How a task stands that was only just begun."""
    from_video = any(member.startswith("content of type video_url") for member in asked.unsayable)
    return Standing(
        seconds=asked.seconds,
        size=asked.size,
        resolution=asked.resolution,
        ratio=asked.ratio,
        from_video=from_video,
    )


def terms_of(standing: Standing) -> dict[str, str]:
    """What the price of a video hangs on, beside its length."""
    sides = [int(side) for side in standing.size.split("x") if side.isdigit()]
    terms = {"resolution": standing.resolution.lower() or (f"{min(sides)}p" if sides else "")}
    if standing.from_video:
        terms["source"] = "video"
    if standing.more.get("generate_audio") is False:
        terms["sound"] = "none"
    if standing.more.get("service_tier") == "flex":
        terms["service_tier"] = "flex"
    return {name: said for name, said in terms.items() if said}


def told(standing: Standing) -> str:
    """How far it is, for an operator."""
    if standing.status in OPEN:
        percent = f", {standing.percent} %" if standing.percent else ""
        return f"{'waiting in line' if standing.status == 'queued' else 'making the video'}{percent}"
    if standing.status != "succeeded":
        return f"no video: {standing.status}"
    length = f"{standing.seconds} s" if standing.seconds else "a video"
    return f"{length} at {standing.size or standing.resolution}" if standing.size or standing.resolution else length


def _fault(error: object, status: Status, made: str) -> Fault:
    code: object = None
    message: object = error
    if isinstance(error, dict):
        code, message = error.get("code"), error.get("message")
    usual = f"The upstream's task has {'failed' if status == 'failed' else 'been cancelled'}."
    usual = "The upstream's task took too long and has expired." if status == "expired" else usual
    named = status if status != "failed" else "video_failed"
    return Fault(
        (code if isinstance(code, str) and _CODE.fullmatch(code) else named),
        clean(_word(message).replace(made, "this task")) or usual,
    )


def _length(seconds: object, duration: object) -> str:
    value = seconds if seconds is not None else duration
    return _figure(seconds_of(value)) if isinstance(value, int | float | str) else ""


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**53 else None


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _figure(value: object) -> str:
    """A size, a ratio or a length, which are shown as they are."""
    return value if isinstance(value, str) and _FIGURE.fullmatch(value) else ""


def _more(body: bytes, made: str) -> dict[str, bool | int | float | str]:
    return {
        name: value
        for name, value in _MEMBERS.decode(body).items()
        if name not in _SHOWN_APART
        and not _UNSHOWN.search(name)
        and isinstance(value, bool | int | float | str)
        and len(str(value)) < 200
        and made not in str(value)
    }


# --- what clients see -----------------------------------------------------------------------------------------------


def show(shape: VideoShape, task: Shown) -> dict[str, object]:
    """A task in the shape of the client that asks."""
    return _show_ark(task) if shape == "ark_video" else _show_openai(task)


def _show_openai(task: Shown) -> dict[str, object]:
    standing = task.standing
    fault = standing.fault
    more = standing.more if task.shape == "openai_video" else {}
    return {
        "id": PREFIXES["openai_video"] + task.token,
        "object": "video",
        "model": task.model,
        "status": _OPENAI_STATUSES.get(standing.status, "failed"),
        "progress": 100 if standing.status == "succeeded" else standing.percent or 0,
        "created_at": task.created_at,
        "completed_at": standing.completed_at,
        "expires_at": standing.expires_at,
        "error": {"code": fault.code, "message": fault.message} if fault else None,
        "seconds": standing.seconds,
        "size": standing.size,
        "remixed_from_video_id": None,
        **more,
    }


def _show_ark(task: Shown) -> dict[str, object]:
    standing = task.standing
    fault = standing.fault
    shown: dict[str, object] = {
        "id": PREFIXES["ark_video"] + task.token,
        "model": task.model,
        "status": standing.status,
        "error": {"code": fault.code, "message": fault.message} if fault else None,
        "created_at": task.created_at,
        "updated_at": standing.updated_at or standing.completed_at or task.created_at,
    }
    if standing.status == "succeeded":
        urls = {name: url for name, url in standing.urls.items() if url.startswith(("https://", "http://"))}
        shown["content"] = {"video_url": task.content_url} | urls
    if standing.output_tokens is not None:
        total = standing.total_tokens if standing.total_tokens is not None else standing.output_tokens
        shown["usage"] = {"completion_tokens": standing.output_tokens, "total_tokens": total}
    if standing.seconds.isdigit():
        shown["duration"] = int(standing.seconds)
    members = {"resolution": standing.resolution, "ratio": standing.ratio}
    more = standing.more if task.shape == "ark_video" else {}
    return shown | {name: value for name, value in members.items() if value} | more


def show_page(shape: VideoShape, tasks: list[dict[str, object]], total: int, more: bool) -> dict[str, object]:
    """A page of a list: OpenAI says whether there are more, Ark how many there are in all."""
    if shape == "ark_video":
        return {"items": tasks, "total": total}
    ends = {"first_id": tasks[0]["id"], "last_id": tasks[-1]["id"]} if tasks else {"first_id": None, "last_id": None}
    return {"object": "list", "data": tasks, **ends, "has_more": more}
