"""Where a request goes: a pure function from the configuration to an ordered plan, with a reason for each target."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

from gateway.canonical import PROTOCOLS, Protocol
from gateway.endpoints import Work
from gateway.errors import BadRequest, NotFound, Unavailable
from gateway.snapshot import Endpoint, RouteFacts, Snapshot, TargetFacts, UpstreamFacts

TITLES: dict[Protocol, str] = {
    "openai_chat": "OpenAI Chat Completions",
    "openai_responses": "OpenAI Responses",
    "anthropic_messages": "Anthropic Messages",
    "gemini": "Gemini",
}


class Target(Struct, frozen=True):
    """One place to try."""

    upstream: UpstreamFacts
    endpoint: Endpoint
    model: str
    reason: str
    web_search: bool = False
    """Its own search of the web may take the place of another provider's."""


class Skipped(Struct, frozen=True):
    """A place that was considered and left out."""

    upstream: str
    model: str
    reason: str


SPOKEN: dict[Protocol, tuple[Protocol, ...]] = {
    "openai_chat": ("openai_chat", "openai_responses", "anthropic_messages", "gemini"),
    "openai_responses": ("openai_responses", "openai_chat", "anthropic_messages", "gemini"),
    "anthropic_messages": ("anthropic_messages", "openai_responses", "openai_chat", "gemini"),
    "gemini": ("gemini", "openai_responses", "openai_chat", "anthropic_messages"),
}
"""In which of an upstream's protocols a client's request is put to it: its own, or the one that keeps most of it."""


EMBEDDED: dict[Protocol, tuple[Protocol, ...]] = {
    "openai_chat": ("openai_chat", "gemini"),
    "gemini": ("gemini", "openai_chat"),
}
"""The same for embeddings."""


class Plan(Struct, frozen=True):
    """Where to try, in order, and why."""

    route: str
    """The route's name; `direct` when the client named the upstream, `listed` when no route was needed."""
    reason: str
    targets: tuple[Target, ...]
    skipped: tuple[Skipped, ...]
    strict: bool = False
    """Refuse what would be lost in translation."""


class Candidate(Struct, frozen=True):
    """An upstream that a route, or the client, points at; not yet judged."""

    upstream: UpstreamFacts
    model: str
    priority: int
    weight: int
    web_search: bool = False


class Found(Struct, frozen=True):
    """Who a model's name leads to, and by which rule."""

    route: str
    reason: str
    candidates: list[Candidate]
    strict: bool = False
    ordered: bool = False
    """Their order is the operator's; otherwise those that need no translation come first."""


def plan(
    snapshot: Snapshot,
    model: str,
    protocols: tuple[Protocol, ...],
    *,
    is_down: Callable[[int], str],
    draw: Callable[[], float],
) -> Plan:
    """The targets for a model, best first.

    `protocols` are those in which the request can be put, the client's own first; `is_down` tells why an upstream is
    set aside, empty when it is not; `draw` gives numbers in [0, 1) for sharing by weight. Raises `NotFound` when
    nothing serves the model, `BadRequest` when nothing speaks the protocol, `Unavailable` when all is switched off.
    """
    found = find_candidates(snapshot, model)
    if not found.candidates:
        raise NotFound(unknown_model(model), code="model_not_found", param="model")
    targets, skipped = judge(in_order(found.candidates, draw), protocols)
    if not targets:
        raise no_target(model, protocols[0], found.candidates)
    if not found.ordered:
        targets.sort(key=lambda target: target.endpoint.protocol != protocols[0])
    healthy, aside = set_aside(targets, is_down)
    return Plan(found.route, found.reason, healthy, (*skipped, *aside), found.strict)


def spoken_for(work: Work, protocol: Protocol) -> tuple[Protocol, ...]:
    """The protocols in which a client's request can be put to an upstream, its own first."""
    if work == "embed":
        return EMBEDDED[protocol]
    return SPOKEN[protocol] if work in ("generate", "count") else (protocol,)


def find_candidates(snapshot: Snapshot, model: str) -> Found:
    """The upstreams for a model, by the first of: alias, upstream named, route, model list."""
    name = snapshot.aliases.get(model, model)
    if direct := named_upstream(snapshot, name):
        return Found("direct", f"the model names the upstream {direct[0].upstream.name}", direct)
    for number, route in enumerate(snapshot.routes, 1):
        if route.enabled and fits(name, route.patterns) and route.targets:
            reason = f"route {number} ({route.name}) fits {name}"
            return Found(route.name, reason, route_candidates(snapshot, route, name), route.strict, ordered=True)
    listed = [Candidate(u, name, 1, u.weight) for u in snapshot.upstreams.values() if name in u.models]
    return Found("listed", f"no route fits {name}; upstreams that list it are used", listed)


