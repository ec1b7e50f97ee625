"""Messages requests for servers that speak an earlier or smaller Anthropic: their betas and newer members taken out."""

from collections.abc import Iterator

from gateway.canonical import JSON
from gateway.protocols.capsules import unseal
from gateway.protocols.editing import Draft
from gateway.protocols.reading import dicts
from gateway.protocols.translation import Dialect

MEMBERS = {"tier": "service_tier"}
SILENT = ("diagnostics", "service_tier")

TOOL_MEMBERS = ("name", "description", "input_schema", "cache_control")
"""What every clone knows of a client's tool."""

BILLING = "x-anthropic-billing-header:"
"""Claude Code begins its instructions with it, different each time; it is for Anthropic alone."""

MOST_THINKING = 8192
LEAST_THINKING = 1024


def patch(draft: Draft, dialect: Dialect) -> None:
    """Leave out what this upstream refuses, and say otherwise what it does not know."""
    for field in dialect.drops:
        name = MEMBERS.get(field, field)
        if draft.get(name) is not None and name not in SILENT:
            draft.lose(name, "This upstream does not take it.")
        draft.drop(name)
    for name in ("system", "messages", "tools"):
        value = draft.get(name)
        if isinstance(value, list):
            draft.put(name, _PATCHES[name](list(_without_ttl(value))))
    if isinstance(mark := draft.get("cache_control"), dict):
        draft.put("cache_control", {name: value for name, value in mark.items() if name != "ttl"})
    _rethink(draft)


def without_capsules(draft: Draft) -> None:
    """Take out what another family's models are to get back, and Anthropic would call an invalid signature."""
    messages = draft.get("messages")
    if not isinstance(messages, list):
        return
    kept = [_without_capsules(message) for message in messages]
    draft.put("messages", [message for message in kept if message is not None])


def _without_capsules(message: object) -> object:
    """None for a message with nothing left."""
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return message
    searches = {block.get("tool_use_id") for block in dicts(message["content"]) if _is_found_elsewhere(block)}
    kept = [_cited_here(block) for block in message["content"] if not _is_foreign(block, searches)]
    return message | {"content": kept} if kept or not message["content"] else None


def _is_foreign(block: object, searches: set[object]) -> bool:
    """Whether a block is what another family's model thought, or a search that another provider ran."""
    if not isinstance(block, dict):
        return False
    thought = _is_capsule(block.get("signature")) or _is_capsule(block.get("data"))
    return thought or (bool(searches) and searches & {block.get("id"), block.get("tool_use_id")} != set())


def _is_found_elsewhere(block: JSON) -> bool:
    return any(_is_capsule(found.get("encrypted_content")) for found in dicts(block.get("content")))


def _cited_here(block: object) -> object:
    """Without the citations of what another provider found."""
    if not isinstance(block, dict) or not isinstance(cited := block.get("citations"), list):
        return block
    return block | {"citations": [one for one in dicts(cited) if not _is_capsule(one.get("encrypted_index"))]}


def _is_capsule(token: object) -> bool:
    return isinstance(token, str) and unseal(token) is not None


def _without_ttl(items: list[object]) -> Iterator[object]:
    """Marks for caching without a lifetime, also within results and messages."""
    for item in items:
        if not isinstance(item, dict):
            yield item
            continue
        item = dict(item)
        if isinstance(mark := item.get("cache_control"), dict):
            item["cache_control"] = {name: value for name, value in mark.items() if name != "ttl"}
        if isinstance(content := item.get("content"), list):
            item["content"] = list(_without_ttl(content))
        yield item


def _patch_system(blocks: list[object]) -> list[object]:
    return [block for block in blocks if not (isinstance(block, dict) and str(block.get("text")).startswith(BILLING))]


def _patch_tools(tools: list[object]) -> list[object]:
    return [_patch_tool(tool) if isinstance(tool, dict) else tool for tool in tools]


def _patch_tool(tool: JSON) -> JSON:
    if tool.get("type", "custom") != "custom":
        return tool
    return {name: value for name, value in tool.items() if name in TOOL_MEMBERS}


def _patch_messages(messages: list[object]) -> list[object]:
    """Instructions between the turns become a part of what the user says: there is no such role here."""
    if not any(isinstance(message, dict) and message.get("role") == "system" for message in messages):
        return messages
    patched: list[object] = []
    for message in messages:
        if isinstance(message, dict) and message.get("role") == "system":
            message = {"role": "user", "content": _as_said(message.get("content"))}
        last = patched[-1] if patched else None
        if isinstance(message, dict) and isinstance(last, dict) and message.get("role") == last.get("role") == "user":
            content = [*_blocks(last.get("content")), *_blocks(message.get("content"))]
            # results come first, whatever stood before them
            patched[-1] = {**last, "content": sorted(content, key=lambda block: block.get("type") != "tool_result")}
        else:
            patched.append(message)
    return patched


def _as_said(content: object) -> list[JSON]:
    texts = [block | {"text": f"<system>{block.get('text', '')}</system>"} for block in _blocks(content)]
    return texts or [{"type": "text", "text": "<system></system>"}]


def _blocks(content: object) -> list[JSON]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else dicts(content)


def _rethink(draft: Draft) -> None:
    """Thinking as long as the model likes is newer than these servers: they are given a budget."""
    thinking, limit = draft.get("thinking"), draft.get("max_tokens")
    if not isinstance(thinking, dict) or thinking.get("type") not in ("adaptive", "between_tools"):
        return
    most = limit - 1 if isinstance(limit, int) else MOST_THINKING
    if most < LEAST_THINKING:
        draft.put("thinking", {"type": "disabled"})
    else:
        draft.put("thinking", {"type": "enabled", "budget_tokens": min(most, MOST_THINKING)})


_PATCHES = {"system": _patch_system, "messages": _patch_messages, "tools": _patch_tools}
