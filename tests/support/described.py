"""Providers that speak one protocol alone, as an operator describes them: no preset does."""

import json
import sqlite3
from pathlib import Path

from gateway.canonical import Protocol

PATHS: dict[Protocol, str] = {"anthropic_messages": "", "gemini": "/v1beta"}


def describe_provider(directory: Path, protocol: Protocol, dialect: str = "standard") -> None:
    """Put one into a data directory; it is called as its protocol is."""
    endpoints = {protocol: f"https://described.example{PATHS.get(protocol, '/v1')}"}
    row = (protocol, protocol, False, json.dumps(endpoints), "{}", dialect, "[]", "", False, True, "")
    with sqlite3.connect(next(directory.glob("*.db"))) as connection:
        connection.execute(
            "INSERT INTO providers (id, title, preset, endpoints, signers, dialect, key_env, docs_url, local,"
            " needs_base_url, hint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    connection.close()