def named_upstream(snapshot: Snapshot, model: str) -> list[Candidate]:
    """The upstreams addressed by `name:model` or `name/model`, by the upstream's own name or its provider's."""
    for separator in (":", "/"):
        prefix, found, rest = model.partition(separator)
        if not found or not rest:
            continue
        by_name = [u for u in snapshot.upstreams.values() if u.name == prefix]
        by_provider = [u for u in snapshot.upstreams.values() if u.provider_id == prefix]
        if owners := by_name or by_provider:
            return [Candidate(u, rest, 1, u.weight) for u in owners]
    return []


def fits(model: str, patterns: Iterable[str]) -> bool:
    """Whether a model's name fits one of the globs."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def route_candidates(snapshot: Snapshot, route: RouteFacts, model: str) -> list[Candidate]:
    """A route's targets as candidates; those whose upstream is gone are left out."""

    def candidate(target: TargetFacts) -> Candidate:
        upstream = snapshot.upstreams[target.upstream_id]
        return Candidate(upstream, target.model or model, target.priority, target.weight, route.web_search)

    return [candidate(target) for target in route.targets if target.upstream_id in snapshot.upstreams]


def in_order(candidates: list[Candidate], draw: Callable[[], float]) -> list[Candidate]:
    """Lower priority number first; within one, a draw in proportion to the weights, repeated without putting back."""
    if len(candidates) == 1:
        return candidates
    # Efraimidis and Spirakis: sorting by u^(1/w) draws without replacement in proportion to the weights.
    keyed = [(c.priority, -(draw() ** (1 / max(c.weight, 1e-9))), index, c) for index, c in enumerate(candidates)]
    return [entry[3] for entry in sorted(keyed, key=lambda entry: entry[:3])]


def judge(candidates: list[Candidate], protocols: tuple[Protocol, ...]) -> tuple[list[Target], list[Skipped]]:
    """Splits candidates into those that speak one of the protocols and those that do not, with the reason."""
    targets: list[Target] = []
    skipped: list[Skipped] = []
    for candidate in candidates:
        upstream = candidate.upstream
        endpoint = next((upstream.endpoints[each] for each in protocols if each in upstream.endpoints), None)
        if not upstream.enabled:
            skipped.append(Skipped(upstream.name, candidate.model, "switched off by the operator"))
        elif endpoint is None:
            skipped.append(Skipped(upstream.name, candidate.model, f"does not speak {TITLES[protocols[0]]}"))
        else:
            reason = f"priority {candidate.priority}, weight {candidate.weight}"
            if endpoint.protocol != protocols[0]:
                reason = f"{reason}; translated to {TITLES[endpoint.protocol]}"
            targets.append(Target(upstream, endpoint, candidate.model, reason, candidate.web_search))
    return targets, skipped


def set_aside(targets: list[Target], is_down: Callable[[int], str]) -> tuple[tuple[Target, ...], tuple[Skipped, ...]]:
    """Leaves out upstreams that are down, unless that would leave nothing to try."""
    healthy: list[Target] = []
    aside: list[Skipped] = []
    for target in targets:
        if why := is_down(target.upstream.id):
            aside.append(Skipped(target.upstream.name, target.model, why))
        else:
            healthy.append(target)
    if not healthy:
        return tuple(targets), ()
    return tuple(healthy), tuple(aside)


def no_target(model: str, protocol: Protocol, candidates: list[Candidate]) -> BadRequest | Unavailable:
    """What to tell a client whose model is known but cannot be called."""
    spoken = {p for c in candidates if c.upstream.enabled for p in c.upstream.endpoints}
    if not spoken:
        return Unavailable(f"Every upstream that serves {model!r} is switched off.", code="no_upstream")
    names = " or ".join(TITLES[p] for p in PROTOCOLS if p in spoken)
    return BadRequest(
        f"The model {model!r} is served by upstreams that speak {names}, not {TITLES[protocol]}. "
        "Ask for it in one of those protocols.",
        code="protocol_not_served",
        param="model",
    )


def unknown_model(model: str) -> str:
    """The sentence for a model that nothing serves."""
    return (
        f"The model {model!r} does not exist here or no upstream serves it. "
        "`GET /v1/models` lists what is served; `upstream:model` addresses an upstream directly."
    )
