"""The parts of a workspace that have models of their own, checked: rules, and the settings of each skill."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ValidationError

from domain import qualification
from domain.qualification import QualificationSettings
from domain.rules import Rule
from domain.workflow import Workflow
from domain.workspace import Profile
from skills.registry import SETTINGS

PLANNED = frozenset({"transfers", "property_search", "rasa"})
"""Skills that a file may name already; this version keeps their settings and does not run them."""


def complaints(profile: Profile) -> Iterator[dict[str, Any]]:
    """As pydantic gives them: `loc` from the top of the file, `msg`, `type`, `input`."""
    for n, rule in enumerate(profile.rules):
        yield from _of(Rule, rule, ("rules", n))
    for n, schema in enumerate(profile.schemas):
        if schema.workflow:
            yield from _of(Workflow, schema.workflow, ("schemas", n, "workflow"))
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


def _together(profile: Profile, name: str, settings: Any) -> Iterator[dict[str, Any]]:
    """What only shows beside the rest of the file."""
    if name != "qualification":
        return
    with suppress(ValidationError):  # said already
        read = QualificationSettings.model_validate(settings)
        for words in qualification.complaints(read, profile.fields):
            yield _said(("skills", name), words, settings)


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
