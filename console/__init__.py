"""The operator's console and the `console` command."""
