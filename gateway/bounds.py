"""What a request can come to before it is answered: an estimate, and the most it can be. Pure.

A token is at least one byte of text in every tokenizer that models use, so the bytes of a request bound its tokens; of
media the bytes say little, so each piece counts as a fixed sum. Output is bounded by what the request declares.
"""

import re
from decimal import ROUND_CEILING, Decimal

from msgspec import Struct

from gateway.canonical import NO_DETAILS, Details, Usage
from gateway.meters import INPUT_METERS, PARTS, REQUEST
from gateway.rates import Rate

BYTES_PER_TOKEN = 3
"""Of text that is mostly English and JSON, rather too few than too many."""
LONGEST_UNDECLARED = 32_000
"""Output tokens of a model whose limit nobody knows, when the request declares none."""
MEDIUM = 5_000
"""Tokens of an image, or of what is only referred to."""
BYTES_PER_MEDIA_TOKEN = 16
"""Of documents, sound and films, beyond that."""
BYTES_PER_SECOND = 1000
"""Of recorded speech, as tightly packed as anybody does."""
SEARCHES = 10
"""That a provider does for one answer."""
TOOLS = 1_000
"""Tokens by which providers tell a model how to use the tools that it is given, beside those tools themselves."""
FORM = b"--"
"""How a form begins, in which files come."""
SMALL = 64 * 1024
"""Bytes up to which a request is not searched for media."""

NOTHING = Decimal()
_INPUTS = (*INPUT_METERS, *(part for part, bucket in PARTS.items() if bucket in INPUT_METERS))
_OUTPUTS = ("output", "reasoning", *(part for part, bucket in PARTS.items() if bucket == "output"))
_MEDIA = re.compile(rb'(?:;base64,|"(?:data|file_data)"\s*:\s*")([A-Za-z0-9+/=_-]{2000,})')
_REFERENCE = re.compile(
    rb'"(?:image_url|file_url|file_id|fileUri|file_uri|inlineData|inline_data|cachedContent|container'
    rb'|previous_response_id)"|"type"\s*:\s*"(?:image|document)"'
)
_LARGE_KINDS = (b"pdf", b"audio", b"video", b"input_file", b"input_audio")


class Weight(Struct, frozen=True, gc=False):
    """How much goes in, in tokens."""

    estimate: int
    most: int


def weigh(body: bytes) -> Weight:
    """A request's input by its bytes."""
    if body.startswith(FORM):
        files = body.count(b"filename=") * MEDIUM + len(body) // BYTES_PER_MEDIA_TOKEN
        return Weight(files, files)
    text, media = len(body), 0
    if len(body) > SMALL and (b";base64," in body or b'data"' in body):
        for found in _MEDIA.finditer(body):
            size = found.end(1) - found.start(1)
            text -= size
            media += MEDIUM
            if any(kind in body[max(0, found.start() - 200) : found.start(1)] for kind in _LARGE_KINDS):
                media += size // BYTES_PER_MEDIA_TOKEN
    return Weight(text // BYTES_PER_TOKEN + media, text + media)


def heaviest(body: bytes) -> int:
    """The most tokens that can go in: each picture, however well packed, and what is only referred to included."""
    tools = TOOLS if b'"tools"' in body else 0
    return weigh(body).most + MEDIUM * len(_REFERENCE.findall(body)) + tools


def longest(declared: int | None, known: int | None, choices: int) -> int:
    """The most output tokens of a request: as declared, as the model can."""
    bounds = [bound for bound in (declared, known) if bound is not None]
    return (min(bounds) if bounds else LONGEST_UNDECLARED) * choices


def estimate(rate: Rate, size: int, taken_in: int, put_out: int, film: int = 0) -> int:
    """What so much would cost, in micro-units, rounded up, if all input is fresh; `film` is in seconds."""
    prices = rate.prices_for(Usage(input=taken_in))
    return _sum(prices, prices.get("input", NOTHING), size, taken_in, put_out, film)


def most(rate: Rate, size: int, taken_in: int, put_out: int, film: int = 0) -> int:
    """The same where all input is of the dearest kind, on the dearest terms, and providers search."""
    terms = [NO_DETAILS, *(Details(terms=variant.when) for variant in rate.variants)]
    return max(_most(rate.prices_for(Usage(input=taken_in, details=on)), size, taken_in, put_out, film) for on in terms)


def _most(prices: dict[str, Decimal], size: int, taken_in: int, put_out: int, film: int) -> int:
    dearest = max(prices.get(meter, NOTHING) for meter in _INPUTS)
    searches = sum(SEARCHES * prices.get(meter, NOTHING) for meter in ("web_searches", "file_searches"))
    return _sum(prices, dearest, size, taken_in, put_out, film) + _whole(searches)


def _sum(prices: dict[str, Decimal], input_price: Decimal, size: int, taken_in: int, put_out: int, film: int) -> int:
    total = taken_in * input_price + put_out * max(prices.get(meter, NOTHING) for meter in _OUTPUTS)
    total += size * prices.get("characters", NOTHING)
    total += (size // BYTES_PER_SECOND + 1) * prices.get("audio_seconds", NOTHING)
    total += film * prices.get("video_seconds", NOTHING)
    return _whole(total + prices.get(REQUEST, NOTHING))


def _whole(millionths: Decimal | int) -> int:
    return int(Decimal(millionths).scaleb(-6).to_integral_value(ROUND_CEILING))
