"""The form of an account at a provider."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from console.screens.forms.key import names_in
from console.widgets.form import Field, Values
from console.widgets.picker import Pick
from gateway.operations import AddUpstream, Candidate, EditUpstream, ProviderView, UpstreamView

PLACED = "{"
"""A provider's address has gaps, `{project}` and `{location}`, that an account fills."""
FOUND = "found:"
"""Before the number of a candidate, where a provider's id would be."""


def picks(candidates: Sequence[Candidate], providers: Iterable[ProviderView]) -> list[Pick]:
    """What was found on this machine, then everything else."""
    found = [Pick(f"{FOUND}{place}", each.title, f"● {each.found}", "good") for place, each in enumerate(candidates)]
    return [*found, *(Pick(each.id, each.title, each.hint or each.base_url) for each in providers)]


def read_credential(text: str) -> str:
    """What was typed, or what the file after an `@` holds. Raises `ValueError` with words for a person."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"This file cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from error


def credential_check(text: str) -> str:
    """What is wrong with a credential, as far as can be told without showing it."""
    try:
        read_credential(text)
    except ValueError as error:
        return str(error)
    return ""


def whole_number(text: str) -> str:
    """What is wrong with a weight."""
    return "" if text.isdigit() and 1 <= int(text) <= 1000 else "A whole number from 1 to 1000."


def upstream_fields(provider: ProviderView, candidate: Candidate | None) -> list[Field]:
    """For a new account: only what this provider asks for."""
    variables = ", ".join(provider.key_env)
    env = candidate.env if candidate else ""
    optional = " Empty where none is wanted." if provider.local or provider.needs_base_url else ""
    fields = [
        Field("name", "Name", "", f"For routes, and before models. Empty: {provider.id}."),
        Field(
            "credential",
            "Credential",
            "",
            f"Its key, or @file. Kept encrypted.{optional}",
            credential_check,
            secret=True,
        ),
        Field(
            "credential_env",
            "or variable",
            env,
            "A variable of the gateway's environment that holds it" + (f": {variables}." if variables else "."),
        ),
    ]
    if PLACED in provider.base_url:
        fields += [
            Field("project", "Project", "", "Its id, as in the console of the provider."),
            Field("location", "Location", "", "us-central1, europe-west4, global."),
        ]
    else:
        usual = f"Empty: {provider.base_url}" if provider.base_url else "https://host/v1"
        address = candidate.base_url if candidate and candidate.base_url != provider.base_url else ""
        needed = _address_needed if provider.needs_base_url else _any_address
        fields.append(Field("base_url", "Base URL", address, usual, needed))
    fields.append(Field("models", "Models", "", "Names that the provider's own list lacks. Usually empty."))
    return fields


def _any_address(text: str) -> str:
    return "" if not text or text.startswith(("http://", "https://")) else "An address begins with https:// or http://."


def _address_needed(text: str) -> str:
    return _any_address(text) if text else "This provider has no usual address: give yours."


def new_upstream(provider_id: str, values: Values) -> AddUpstream:
    """An account as it was filled in; what was typed goes before a variable."""
    credential = read_credential(values["credential"])
    return AddUpstream(
        provider_id=provider_id,
        name=values["name"],
        credential=credential,
        credential_env="" if credential else values["credential_env"],
        base_url=values.get("base_url", ""),
        project=values.get("project", ""),
        location=values.get("location", ""),
        models=names_in(values["models"]),
    )


def edit_fields(upstream: UpstreamView) -> Sequence[Field]:
    """For changing an account; what is secret is never shown again, only replaced."""
    hint = f"Empty keeps …{upstream.credential_hint}." if upstream.credential_hint else "Empty keeps what there is."
    return (
        Field("name", "Name", upstream.name),
        Field("credential", "Credential", "", f"A key, or @file. {hint}", credential_check, secret=True),
        Field("base_url", "Base URL", upstream.base_url, "", _any_or_demo),
        Field("weight", "Weight", str(upstream.weight), "Its share among equals.", whole_number),
        Field("models", "Models", "", "Names the provider's list lacks. Empty keeps those given before."),
        Field(
            "unpriced",
            "No price",
            "serve" if upstream.unpriced else "refuse",
            "What becomes of requests whose price nobody knows; those served are marked.",
            choices=("refuse", "serve"),
        ),
    )


def _any_or_demo(text: str) -> str:
    return "" if "://" in text else "An address begins with https:// or http://."


def changed_upstream(upstream: UpstreamView, values: Values) -> EditUpstream:
    """What was changed of an account."""
    return EditUpstream(
        id=upstream.id,
        name=values["name"] if values["name"] != upstream.name else None,
        credential=read_credential(values["credential"]) or None,
        base_url=values["base_url"] if values["base_url"] != upstream.base_url else None,
        weight=int(values["weight"]) if values["weight"] != str(upstream.weight) else None,
        models=names_in(values["models"]) or None,
        unpriced=values["unpriced"] == "serve" if (values["unpriced"] == "serve") != upstream.unpriced else None,
    )
