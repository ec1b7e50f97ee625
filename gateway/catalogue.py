"""What the model lists show: everything a key may ask for, in the caller's own protocol."""

from gateway import intake, keys, limits, routing
from gateway.canonical import ModelEntry
from gateway.errors import GatewayError, NotFound
from gateway.intake import Arrival, Send
from gateway.runtime import Runtime
from gateway.snapshot import KeyFacts, Snapshot

CREATED = 1_735_689_600
"""A fixed creation date (2025-01-01): upstreams disagree about theirs, and clients only want a number."""


async def handle(runtime: Runtime, arrival: Arrival, send: Send) -> None:
    """Answer a model list, or one model."""
    try:
        key = keys.authenticate(runtime.snapshot, arrival.headers, arrival.query, runtime.vault, runtime.now())
        limits.check_network(runtime.snapshot, key, arrival.client)
        body = answer(runtime.snapshot, key, arrival)
    except GatewayError as error:
        await intake.refuse(send, arrival.codec, error, arrival.request_id)
    else:
        await intake.respond(send, 200, body, arrival.request_id)


def answer(snapshot: Snapshot, key: KeyFacts, arrival: Arrival) -> bytes:
    """The body of a list, or of one model. Raises `NotFound` for a model that is not served."""
    entries = entries_for(snapshot, key)
    if arrival.endpoint.work == "models":
        return arrival.codec.model_list(entries, arrival.query)
    name = arrival.endpoint.path.removeprefix("models/")
    for entry in entries:
        if entry.id == name:
            return arrival.codec.model_item(entry)
    raise NotFound(routing.unknown_model(name), code="model_not_found", param="model")


def entries_for(snapshot: Snapshot, key: KeyFacts) -> list[ModelEntry]:
    """Aliases, the models that upstreams list, and the plain names that routes serve; sorted."""
    owners: dict[str, str] = {}
    for upstream in snapshot.upstreams.values():
        if upstream.enabled:
            owners.update(dict.fromkeys(upstream.models, upstream.provider_id))
    for route in snapshot.routes:
        if route.enabled and route.targets:
            owners.update((p, "gatehouse") for p in route.patterns if not any(c in p for c in "*?["))
    owners.update(dict.fromkeys(snapshot.aliases, "gatehouse"))
    return [
        ModelEntry(id=name, created=CREATED, owner=owner)
        for name, owner in sorted(owners.items())
        if limits.may_ask(snapshot, key, name)
    ]
