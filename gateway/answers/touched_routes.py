"""What changes of accounts, routes, aliases, prices, settings and webhooks do to whom."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from data.traffic import Scope
from gateway.alert_operations import AddWebhook, RemoveWebhook
from gateway.answers.touched import KEPT_SEALED, Touched, route_of, said, some, upstream_of
from gateway.operations import (
    AddUpstream,
    EditUpstream,
    MoveRoute,
    Operation,
    RemoveAlias,
    RemoveRoute,
    RemoveUpstream,
    SaveAlias,
    SaveRoute,
    SetRouteEnabled,
    SetUpstreamEnabled,
    TestUpstream,
)
from gateway.price_operations import AcceptPrices, RemovePrice, RestorePrices, SetPrice, WithdrawPrices
from gateway.setting_operations import SaveSetting
from gateway.snapshot import RouteFacts, Snapshot, UpstreamFacts

FROM_NOW_ON = "Requests that start from now on are priced by it; what is on record stays as it is."


# --- accounts


def adding_upstream(_: Snapshot, operation: AddUpstream) -> Touched:
    """A new account."""
    return Touched(sentences=("It is tested, which asks it for its models.",))


def editing_upstream(snapshot: Snapshot, operation: EditUpstream) -> Touched:
    """Another name, credential, address, share or list of models."""
    account = upstream_of(snapshot, operation.id)
    renamed = operation.name is not None and operation.name.strip() != account.name
    return Touched(
        Scope(upstream_ids=(account.id,)),
        said(
            (renamed, f"Requests for {account.name}:MODEL do not find it any more."),
            (operation.credential is not None, f"New requests use the new credential. {KEPT_SEALED}"),
            (operation.base_url is not None, "New requests go to the new address."),
            (operation.weight not in (None, account.weight), "Its share among equals is another from now on."),
            (operation.models is not None, "Models that are neither listed nor typed are not looked for here."),
            (operation.unpriced is False and account.unpriced, "Requests for models without a price are refused."),
            (operation.unpriced and not account.unpriced, "Models without a price are served, and marked."),
        ),
    )


def switching_upstream(snapshot: Snapshot, operation: SetUpstreamEnabled) -> Touched:
    """An account used, or left alone."""
    account = upstream_of(snapshot, operation.id)
    told = ("Requests may go to it again.",) if operation.enabled else without(snapshot, account)
    return Touched(Scope(upstream_ids=(account.id,)), told)


def removing_upstream(snapshot: Snapshot, operation: RemoveUpstream) -> Touched:
    """An account gone."""
    account = upstream_of(snapshot, operation.id)
    return Touched(Scope(upstream_ids=(account.id,)), (*without(snapshot, account), KEPT_SEALED))


def testing_upstream(snapshot: Snapshot, operation: TestUpstream) -> Touched:
    """An account asked for its models."""
    account = upstream_of(snapshot, operation.id)
    return Touched(Scope(upstream_ids=(account.id,)), ("The list it gives replaces the one it gave before.",))


def without(snapshot: Snapshot, account: UpstreamFacts) -> tuple[str, ...]:
    """What becomes of routes and models when an account is not used."""
    lost = [route for route in snapshot.routes if account.id in upstreams_of(route)]
    others = [other for other in snapshot.upstreams.values() if other.id != account.id and other.enabled]
    alone = sorted(account.models - frozenset().union(*(other.models for other in others)))
    return (
        *(f"Route {each.name} {without_target(snapshot, each, account)}." for each in lost if each.enabled),
        *said((alone, f"No other provider lists {some(alone)}."), (True, "Running answers on it go on.")),
    )


def without_target(snapshot: Snapshot, route: RouteFacts, account: UpstreamFacts) -> str:
    """How a route goes on when one of its accounts does not."""
    ids = dict.fromkeys(target.upstream_id for target in route.targets)
    left = [snapshot.upstreams[number].name for number in ids if number != account.id and is_used(snapshot, number)]
    return f"goes on with {some(left)}" if left else "loses its only target: what it takes is refused"


def is_used(snapshot: Snapshot, upstream_id: int) -> bool:
    """Whether an account is there and switched on."""
    return upstream_id in snapshot.upstreams and snapshot.upstreams[upstream_id].enabled


def upstreams_of(route: RouteFacts) -> set[int]:
    """Where a route may send."""
    return {target.upstream_id for target in route.targets}


# --- routes and aliases


def saving_route(snapshot: Snapshot, operation: SaveRoute) -> Touched:
    """A route, new or in another shape."""
    if operation.id is None:
        return Touched(sentences=(f"It comes last: it takes {operation.pattern} where no earlier route does.",))
    route = route_of(snapshot, operation.id)
    patterns = ", ".join(route.patterns)
    to = some(list(dict.fromkeys(target.upstream for target in operation.targets)))
    return Touched(
        Scope(route=route.name),
        said(
            (operation.pattern != patterns, f"It takes {operation.pattern} in place of {patterns}."),
            (True, f"New requests go to {to}; running answers go on."),
            (operation.strict and not route.strict, "Requests that would lose something in translation are refused."),
        ),
    )


def moving_route(snapshot: Snapshot, operation: MoveRoute) -> Touched:
    """A route tried earlier or later."""
    route = route_of(snapshot, operation.id)
    before = list(snapshot.routes).index(route)
    place = min(max(operation.position, 1), len(snapshot.routes)) - 1
    passed = snapshot.routes[place:before] if place < before else snapshot.routes[before + 1 : place + 1]
    order = "before" if place < before else "after"
    told = f"It is tried {order} {some([each.name for each in passed])} from now on." if passed else "It stays there."
    return Touched(Scope(route=route.name), (told,))


def switching_route(snapshot: Snapshot, operation: SetRouteEnabled) -> Touched:
    """A route followed, or passed over."""
    route = route_of(snapshot, operation.id)
    if not operation.enabled:
        return Touched(Scope(route=route.name), (without_route(snapshot, route),))
    told = f"It takes {', '.join(route.patterns)} again where no earlier route does."
    return Touched(Scope(route=route.name), (told,))


def removing_route(snapshot: Snapshot, operation: RemoveRoute) -> Touched:
    """A route gone."""
    route = route_of(snapshot, operation.id)
    return Touched(Scope(route=route.name), (without_route(snapshot, route),))


def without_route(snapshot: Snapshot, route: RouteFacts) -> str:
    """Where what a route takes goes without it."""
    later = [each for each in snapshot.routes if each.enabled and each.id != route.id]
    same = [each.name for each in later if any(covers(each, glob) for glob in route.patterns)]
    to = f"route {same[0]}" if same else "the providers that list the model, and is refused where none does"
    return f"What it takes ({', '.join(route.patterns)}) goes to {to}."


def covers(route: RouteFacts, glob: str) -> bool:
    """Whether a route takes all that a glob names, as far as that is plain to see."""
    return any(fnmatchcase(glob.lower(), pattern.lower()) for pattern in route.patterns)


def saving_alias(snapshot: Snapshot, operation: SaveAlias) -> Touched:
    """A name for a model."""
    before = snapshot.aliases.get(operation.name)
    told = f"Requests for {operation.name} go to {operation.model}" + (f" instead of {before}" if before else "")
    return Touched(Scope(model=before or operation.name), (f"{told}.",))


def removing_alias(snapshot: Snapshot, operation: RemoveAlias) -> Touched:
    """A name that stands for itself again."""
    before = snapshot.aliases.get(operation.name, operation.name)
    told = f"Requests for {operation.name} are refused unless a provider or route has a model of that name."
    return Touched(Scope(model=before), (told,))


# --- prices, settings and webhooks


def pricing(snapshot: Snapshot, operation: SetPrice | RemovePrice) -> Touched:
    """What models cost at a provider."""
    accounts = tuple(each.id for each in snapshot.upstreams.values() if each.provider_id == operation.provider_id)
    past = isinstance(operation, SetPrice) and operation.since is not None
    told = "What is on record stays as it is until it is priced again." if past else FROM_NOW_ON
    return Touched(Scope(upstream_ids=accounts, model=operation.model), (told,))


def listing_prices(_: Snapshot, operation: AcceptPrices | WithdrawPrices | RestorePrices) -> Touched:
    """A list of prices that holds, or does not."""
    return Touched(Scope(everyone=True), (FROM_NOW_ON,))


def setting(_: Snapshot, operation: SaveSetting) -> Touched:
    """How the gateway as a whole behaves."""
    return Touched(Scope(everyone=True), ("It holds for the whole gateway from now on.",))


def adding_webhook(_: Snapshot, operation: AddWebhook) -> Touched:
    """Another place that is told of alerts."""
    return Touched(sentences=("What is sent there names keys and sums, no prompts.",))


def removing_webhook(_: Snapshot, operation: RemoveWebhook) -> Touched:
    """A place that is told no more."""
    return Touched(sentences=("Alerts are not sent there any more.",))


OF_ROUTES: Mapping[type[Operation[Any]], Callable[[Snapshot, Any], Touched]] = {
    AddUpstream: adding_upstream,
    EditUpstream: editing_upstream,
    SetUpstreamEnabled: switching_upstream,
    RemoveUpstream: removing_upstream,
    TestUpstream: testing_upstream,
    SaveRoute: saving_route,
    MoveRoute: moving_route,
    SetRouteEnabled: switching_route,
    RemoveRoute: removing_route,
    SaveAlias: saving_alias,
    RemoveAlias: removing_alias,
    SetPrice: pricing,
    RemovePrice: pricing,
    AcceptPrices: listing_prices,
    WithdrawPrices: listing_prices,
    RestorePrices: listing_prices,
    SaveSetting: setting,
    AddWebhook: adding_webhook,
    RemoveWebhook: removing_webhook,
}
