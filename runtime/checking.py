"""The parts of a workspace that have models of their own, checked: rules, and the settings of each skill."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ValidationError

from domain import completion, crm_settings, qualification, workflow
from domain.booking import BookingSettings
from domain.crm_settings import CrmSettings
from domain.payment import PaymentSettings
from domain.qualification import QualificationSettings
from domain.rules import Rule
from domain.workflow import Workflow
from domain.workspace import Profile
from skills.registry import SETTINGS

PLANNED = frozenset({"transfers", "property_search"})
"""Skills that a file may name already; this version keeps their settings and does not run them."""


def complaints(profile: Profile) -> Iterator[dict[str, Any]]:
    """As pydantic gives them: `loc` from the top of the file, `msg`, `type`, `input`."""
    for n, rule in enumerate(profile.rules):
        yield from _of(Rule, rule, ("rules", n))
    for n, schema in enumerate(profile.schemas):
        for where, words, given in completion.complaints(schema):
            yield _said(("schemas", n, *where), words, given)
        if schema.workflow:
            yield from _of(Workflow, schema.workflow, ("schemas", n, "workflow"))
    yield from _unknown_schemas(profile)
    yield from _changes_schema(profile)
    yield from _integrations(profile)
    names = [rule.get("name") for rule in profile.rules]
    for n, name in enumerate(names):
        if name in names[:n]:
            yield _said(("rules", n, "name"), f"two rules are named {name!r}", name)
    for name, settings in profile.skills.items():
        if name in SETTINGS:
            yield from _of(SETTINGS[name], settings, ("skills", name))
            yield from _together(profile, name, settings)
        elif name not in PLANNED:
            known = ", ".join(sorted({*SETTINGS, *PLANNED}))
            yield _said(("skills", name), f"{name!r} is not a skill; there are {known}", name)


def _integrations(profile: Profile) -> Iterator[dict[str, Any]]:
    for name, settings in profile.integrations.items():
        if name != "crm":
            yield _said(("integrations", name), f"{name!r} is no integration; there is crm", name)
            continue
        yield from _of(CrmSettings, settings, ("integrations", "crm"))
        with suppress(ValidationError):  # said already
            for where, words, given in crm_settings.complaints(CrmSettings.model_validate(settings), profile):
                yield _said(("integrations", "crm", *where), words, given)


def _unknown_schemas(profile: Profile) -> Iterator[dict[str, Any]]:
    """Who names a schema names one that is there."""
    known = [one.name for one in profile.schemas]
    for where, name in _named_schemas(profile):
        if isinstance(name, str) and name not in known:
            yield _said(where, f"there is no schema {name!r}; there are {', '.join(known) or 'none'}", name)


def _named_schemas(profile: Profile) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for n, channel in enumerate(profile.channels):
        yield ("channels", n, "schema"), channel.schema_
    for n, rule in enumerate(profile.rules):
        actions = rule.get("then")
        for m, action in enumerate(actions if isinstance(actions, list | tuple) else ()):
            if isinstance(action, Mapping):
                yield ("rules", n, "then", m, "set_schema"), action.get("set_schema")
    for skill, settings in profile.skills.items():
        if skill in SETTINGS and isinstance(settings, Mapping):
            yield ("skills", skill, "schema"), settings.get("schema")


def _changes_schema(profile: Profile) -> Iterator[dict[str, Any]]:
    """A workflow does not lead out of itself."""
    for n, schema in enumerate(profile.schemas):
        with suppress(ValidationError):  # said already
            flow = workflow.read(schema.workflow)
            for m, status in enumerate(flow.statuses if flow else ()):
                for when in ("enter", "leave"):
                    for k, action in enumerate(getattr(status, when)):
                        if action.set_schema is not None:
                            where = ("schemas", n, "workflow", "statuses", m, when, k, "set_schema")
                            said = "a status cannot choose another schema; let a rule on status_changed do it"
                            yield _said(where, said, action.set_schema)


def _together(profile: Profile, name: str, settings: Any) -> Iterator[dict[str, Any]]:
    """What only shows beside the rest of the file."""
    with suppress(ValidationError):  # said already
        if name == "qualification":
            read = QualificationSettings.model_validate(settings)
            for words in qualification.complaints(read, profile.using(read.schema_ or "").fields):
                yield _said(("skills", name), words, settings)
        if name == "payment":
            yield from _booked(profile, PaymentSettings.model_validate(settings))


def _booked(profile: Profile, settings: PaymentSettings) -> Iterator[dict[str, Any]]:
    """What is paid for when it is booked can be booked."""
    booking = profile.skills.get("booking")
    services = BookingSettings.model_validate(booking).services if booking is not None else ()
    known = [one.name for one in services]
    for n, item in enumerate(settings.items):
        for m, service in enumerate(item.services):
            if service.casefold() not in [one.casefold() for one in known]:
                words = f"{service!r} is no service of skills.booking; there are {', '.join(known) or 'none'}"
                yield _said(("skills", "payment", "items", n, "services", m), words, service)


def planned(profile: Profile) -> list[str]:
    return sorted(PLANNED & profile.skills.keys() - SETTINGS.keys())


def _of(model: type[BaseModel], given: Mapping[str, Any], where: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    try:
        model.model_validate(given)
    except ValidationError as error:
        found = error.errors()
        for one in found:
            if one["type"] == "too_short" and any(_within(other, one) for other in found):
                continue  # what is wrong in a list leaves it empty: an echo
            yield {**one, "loc": (*where, *one["loc"])}


def _within(one: Any, other: Any) -> bool:
    return len(one["loc"]) > len(other["loc"]) and one["loc"][: len(other["loc"])] == other["loc"]


def _said(where: tuple[Any, ...], words: str, given: Any) -> dict[str, Any]:
    return {"loc": where, "msg": words, "type": "value_error", "input": given}
