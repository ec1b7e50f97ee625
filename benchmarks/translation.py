"""What translation costs: CPU per frame of a stream and per request, for each pair of protocols.

Run with `python -m benchmarks.translation`. The times are those of this machine and of one core: read them as ratios.
"""

import time
from collections.abc import Callable

from gateway.canonical import (
    PROTOCOLS,
    Ending,
    Event,
    PartDelta,
    PartEnded,
    PartStarted,
    Protocol,
    Request,
    ResponseEnded,
    ResponseStarted,
    Text,
    Turn,
    Usage,
    UsageReported,
)
from gateway.protocols.registry import CODECS, TRANSLATIONS
from gateway.protocols.translation import Target

FRAMES = 400
ROUNDS = 7
SIZES = (1_000, 100_000, 1_000_000)


def request(characters: int) -> Request:
    """A conversation of about so many characters, in turns of at most two thousand."""
    words = "the tide comes in and the tide goes out again "
    said = [words * min(40, max(1, characters // len(words))) for _ in range(max(1, characters // 2_000))]
    turns = [Turn("user" if at % 2 == 0 else "assistant", (Text(text),)) for at, text in enumerate(said)]
    if turns[-1].role == "assistant":
        turns.append(Turn("user", (Text("And then?"),)))
    return Request(model="m", turns=tuple(turns), instructions=(Text("Be brief."),), max_output=1000, stream=True)


def stream() -> list[Event]:
    """An answer in many small pieces."""
    return [
        ResponseStarted("r1", "m", 1_735_689_600),
        PartStarted(0, Text()),
        *(PartDelta(0, " word") for _ in range(FRAMES)),
        PartEnded(0),
        UsageReported(Usage(input=20, output=FRAMES)),
        ResponseEnded(Ending("end")),
    ]


def frames_of(upstream: Protocol) -> list[bytes]:
    """The payloads of that answer as an upstream of this protocol sends them."""
    encoder = TRANSLATIONS[upstream].new_encoder(request(100))
    written = b"".join(map(encoder.encode, stream()))
    call = TRANSLATIONS[upstream].encode_request(request(100), Target("m")).call
    return CODECS[upstream].new_framing(call).payloads(written)


def translate(client: Protocol, upstream: Protocol, payloads: list[bytes]) -> None:
    """The whole stream, once."""
    decoder, encoder = TRANSLATIONS[upstream].new_decoder(), TRANSLATIONS[client].new_encoder(request(100))
    for payload in payloads:
        for event in decoder.feed(payload):
            encoder.encode(event)
    for event in decoder.end():
        encoder.encode(event)


def best(work: Callable[[], object]) -> float:
    """The least CPU time of several rounds, in seconds."""
    least = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least


def main() -> None:
    """Print both tables."""
    print(f"CPU us per stream frame, decode and encode ({FRAMES} frames)\n")
    print("client \\ upstream     " + "".join(f"{name:>20}" for name in PROTOCOLS))
    payloads = {upstream: frames_of(upstream) for upstream in PROTOCOLS}
    for client in PROTOCOLS:
        costs = [best(lambda: translate(client, up, payloads[up])) / FRAMES * 1e6 for up in PROTOCOLS]  # noqa: B023
        print(f"{client:22}" + "".join(f"{cost:20.1f}" for cost in costs))
    for size in SIZES:
        print(f"\nCPU ms per request of about {size // 1000} kB, decode and encode\n")
        for client in PROTOCOLS:
            body = TRANSLATIONS[client].encode_request(request(size), Target("m")).call
            costs = []
            for upstream in PROTOCOLS:
                encode, decode = TRANSLATIONS[upstream].encode_request, TRANSLATIONS[client].decode_request
                costs.append(best(lambda: encode(decode(body), Target("m"))) * 1e3)  # noqa: B023
            print(f"{client:22}" + "".join(f"{cost:20.2f}" for cost in costs))


if __name__ == "__main__":
    main()
