"""Video tasks as clients see them: begun, asked for, listed, fetched, deleted. `gateway.poller` sees them to their end.

A task belongs to the key that began it, for good; whoever asks with another is told that there is none.
"""

import logging
from urllib.parse import parse_qsl

import msgspec

from data.tables import Task
from data.tasks import TaskPage, count_tasks, find_task, page_tasks
from gateway import keys, limits
from gateway.canonical import VideoShape
from gateway.contents import content_url, find_signed, pass_content
from gateway.errors import BadRequest, GatewayError, Internal, NotFound
from gateway.intake import Arrival, Receive, Scope, Send, refuse, respond
from gateway.passage import warnings_header
from gateway.poller import Poller, ask, item_call, shape_of_task, standing_of, target_of
from gateway.snapshot import KeyFacts
from gateway.standings import Shown, show, show_page
from gateway.submission import submit
from gateway.videos import PATHS, PREFIXES, shape_of

log = logging.getLogger("gatehouse.tasks")

PAGES: dict[VideoShape, tuple[int, int]] = {"openai_video": (20, 100), "ark_video": (10, 500)}
"""How many tasks a page has where nobody says, and at most."""
MOST_PAGES = 1_000_000


async def handle(poller: Poller, arrival: Arrival, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request about videos. Raises nothing but a cancellation from outside."""
    try:
        poller.runtime.check_open()
        await serve(poller, arrival, scope, receive, send)
    except GatewayError as error:
        await refuse(send, arrival.codec, error, arrival.request_id)
    except Exception:
        log.exception("request %s failed inside the gateway", arrival.request_id)
        failed = Internal(f"The gateway failed; its operator can look up {arrival.request_id}.")
        await refuse(send, arrival.codec, failed, arrival.request_id)


async def serve(poller: Poller, arrival: Arrival, scope: Scope, receive: Receive, send: Send) -> None:
    """What the path and the method ask for."""
    runtime, shape = poller.runtime, shape_of(arrival.endpoint.path)
    name, _, below = arrival.endpoint.path.removeprefix(PATHS[shape]).strip("/").partition("/")
    if below and "signature" in arrival.query:
        owner, task = await find_signed(poller, arrival, token_of(name))
        await pass_content(runtime, arrival, scope, send, owner, task)
        return
    key = keys.authenticate(runtime.snapshot, arrival.headers, arrival.query, runtime.vault, runtime.now())
    limits.check_scope(runtime.snapshot, key, arrival.endpoint, arrival.client)
    if below:
        await pass_content(runtime, arrival, scope, send, key, await find(poller, key, name))
    elif name and arrival.method == "DELETE":
        await reply(send, arrival, await delete(poller, await find(poller, key, name), shape))
    elif name:
        task = await find(poller, key, name)
        poller.hasten(task.exchange_id)
        await reply(send, arrival, shown(poller, arrival, task, shape))
    elif arrival.method == "POST":
        begun = await submit(poller, arrival, receive, key, shape)
        keys.check_still_usable(runtime.snapshot, key, runtime.now())
        whole = shown(poller, arrival, begun.task, shape)
        answer = whole if shape == "openai_video" else {"id": whole["id"]}
        warnings = [(b"x-gateway-warnings", warnings_header(begun.losses))] if begun.losses else []
        await reply(send, arrival, answer, warnings)
    else:
        await reply(send, arrival, await list_tasks(poller, arrival, scope, key, shape))


async def reply(
    send: Send, arrival: Arrival, answer: dict[str, object], more: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Write a JSON answer."""
    headers = [(b"content-type", b"application/json"), *(more or [])]
    await respond(send, 200, msgspec.json.encode(answer), arrival.request_id, headers)


async def find(poller: Poller, key: KeyFacts, name: str) -> Task:
    """The key's task of this id. Raises `NotFound` for one that is not there, and for another key's alike."""
    async with poller.database.read() as session:
        task = await find_task(session, token_of(name))
    if task is None or task.key_id != key.id:
        raise NotFound(f"There is no task {name!r}.", code="task_not_found")
    return task


def token_of(name: str) -> str:
    """A task's own part of an id, which may be given in either shape."""
    for prefix in PREFIXES.values():
        if name.startswith(prefix):
            return name[len(prefix) :]
    return ""


def shown(poller: Poller, arrival: Arrival, task: Task, shape: VideoShape) -> dict[str, object]:
    """A task as its client sees it."""
    return show(
        shape,
        Shown(
            token=task.token,
            model=task.model,
            created_at=task.created_at // 1_000_000,
            shape=shape_of_task(task),
            standing=standing_of(task),
            content_url=content_url(poller.runtime, arrival, task),
        ),
    )


async def delete(poller: Poller, task: Task, shape: VideoShape) -> dict[str, object]:
    """Take a task back. One that has ended meanwhile is paid for first. Raises what the upstream has against it."""
    followed = poller.following.get(task.exchange_id)
    if followed is not None:
        await poller.look(followed)
    if target := target_of(poller.runtime, task):
        try:
            await ask(poller.runtime, target, item_call("DELETE", task))
        except NotFound:
            log.info("the task of request %s was not at its upstream any more", task.exchange_id)
        except GatewayError as error:
            error.message = error.message.replace(task.upstream_task_id, "this task")
            raise
    if followed is not None:
        await poller.end_deleted(followed)
    await poller.delete(task)
    deleted: dict[str, object] = {"id": PREFIXES[shape] + task.token, "object": "video.deleted", "deleted": True}
    return deleted if shape == "openai_video" else {}


# --- lists ----------------------------------------------------------------------------------------------------------


async def list_tasks(
    poller: Poller, arrival: Arrival, scope: Scope, key: KeyFacts, shape: VideoShape
) -> dict[str, object]:
    """A page of the key's tasks."""
    if shape == "openai_video":
        after = await find(poller, key, arrival.query["after"]) if arrival.query.get("after") else None
        page = openai_page(key, arrival.query, after)
    else:
        page = ark_page(key, arrival.query, scope)
    async with poller.database.read() as session:
        rows = await page_tasks(session, page)
        total = await count_tasks(session, page)
    items = [shown(poller, arrival, task, shape) for task in rows]
    return show_page(shape, items, total, page.offset + len(items) < total)


def openai_page(key: KeyFacts, query: dict[str, str], after: Task | None) -> TaskPage:
    """OpenAI's way to turn pages: from a task on, in either direction."""
    return TaskPage(
        key_id=key.id,
        limit=number(query, "limit", *PAGES["openai_video"]),
        after=after.exchange_id if after else None,
        oldest_first=query.get("order") == "asc",
    )


def ark_page(key: KeyFacts, query: dict[str, str], scope: Scope) -> TaskPage:
    """Ark's way, by number; of its filters one may be given several times."""
    given: bytes = scope["query_string"]
    ids = [value for name, value in parse_qsl(given.decode("latin-1")) if name == "filter.task_ids"]
    limit = number(query, "page_size", *PAGES["ark_video"])
    return TaskPage(
        key_id=key.id,
        statuses=[query["filter.status"]] if query.get("filter.status") else [],
        model=query.get("filter.model", ""),
        tokens=[token_of(name) for each in ids for name in each.split(",")],
        limit=limit,
        offset=(number(query, "page_num", 1, MOST_PAGES) - 1) * limit,
    )


def number(query: dict[str, str], name: str, usual: int, most: int) -> int:
    """A number in the query. Raises `BadRequest` unless it is from 1 to the most there may be."""
    text = query.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise BadRequest(f"'{name}' must be a number from 1 to {most}.", param=name)
    return int(text)
