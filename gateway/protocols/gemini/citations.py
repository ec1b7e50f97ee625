"""Sources of an answer: grounding and citations, whose places Gemini counts in bytes and we in code points."""

from collections.abc import Iterator, Sequence

from gateway.canonical import JSON, Citation, Searched
from gateway.protocols.reading import dicts

SOURCES = ("web", "maps", "retrievedContext", "image")


def read_citations(candidate: JSON, text: str, skipped: int) -> tuple[Citation, ...]:
    """The sources of a stretch of text; `skipped` bytes of the answer's text came before it."""
    grounding = _dict(candidate.get("groundingMetadata"))
    sources = [_read_source(chunk) for chunk in dicts(grounding.get("groundingChunks"))]
    supports = dicts(grounding.get("groundingSupports"))
    cited = [citation for support in supports for citation in _read_support(support, sources, text, skipped)]
    recited = dicts(_dict(candidate.get("citationMetadata")).get("citations"))
    cited += [_placed(_read_source({"web": told}), told, text, skipped) for told in recited]
    return tuple(cited or [source for source in sources if source != Citation()])


def read_searched(candidate: JSON) -> Searched | None:
    """The searches behind an answer, if there were any."""
    grounding = _dict(candidate.get("groundingMetadata"))
    told = grounding.get("webSearchQueries")
    queries = tuple(query for query in told if isinstance(query, str)) if isinstance(told, list) else ()
    sources = [_read_source(chunk) for chunk in dicts(grounding.get("groundingChunks")) if "web" in chunk]
    return Searched(queries, tuple(sources)) if queries else None


def _read_source(chunk: JSON) -> Citation:
    source = next((inner for name in SOURCES if (inner := _dict(chunk.get(name)))), {})
    return Citation(
        url=_string(source.get("uri") or source.get("sourceUri")),
        title=_string(source.get("title")),
        quoted=_string(source.get("text")),
    )


def _read_support(support: JSON, sources: Sequence[Citation], text: str, skipped: int) -> Iterator[Citation]:
    indices = support.get("groundingChunkIndices")
    for at in indices if isinstance(indices, list) else ():
        if isinstance(at, int) and 0 <= at < len(sources):
            yield _placed(sources[at], _dict(support.get("segment")), text, skipped)


def _placed(source: Citation, segment: JSON, text: str, skipped: int) -> Citation:
    start, end = _place(segment, text, skipped)
    return Citation(source.url, source.title, source.quoted, start, end)


def _place(segment: JSON, text: str, skipped: int) -> tuple[int | None, int | None]:
    """Bytes as code points. Where the segment's own text says otherwise, the text is right."""
    start, end = (_number(segment.get(name)) - skipped for name in ("startIndex", "endIndex"))
    said = _string(segment.get("text"))
    data = text.encode(errors="surrogatepass")
    if 0 <= start < end <= len(data):
        first = len(data[:start].decode(errors="ignore"))
        last = first + len(data[start:end].decode(errors="ignore"))
        if not said or text[first:last] == said:
            return first, last
    at = text.find(said) if said else -1
    return (at, at + len(said)) if at >= 0 else (None, None)


class Grounding:
    """Gathers the sources of an answer as it is written."""

    def __init__(self) -> None:
        self._queries: list[str] = []
        self._sources: list[Citation] = []
        self._segments: dict[tuple[int, int], tuple[str, list[int]]] = {}

    def searched(self, searched: Searched) -> None:
        self._queries += [query for query in searched.queries if query not in self._queries]
        self.add([Citation(source.url, source.title) for source in searched.sources], "", 0)

    def add(self, citations: Sequence[Citation], text: str, skipped: int) -> None:
        for citation in citations:
            source = Citation(citation.url, citation.title, "" if citation.url else citation.quoted)
            at = self._place_of(source)
            if citation.start is None or citation.end is None:
                continue
            said = text[citation.start : citation.end]
            start = skipped + len(text[: citation.start].encode(errors="surrogatepass"))
            place = (start, start + len(said.encode(errors="surrogatepass")))
            indices = self._segments.setdefault(place, (said, []))[1]
            indices.append(at)

    def _place_of(self, source: Citation) -> int:
        """Where the source stands, each address once; a title may come to be known later."""
        for at, known in enumerate(self._sources):
            if source == known or (source.url and source.url == known.url):
                self._sources[at] = known if known.title else source
                return at
        self._sources.append(source)
        return len(self._sources) - 1

    def written(self) -> JSON:
        queries: JSON = {"webSearchQueries": self._queries} if self._queries else {}
        if not self._sources:
            return queries
        supports = [
            {"segment": {"startIndex": start, "endIndex": end, "text": said}, "groundingChunkIndices": indices}
            for (start, end), (said, indices) in self._segments.items()
        ]
        chunks = [_write_source(source) for source in self._sources]
        return queries | {"groundingChunks": chunks} | ({"groundingSupports": supports} if supports else {})


def _write_source(source: Citation) -> JSON:
    title: JSON = {"title": source.title} if source.title else {}
    if source.url:
        return {"web": {"uri": source.url} | title}
    return {"retrievedContext": title | {"text": source.quoted}}


def _dict(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
