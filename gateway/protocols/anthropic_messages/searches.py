"""Searches of the web in an answer: the upstream's own blocks as what others can say, and others' as such blocks."""

from gateway.canonical import JSON, Citation, Native, Opaque, Searched
from gateway.protocols.anthropic_messages.wire import OWN
from gateway.protocols.capsules import seal
from gateway.protocols.ids import item_id
from gateway.protocols.reading import dicts
from gateway.protocols.web_search import KIND

CALL = "server_tool_use"
RESULT = "web_search_tool_result"

FOREIGN = seal(Opaque(origin="", kind="searched", data=""))
"""Stands where Anthropic keeps what a page says: what another provider found can never be given back to it."""


class Searches:
    """Reads the native blocks of one answer, in their order: a search is told by its call and by its result."""

    def __init__(self) -> None:
        self._queries: dict[object, str] = {}

    def native(self, block: JSON) -> Native:
        """The block as a part; the result of a search with what was searched for."""
        kind = str(block.get("type") or "")
        asked = block.get("input")
        if kind == CALL and block.get("name") == KIND and isinstance(asked, dict):
            self._queries[block.get("id")] = str(asked.get("query") or "")
        if kind != RESULT:
            return Native(OWN, kind, block)
        query = self._queries.get(block.get("tool_use_id"), "")
        found = tuple(
            Citation(str(one.get("url") or ""), str(one.get("title") or "")) for one in dicts(block.get("content"))
        )
        return Native(OWN, kind, block, Searched((query,) if query else (), found))


def write_search(searched: Searched) -> tuple[JSON, JSON]:
    """The call of a search that another provider ran, and its result."""
    urls = [source.url for source in searched.sources]
    given = item_id("srvtoolu_", *searched.queries, *urls)
    call: JSON = {"type": CALL, "id": given, "name": KIND, "input": {"query": "; ".join(searched.queries)}}
    found = [_found(source) for source in searched.sources if source.url]
    return call, {"type": RESULT, "tool_use_id": given, "content": found}


def _found(source: Citation) -> JSON:
    told = {"url": source.url, "title": source.title or source.url, "encrypted_content": FOREIGN, "page_age": None}
    return {"type": "web_search_result", **told}
