"""How a stream of bytes is cut into frames: server-sent events, JSON arrays, newline-delimited JSON."""
