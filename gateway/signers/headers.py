"""Credentials that are sent as they are, each in the header that its provider expects."""

HEADERS: dict[str, tuple[bytes, bytes]] = {
    "bearer": (b"authorization", b"Bearer "),
    "x-api-key": (b"x-api-key", b""),
    "api-key": (b"api-key", b""),
    "x-goog-api-key": (b"x-goog-api-key", b""),
}
"""Signer name to header name and what stands before the credential."""

NONE = "none"


def static_headers(signer: str, credential: str) -> list[tuple[bytes, bytes]] | None:
    """The headers for a credential; None if this signer has more to do than write one down."""
    if header := HEADERS.get(signer):
        name, before = header
        # a local server needs no key, and an empty header would be refused
        return [(name, before + credential.encode())] if credential else []
    return [] if signer == NONE else None
