"""What stands inside messages: texts and media, read from Chat's content parts and written as them."""

import msgspec

from gateway.canonical import (
    JSON,
    Audio,
    Cache,
    Document,
    Image,
    Inline,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Source,
    Stored,
    Text,
    Video,
)
from gateway.errors import BadRequest
from gateway.protocols.media import data_url, read_base64, read_media_type, read_text, read_url
from gateway.protocols.openai_chat import wire
from gateway.protocols.translation import Dialect

PDF = "application/pdf"

BREAK = "\n\n"
"""Between texts that become one."""

DETAILS = ("low", "high", "auto", "original")


# reading


def read_content(content: wire.Content, at: str) -> list[Part]:
    """The parts of a message's content; none where it says nothing."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [read_part(part, f"{at}[{index}]") for index, part in enumerate(content or ())]


def read_part(part: wire.WirePart, at: str) -> Part:
    match part:
        case wire.TextPart():
            return Text(part.text, cache=wire.cache_of(part))
        case wire.RefusalPart():
            return Refusal(part.refusal)
        case wire.ThinkingPart(thinking):
            return Reasoning(thinking if isinstance(thinking, str) else "".join(piece.text for piece in thinking))
        case wire.ImagePart():
            return _read_image(part, f"{at}.image_url")
        case wire.VideoPart(address):
            return Video(read_url(_url(address), f"{at}.video_url"))
        case wire.AudioPart(audio):
            form = wire.AUDIO_TYPES.get(audio.format) or read_media_type(f"audio/{audio.format}")
            return Audio(Inline(form, read_base64(audio.data, f"{at}.input_audio.data")))
        case wire.FilePart():
            source = _read_file(part.file, f"{at}.file")
            return Document(source, name=part.file.filename or "", cache=wire.cache_of(part))


def _read_image(part: wire.ImagePart, at: str) -> Image:
    address = part.image_url
    detail = address.detail if isinstance(address, wire.Address) else None
    return Image(read_url(_url(address), at), detail or "", wire.cache_of(part))


def _read_file(file: wire.FileData, at: str) -> Source:
    if file.file_id:
        return Stored(wire.OWN, file.file_id)
    if not file.file_data:
        raise BadRequest(f"'{at}' needs 'file_data' or 'file_id'.", param=at)
    if "://" in file.file_data[:16] or file.file_data[:5].lower() == "data:":
        return read_url(file.file_data, f"{at}.file_data")
    return Inline(PDF, read_base64(file.file_data, f"{at}.file_data"))


def _url(address: wire.Address | str) -> str:
    return address if isinstance(address, str) else address.url


# writing


def join(parts: tuple[Part, ...], between: str) -> str:
    """All the text of these parts."""
    return between.join(part.text for part in parts if isinstance(part, Text | Refusal) and part.text)


def cache_mark(cache: Cache) -> JSON:
    """Anthropic's mark, as some Chat upstreams take it."""
    return {"cache_control": {"type": "ephemeral", **({"ttl": cache.ttl} if cache.ttl else {})}}


class PartWriter:
    """Writes parts for one upstream; `own` is whether a Chat client sent them."""

    def __init__(self, dialect: Dialect, own: bool) -> None:
        self._dialect = dialect
        self._own = own

    def many(self, parts: list[Part], at: str) -> list[JSON]:
        """Content parts, without texts that say nothing. Raises `BadRequest` for media that cannot be sent."""
        written = [self.one(part, at) for part in parts if not (isinstance(part, Text) and not part.text)]
        return [part for part in written if part]

    def one(self, part: Part, at: str) -> JSON:
        match part:
            case Text():
                return {"type": "text", "text": part.text} | self._cache(part.cache)
            case Refusal(text):
                return {"type": "text", "text": text}
            case Image():
                return {"type": "image_url", "image_url": self._image(part, at)} | self._cache(part.cache)
            case Video(source):
                return {"type": "video_url", "video_url": {"url": self._video(source, at)}}
            case Audio(source):
                return {"type": "input_audio", "input_audio": self._audio(source, at)}
            case Document():
                return self._document(part, at)
        return {}

    def marks(self, parts: tuple[Text, ...]) -> bool:
        """Whether one of these texts has a mark that would be lost without parts of their own."""
        return any(self._cache(part.cache) for part in parts)

    def _cache(self, cache: Cache | None) -> JSON:
        if cache is None:
            return {}
        if self._dialect.cache_marks:
            return cache_mark(cache)
        if self._own and "cache" not in self._dialect.drops:
            return {"prompt_cache_breakpoint": {"mode": "explicit", **({"ttl": cache.ttl} if cache.ttl else {})}}
        return {}

    def _image(self, image: Image, at: str) -> JSON:
        detail = {"detail": image.detail} if image.detail in DETAILS else {}
        match image.source:
            case Inline() as media:
                return {"url": data_url(media), **detail}
            case Remote(url) if self._dialect.image_urls:
                return {"url": url, **detail}
            case Remote():
                raise unsupported("This upstream takes no addresses of images: send the image itself.", at)
        raise unsupported("An image in another provider's file store cannot be sent to this upstream.", at)

    def _video(self, source: Source, at: str) -> str:
        if not self._dialect.videos or isinstance(source, Stored):
            raise unsupported("This upstream takes no such video.", at)
        return data_url(source) if isinstance(source, Inline) else source.url

    def _audio(self, source: Source, at: str) -> JSON:
        form = wire.AUDIO_FORMATS.get(source.media_type)
        if isinstance(source, Inline) and self._own and form is None:
            form = source.media_type.removeprefix("audio/")
        if not isinstance(source, Inline) or form is None:
            raise unsupported("OpenAI Chat takes audio as wav or mp3, in the request itself.", at)
        return {"data": source.data, "format": form}

    def _document(self, document: Document, at: str) -> JSON:
        match document.source:
            case Stored(origin, id) if self._own and origin == wire.OWN:
                return {"type": "file", "file": {"file_id": id}} | self._cache(document.cache)
            case Inline(media_type) as media if self._own or not media_type.startswith("text/"):
                return {"type": "file", "file": self._file(document, media)} | self._cache(document.cache)
            case Inline() as media:
                return {"type": "text", "text": _as_text(document, read_text(media, at))} | self._cache(document.cache)
            case Remote(url) if self._own or self._dialect.document_urls:
                return {"type": "file", "file": {"filename": document.name or document.title, "file_data": url}}
        raise unsupported("This upstream takes documents only in the request itself.", at)

    def _file(self, document: Document, media: Inline) -> JSON:
        """Upstreams want a file to have a name, though clients need not give one."""
        name = document.name or document.title or ("" if self._own else f"document.{media.media_type[-3:]}")
        return {**({"filename": name} if name else {}), "file_data": data_url(media)}


def _as_text(document: Document, text: str) -> str:
    """A text document where there are only texts: its title, its context, itself."""
    title = document.title or document.name
    return BREAK.join(filter(None, (f"Document: {title}" if title else "", document.context, text)))


def unsupported(message: str, at: str) -> BadRequest:
    return BadRequest(message, code="unsupported_content", param=at)


def to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
