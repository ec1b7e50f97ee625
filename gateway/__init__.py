"""The LLM gateway: protocols in, providers out, every request accounted for."""
