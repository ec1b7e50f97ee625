"""How a stream of bytes is cut into frames: server-sent events and JSON arrays."""
