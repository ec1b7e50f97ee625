"""What stands inside messages and tool outputs: text, refusals, media, citations; read strictly and written."""

from collections.abc import Callable

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Document,
    Image,
    Inline,
    Part,
    Refusal,
    Remote,
    Source,
    Stored,
    Text,
    Video,
)
from gateway.errors import BadRequest
from gateway.protocols.media import data_url, read_base64, read_media_type, read_text, read_url
from gateway.protocols.openai_responses import wire
from gateway.protocols.reading import dicts

PDF = "application/pdf"
AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/wav": "wav"}
MEDIA_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}

# reading


def read_content(value: object, at: str) -> list[tuple[Part, JSON]]:
    """Parts, each with the members that nothing canonical stands for."""
    if isinstance(value, str):
        return [(Text(value), {})]
    return [read_part(part, f"{at}[{index}]") for index, part in enumerate(wire.read_list(value, at))]


def read_part(part: JSON, at: str) -> tuple[Part, JSON]:
    kind = wire.read_text(part, "type", at)
    reader = READERS.get(kind)
    if reader is None:
        raise BadRequest(f"'{at}.type' is '{kind}', which no message holds.", code="invalid_value", param=f"{at}.type")
    return reader(part, at)


def _read_text(part: JSON, at: str) -> tuple[Part, JSON]:
    cited = dicts(part.get("annotations"))
    citations = read_citations(cited)
    # what a citation cannot tell, such as the id of a file, is kept as it came
    known = ("annotations",) if all(one.get("type") == "url_citation" for one in cited) else ()
    text = Text(wire.read_text(part, "text", at), citations, cache=wire.read_cache(part, at))
    # the SDK's helpers put what they parsed beside the text
    rest = wire.rest_of(part, "type", "text", "prompt_cache_breakpoint", "parsed", *known)
    return text, {name: value for name, value in rest.items() if value != []}


def _read_refusal(part: JSON, at: str) -> tuple[Part, JSON]:
    return Refusal(wire.read_text(part, "refusal", at)), wire.rest_of(part, "type", "refusal")


def _read_image(part: JSON, at: str) -> tuple[Part, JSON]:
    url, stored = wire.read_optional(part, "image_url", at), wire.read_optional(part, "file_id", at)
    if bool(url) == bool(stored):
        raise wire.missing(f"{at}.image_url")
    source = _read_address(url, f"{at}.image_url") if url else Stored(wire.NAME, stored)
    image = Image(source, wire.read_optional(part, "detail", at), wire.read_cache(part, at))
    return image, wire.rest_of(part, "type", "image_url", "file_id", "detail", "prompt_cache_breakpoint")


def _read_address(url: str, at: str) -> Source:
    source = read_url(url, at)
    if isinstance(source, Inline) and not source.media_type.startswith("image/"):
        raise wire.wrong(at, "an image")
    return source


def _read_file(part: JSON, at: str) -> tuple[Part, JSON]:
    document = Document(
        _read_file_source(part, at), name=wire.read_optional(part, "filename", at), cache=wire.read_cache(part, at)
    )
    known = ("type", "file_data", "file_url", "file_id", "filename", "prompt_cache_breakpoint")
    return document, wire.rest_of(part, *known)


def _read_file_source(part: JSON, at: str) -> Source:
    data, url, stored = (wire.read_optional(part, name, at) for name in ("file_data", "file_url", "file_id"))
    if len([given for given in (data, url, stored) if given]) != 1:
        raise wire.missing(f"{at}.file_data")
    if stored:
        return Stored(wire.NAME, stored)
    if url or data[:5].lower() == "data:":
        return read_url(url or data, f"{at}.file_url" if url else f"{at}.file_data")
    return Inline(PDF, read_base64(data, f"{at}.file_data"))


def _read_audio(part: JSON, at: str) -> tuple[Part, JSON]:
    audio = wire.read_object(part.get("input_audio"), f"{at}.input_audio")
    form = wire.read_text(audio, "format", f"{at}.input_audio")
    data = read_base64(wire.read_text(audio, "data", f"{at}.input_audio"), f"{at}.input_audio.data")
    return Audio(Inline(MEDIA_TYPES.get(form, read_media_type(f"audio/{form}")), data)), {}


READERS: dict[str, Callable[[JSON, str], tuple[Part, JSON]]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "text": _read_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}


# citations


def read_citations(annotations: list[JSON]) -> tuple[Citation, ...]:
    return tuple(_read_citation(one) for one in annotations if one.get("type") in CITED)


