"""Free-text tools for targets that only have functions: the text travels as the one argument of a function."""

import msgspec

from gateway.canonical import JSON, CustomTool, FunctionTool

_INPUT: JSON = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def as_function(tool: CustomTool) -> FunctionTool:
    """The function that stands for a free-text tool; a grammar is told in its description."""
    grammar = tool.format and tool.format.get("definition")
    told = (tool.description, f"The input must follow this grammar:\n{grammar}" if isinstance(grammar, str) else "")
    return FunctionTool(tool.name, "\n\n".join(filter(None, told)), _INPUT, namespace=tool.namespace)


def wrap(text: str) -> str:
    """Free text as that function's arguments."""
    return msgspec.json.encode({"input": text}).decode()


def unwrap(arguments: str) -> str:
    """The free text in that function's arguments; what a model wrote otherwise is taken as it is."""
    try:
        value = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return arguments
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments
