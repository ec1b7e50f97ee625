"""The three steps to a first request: what has been done of them, and how that reads. No Textual in it."""

from collections.abc import Sequence

from console.ink import Line, Span, fit
from gateway.operations import Candidate, KeyCreated, Snippet, Tried, UpstreamAdded

DEMO = "demo"
KEY_NAME = "first-key"
HIDDEN = "•" * 24
UNFIT = ("embed", "audio", "image", "tts", "whisper", "realtime", "moderation", "dall", "transcribe", "search", "veo")
LIGHT = ("mini", "flash", "haiku", "nano", "lite", "small")


def model_to_try(models: Sequence[str]) -> str:
    """A model that can hold a short chat, a light one where there is one."""
    fit_ones = [model for model in models if not any(word in model for word in UNFIT)]
    light = [model for model in fit_ones if any(word in model for word in LIGHT)]
    return next(iter([*light, *fit_ones, *models]), "")


class FirstSteps:
    """How far the newcomer has come."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.marked = 0
        self.upstream = ""
        """The name of the one there is."""
        self.models: list[str] = []
        self.trouble = ""
        """What went wrong when testing it, and what to do."""
        self.key: KeyCreated | None = None
        self.snippets: list[Snippet] = []
        self.language = 0
        self.tried: Tried | None = None
        self.busy = ""
        """What is being done right now."""

    @property
    def choice(self) -> Candidate | None:
        """The marked provider."""
        return self.candidates[self.marked] if self.candidates else None

    @property
    def snippet(self) -> Snippet | None:
        """The snippet in the language chosen."""
        return self.snippets[self.language % len(self.snippets)] if self.snippets else None

    def take_candidates(self, found: Sequence[Candidate]) -> None:
        """What is on this machine; the demo comes last."""
        self.candidates = sorted(found, key=lambda candidate: candidate.provider_id == DEMO)
        self.marked = 0

    def take_upstream(self, added: UpstreamAdded) -> None:
        """One was added, and tested."""
        self.upstream = added.upstream.name
        self.models = added.upstream.models
        failed = [step for step in added.test if not step.ok]
        self.trouble = f"{failed[0].name}: {failed[0].detail}" if failed else ""

    def mark(self, by: int) -> None:
        """Move the mark among the providers."""
        self.marked = max(0, min(self.marked + by, len(self.candidates) - 1))

    def turn(self, by: int) -> None:
        """The next language."""
        self.language = (self.language + by) % max(1, len(self.snippets))


def step_lines(steps: FirstSteps, width: int) -> list[Line]:
    """The whole guide."""
    busy: list[Line] = [((f"  ◌ {steps.busy}", "accent"),)] if steps.busy else []
    return [
        (),
        _headline(steps),
        (),
        *_upstream_lines(steps, width),
        (),
        *_key_lines(steps),
        (),
        *_request_lines(steps),
        (),
        *busy,
    ]


def _headline(steps: FirstSteps) -> Line:
    if steps.tried and steps.tried.ok:
        return (
            ("  It works. ", "good"),
            ("Give your clients this address and key; ", "plain"),
            ("Esc", "key"),
            (" closes.", "plain"),
        )
    return (
        ("  Three steps to your first request. ", "strong"),
        ("Enter", "key"),
        (" does what is left of them.", "plain"),
    )


def _step(done: bool, number: int, title: str, rest: str) -> Line:
    mark: Span = ("  ✓ ", "good") if done else (f"  {number} ", "key")
    return (mark, (f" {title} ", "strong"), (rest, "muted"))


def _upstream_lines(steps: FirstSteps, width: int) -> list[Line]:
    if steps.upstream:
        first = _step(True, 1, f"Upstream {steps.upstream}", f"- {_counted(steps.models)}")
        trouble: list[Line] = [((f"     ! {steps.trouble}", "warning"),)] if steps.trouble else []
        return [first, *trouble]
    lines = [_step(False, 1, "Upstream", "- where requests go")]
    for place, candidate in enumerate(steps.candidates):
        marked = place == steps.marked
        lines.append(
            (
                ("     > " if marked else "       ", "key"),
                (fit(candidate.found, max(24, min(46, width - 34))) + "  ", "strong" if marked else "plain"),
                (fit(candidate.title, 18), "muted"),
                ("  u use" if marked else "", "key"),
            )
        )
    if not steps.candidates:
        lines.append((("       looking around on this machine ...", "muted"),))
    return [*lines, (("       another provider or address", "muted"), ("   n add", "key"))]


def _counted(models: Sequence[str]) -> str:
    return f"{len(models)} model{'' if len(models) == 1 else 's'}"


def _key_lines(steps: FirstSteps) -> list[Line]:
    if steps.key is None:
        return [
            _step(False, 2, "Key", "- what your clients send instead of the provider's key"),
            (
                ("     > ", "key"),
                (f'create "{KEY_NAME}", any model, no expiry', "plain"),
                ("   k create", "key"),
            ),
        ]
    return [
        _step(True, 2, f"Key {steps.key.key.name}", "- shown once; only a hash of it is kept"),
        (
            ("     ", "plain"),
            (steps.key.secret or HIDDEN, "strong"),
            ("   c copy   h hide" if steps.key.secret else "", "key"),
        ),
    ]


def _request_lines(steps: FirstSteps) -> list[Line]:
    tried = steps.tried
    rest = "- from your own program, or from here"
    lines = [_step(bool(tried and tried.ok), 3, "First request", rest)]
    if steps.snippets:
        lines.append(_languages(steps))
    if steps.snippet:
        lines.extend((("     " + text, "plain"),) for text in steps.snippet.text.rstrip().split("\n"))
    lines.append(
        (("     > ", "key"), ("send one from here", "plain"), ("   t send", "key"), ("   y copy snippet", "key"))
    )
    if tried:
        lines.append(
            (("     ", "plain"), ("✓ " if tried.ok else "✗ ", "good" if tried.ok else "bad"), (tried.text, "plain"))
        )
    return lines


def _languages(steps: FirstSteps) -> Line:
    at = steps.language % len(steps.snippets)
    titles = [snippet.title for snippet in (*steps.snippets[at:], *steps.snippets[:at])]
    others: list[Span] = [(f"   {title}", "muted") for title in titles[1:]]
    return (("     ", "plain"), (titles[0], "chosen"), ("   Tab", "key"), *others)