def _read_citation(one: JSON) -> Citation:
    index = _place(one, "index")
    start, end = _place(one, "start_index"), _place(one, "end_index")
    return Citation(
        url=_string(one, "url"),
        title=_string(one, "title") or _string(one, "filename"),
        start=index if start is None else start,
        end=index if end is None else end,
    )


CITED = ("url_citation", "file_citation", "container_file_citation")


def write_citation(citation: Citation, text: str) -> JSON:
    """The annotation of a text; of the whole of it where no stretch is told."""
    end = len(text) if citation.end is None else citation.end
    if citation.url:
        place = {"start_index": citation.start or 0, "end_index": end}
        return {"type": "url_citation", "url": citation.url, "title": citation.title, **place}
    return {"type": "file_citation", "file_id": "", "filename": citation.title, "index": end}


def _string(one: JSON, name: str) -> str:
    value = one.get(name)
    return value if isinstance(value, str) else ""


def _place(one: JSON, name: str) -> int | None:
    value = one.get(name)
    return value if type(value) is int else None


def write_text(text: str, citations: tuple[Citation, ...]) -> JSON:
    return {"type": "output_text", "text": text, "annotations": [write_citation(one, text) for one in citations]}


# writing


class PartWriter:
    """Writes the parts of one request; `own` is whether a client of this protocol sent it."""

    def __init__(self, own: bool, losses: wire.Losses, image_urls: bool) -> None:
        self._own = own
        self._losses = losses
        self._image_urls = image_urls

    def input(self, part: Part, at: str) -> JSON | None:
        """For messages of users, instructions and tools; None for what cannot be said there."""
        match part:
            case Text():
                return self._with_cache({"type": "input_text", "text": part.text}, part)
            case Image():
                return self._with_cache(self._image(part, at), part)
            case Document():
                return self._with_cache(self._document(part, at), part)
            case Audio():
                return self._audio(part, at)
            case Refusal():
                return {"type": "input_text", "text": part.text}
            case Video():
                raise _unsupported("OpenAI Responses takes no video.", at)
        self._losses.note(at, "This kind of content cannot stand in a message.")
        return None

    def output(self, part: Text | Refusal) -> JSON:
        """For messages of the model."""
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        return write_text(part.text, part.citations)

    def _with_cache(self, written: JSON, part: Text | Image | Document) -> JSON:
        if self._own and part.cache is not None:
            return written | {"prompt_cache_breakpoint": wire.write_cache(part.cache)}
        return written

    def _image(self, part: Image, at: str) -> JSON:
        written: JSON = {"type": "input_image", "detail": part.detail or "auto"}
        match part.source:
            case Inline() as media:
                return written | {"image_url": data_url(media)}
            case Remote(url=url):
                self._refuse_address(at)
                return written | {"image_url": url}
            case Stored() as stored:
                return written | {"file_id": self._file_id(stored, at)}

    def _document(self, part: Document, at: str) -> JSON:
        name = part.name or part.title
        if part.context:
            self._losses.note(at, "What a document is about cannot be told beside it.")
        if part.cited:
            self._losses.note(at, "Citations from a document cannot be asked for.")
        match part.source:
            case Inline() as media if media.media_type.startswith("text/") and not self._own:
                text = read_text(media, at)
                return {"type": "input_text", "text": f"{name}\n\n{text}" if name else text}
            case Inline() as media:
                file: JSON = {"file_data": data_url(media), "filename": name or "document.pdf"}
            case Remote(url=url):
                self._refuse_address(at)
                file = {"file_url": url}
            case Stored() as stored:
                file = {"file_id": self._file_id(stored, at)}
        return {"type": "input_file", **file, **({"filename": name} if part.name else {})}

    def _audio(self, part: Audio, at: str) -> JSON:
        form = AUDIO_FORMATS.get(part.source.media_type) if isinstance(part.source, Inline) else None
        if form is None or not isinstance(part.source, Inline):
            raise _unsupported("OpenAI Responses takes audio as WAV or MP3 data only.", at)
        return {"type": "input_audio", "input_audio": {"data": part.source.data, "format": form}}

    def _refuse_address(self, at: str) -> None:
        if not self._image_urls:
            raise _unsupported("This model's upstream takes media as data only, not by address.", at)

    def _file_id(self, stored: Stored, at: str) -> str:
        if stored.origin != wire.NAME:
            raise _unsupported("A file stored at another provider cannot be read here.", at)
        return stored.id


def _unsupported(message: str, at: str) -> BadRequest:
    return BadRequest(message, code="unsupported_content", param=at)
