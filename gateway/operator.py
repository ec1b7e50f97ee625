"""The one interface to everything an operator can ask or do, whether a console, a command or the socket asks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway import accounting, alert_operations, operations, price_operations, report_operations, setting_operations
from gateway.answers import (
    acts,
    adjustments,
    candidates,
    captures,
    exchanges,
    holdings,
    invoices,
    keys,
    money,
    owners,
    price_lists,
    prices,
    radius,
    reports,
    retention,
    routes,
    settings,
    trial,
    upstreams,
    webhooks,
    whole,
)
from gateway.answers.asked import ASKED, Asked, actor, asked
from gateway.answers.desk import Desk
from gateway.errors import BadRequest
from gateway.operations import Answer, Operation

# That each function takes the operation beside it and gives its answer is proven by a test: no type can say it.
ANSWERS: Mapping[type[Operation[Any]], Callable[[Desk, Any], Awaitable[Any]]] = {
    operations.GetStatus: whole.get_status,
    operations.Shutdown: whole.shut_down,
    operations.ListEvents: whole.list_events,
    operations.GetSnippets: whole.get_snippets,
    operations.TryRequest: trial.try_request,
    operations.ListExchanges: exchanges.list_exchanges,
    operations.GetExchange: exchanges.get_exchange,
    operations.OpenTap: exchanges.open_tap,
    operations.CloseTap: exchanges.close_tap,
    operations.CutExchange: exchanges.cut_exchange,
    operations.ListKeys: keys.list_keys,
    operations.CreateKey: keys.create_key,
    operations.EditKey: keys.edit_key,
    operations.SetKeyEnabled: keys.set_key_enabled,
    operations.RevokeKey: keys.revoke_key,
    operations.ListProviders: upstreams.list_providers,
    operations.FindCandidates: candidates.find_candidates,
    operations.ListUpstreams: upstreams.list_upstreams,
    operations.AddUpstream: upstreams.add_upstream,
    operations.EditUpstream: upstreams.edit_upstream,
    operations.SetUpstreamEnabled: upstreams.set_upstream_enabled,
    operations.TestUpstream: upstreams.test_upstream,
    operations.RemoveUpstream: upstreams.remove_upstream,
    operations.ListRoutes: routes.list_routes,
    operations.SaveRoute: routes.save_route,
    operations.MoveRoute: routes.move_route,
    operations.SetRouteEnabled: routes.set_route_enabled,
    operations.RemoveRoute: routes.remove_route,
    operations.ExplainRoute: routes.explain_route,
    operations.ListAliases: routes.list_aliases,
    operations.SaveAlias: routes.save_alias,
    operations.RemoveAlias: routes.remove_alias,
    operations.GetUsage: reports.get_usage,
    report_operations.GetInvoice: invoices.get_invoice,
    alert_operations.ListWebhooks: webhooks.list_webhooks,
    alert_operations.AddWebhook: webhooks.add_webhook,
    alert_operations.RemoveWebhook: webhooks.remove_webhook,
    alert_operations.TryWebhook: webhooks.try_webhook,
    price_operations.ListPrices: prices.list_prices,
    price_operations.ListSetPrices: prices.list_set_prices,
    price_operations.SetPrice: prices.set_price,
    price_operations.RemovePrice: prices.remove_price,
    price_operations.ComparePrices: price_lists.compare_prices,
    price_operations.AcceptPrices: price_lists.accept_prices,
    price_operations.ListPriceLists: price_lists.list_price_lists,
    price_operations.WithdrawPrices: price_lists.withdraw_prices,
    price_operations.RestorePrices: price_lists.restore_prices,
    accounting.ListHoldings: holdings.list_holdings,
    accounting.GetHolding: holdings.get_holding,
    accounting.SetLimits: holdings.set_limits,
    accounting.TopUp: holdings.top_up,
    accounting.ApproveExchange: holdings.approve_exchange,
    accounting.RotateKey: keys.rotate_key,
    accounting.SetBrake: keys.set_brake,
    accounting.ListOwners: owners.list_owners,
    accounting.SaveOwner: owners.save_owner,
    accounting.RemoveOwner: owners.remove_owner,
    accounting.GetBlastRadius: radius.get_blast_radius,
    accounting.ListActs: acts.list_acts,
    accounting.UndoAct: acts.undo_act,
    accounting.ListEntries: money.list_entries,
    accounting.CheckLedger: money.check_ledger,
    accounting.ExplainCharge: money.explain_charge,
    accounting.Reprice: adjustments.reprice,
    accounting.ListAdjustments: adjustments.list_adjustments,
    accounting.ReverseAdjustment: adjustments.reverse_adjustment,
    accounting.StartCapture: captures.start_capture,
    accounting.StopCapture: captures.stop_capture,
    accounting.GetCapture: captures.get_capture,
    accounting.WipeCaptures: captures.wipe_all,
    accounting.GetRetention: retention.get_retention,
    accounting.CleanUp: retention.clean_up,
    setting_operations.GetSettings: settings.get_settings,
    setting_operations.SaveSetting: settings.save_setting,
}


class Operator:
    """Answers operations, one function each. Belongs to the gateway's loop."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.carry_out = self._carry_out
        self._answering: set[asyncio.Future[Any]] = set()

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation answered. Raises `GatewayError` with words for a person when it is refused.

        What was begun is finished even if nobody waits for the answer any longer: a change that is stored but not in
        force would be worse than either.
        """
        answering = asyncio.ensure_future(self._answer(operation))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        try:
            answer: Answer = await asyncio.shield(answering)
        except OverflowError:
            raise BadRequest("A number in this is larger than any that can be stored.") from None
        return answer

    async def _answer(self, operation: Operation[Any]) -> Any:
        ASKED.set(Asked(actor()))
        return await self._carry_out(operation)

    async def _carry_out(self, operation: Operation[Any]) -> Any:
        asked().kinds.append(type(operation))
        return await ANSWERS[type(operation)](self._desk, operation)

    async def reload(self) -> None:
        """Put in force what the database says."""
        await self._desk.reload()
