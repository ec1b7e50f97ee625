"""What writing one request keeps in hand: its target, the client's own notes, names and ids, and what gets lost."""

from gateway.canonical import JSON, Cache, CustomTool, FunctionTool, Request
from gateway.errors import BadRequest
from gateway.protocols.anthropic_messages.wire import OWN
from gateway.protocols.ids import CALL_IDS, TOOL_NAMES, CallIds, ToolNames, full_name
from gateway.protocols.translation import Dialect, Loss, ModelFacts, Target


class Draft:
    """A request on its way to the wire."""

    def __init__(self, request: Request, target: Target) -> None:
        self.request = request
        self.target = target
        self.dialect: Dialect = target.dialect
        self.facts: ModelFacts = target.facts
        self.losses: list[Loss] = []
        self.thoughts_left_out = 0
        """With another model's thoughts the target cannot take anything up."""
        self.own = OWN in request.extensions
        """The client speaks this protocol."""
        self.genuine = target.dialect.keeps_unknown
        """The upstream knows all of the protocol, as imitations do not."""
        self.members: JSON = request.extensions.get(OWN, {}) if self.genuine else {}
        """The client's own members and notes, where they can be written back."""
        tools = (tool for tool in request.tools if isinstance(tool, FunctionTool | CustomTool))
        self.names = ToolNames(TOOL_NAMES[OWN], (full_name(tool.namespace, tool.name) for tool in tools))
        self.ids = CallIds(target.dialect.call_id_pattern or CALL_IDS[OWN])

    def note(self, kind: str, place: str) -> JSON:
        """What the client's own request had at this place and no part carries."""
        notes = self.members.get(kind)
        note = notes.get(place) if isinstance(notes, dict) else None
        return note if isinstance(note, dict) else {}

    def lose(self, field: str, why: str) -> None:
        self.losses.append(Loss(field, why))

    def cached(self, block: JSON, cache: Cache | None) -> JSON:
        """The block with the client's mark for caching."""
        if cache is not None and "cache" not in self.dialect.drops:
            block["cache_control"] = self.cache_control(cache)
        return block

    def cache_control(self, cache: Cache) -> JSON:
        ttl = {"ttl": cache.ttl} if cache.ttl and "cache.ttl" not in self.dialect.drops else {}
        return {"type": "ephemeral", **ttl}


def refusal(place: str, why: str, code: str = "unsupported_value") -> BadRequest:
    """The refusal of something that the target cannot be told."""
    return BadRequest(f"'{place}' cannot be sent to this model: {why}.", code=code, param=place)
