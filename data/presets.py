"""The providers that ship with the project, and what an operator's base URL makes of their endpoints."""

import re
from importlib.resources import files
from urllib.parse import urlsplit

import msgspec

from data.records import ProviderPreset

_SHARING = {"openai_chat", "openai_responses", "openai_video", "ark_video"}
"""Protocols that have one base URL at a provider."""
_OPERATIONS = re.compile(
    r"/(chat/completions|completions|responses|embeddings|v1/messages(/count_tokens)?|models(/.*)?)$", re.IGNORECASE
)
_AUTHORITY = re.compile(r"^([\w.-]+|\[[\da-f:]+\])(:\d+)?(/|$)", re.IGNORECASE)
_PRIVATE = re.compile(
    r"^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[::1\]|[\w-]+(:|/|$))", re.IGNORECASE
)


class _Presets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: list[ProviderPreset]


def load_presets() -> list[ProviderPreset]:
    """All presets, in the order in which they are offered."""
    text = files("data.reference").joinpath("providers.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Presets).provider


def endpoints_for(preset: ProviderPreset, base_url: str = "", project: str = "", location: str = "") -> dict[str, str]:
    """Each protocol's base URL. `base_url` may be a bare host, an SDK's base URL or a whole pasted address.

    Raises ValueError saying what is missing or wrong.
    """
    if preset.needs_base_url and not base_url.strip():
        raise ValueError(f"{preset.title} needs a base URL.")
    urls = _rebased(preset, base_url) if base_url.strip() else preset.endpoints
    return {protocol: _filled(url, project, location) for protocol, url in urls.items()}


def _filled(template: str, project: str, location: str) -> str:
    if "{project}" not in template:
        return template
    if not project.strip() or not location.strip():
        raise ValueError("This provider needs a project and a location, such as my-project and us-central1 or global.")
    url = template.format(project=project.strip(), location=location.strip())
    if location in ("us", "eu"):
        return url.replace(f"{location}-aiplatform.", f"aiplatform.{location}.rep.")
    return url.replace("global-aiplatform.", "aiplatform.")


def _rebased(preset: ProviderPreset, base_url: str) -> dict[str, str]:
    base, pasted = _cleaned(base_url)
    paths = {protocol: _path(url) for protocol, url in preset.endpoints.items()}
    known = _known_ending(base, paths)
    if not known and _is_exact(base, pasted, paths):
        return dict.fromkeys(paths, base)
    root = base.removesuffix(known)
    return {protocol: root + path for protocol, path in paths.items()}


def _cleaned(base_url: str) -> tuple[str, bool]:
    """The URL with a scheme and without query, trailing slashes or operation; and whether it named an operation."""
    url = base_url.strip()
    if "://" not in url:
        if not _AUTHORITY.match(url):
            raise ValueError(f"{base_url!r} is not a URL.")
        url = ("http://" if _PRIVATE.match(url) else "https://") + url
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https", "demo"):
        raise ValueError(f"{base_url!r} is not an http or https URL.")
    if parts.username or parts.password:
        raise ValueError("A base URL must not hold a user name or password; give the credential by itself.")
    path = parts.path.rstrip("/")
    bare = _OPERATIONS.sub("", path)
    return f"{parts.scheme.lower()}://{parts.netloc}{bare}".rstrip("/"), bare != path


def _path(endpoint: str) -> str:
    return urlsplit(endpoint).path if "://" in endpoint else endpoint


def _known_ending(base: str, paths: dict[str, str]) -> str:
    """The longest ending of the base that is one of the provider's own paths."""
    endings = {path for path in paths.values() if path}
    if "anthropic_messages" in paths:
        endings.add(paths["anthropic_messages"] + "/v1")
    return max((ending for ending in endings if base.endswith(ending)), key=len, default="")


def _is_exact(base: str, pasted: bool, paths: dict[str, str]) -> bool:
    """Whether the base is to be taken as it is: it names a project where one is needed, or the provider speaks only
    OpenAI's protocols, which have one base URL."""
    if any("{project}" in path for path in paths.values()):
        return "/projects/" in base
    return set(paths) <= _SHARING and (pasted or bool(_path(base)))
