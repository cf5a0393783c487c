"""Leads: which questions are asked, and the score from declared weights. Who somebody is never counts: a score may look
at what they want, not at their name, where they come from or how they speak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from domain.rules.conditions import Facts, When, fields_of, holds
from domain.workspace import Field_, Model, Name, SkillSettings

LOWEST, HIGHEST = 1, 10
PERSONAL = frozenset(
    {"person_name", "phone", "email", "address", "file", "text", "long_text", "url", "reference"}
)
"""Types of fields that say who somebody is, or anything at all in free words."""


class Weight(Model):
    """`points` are added when the conditions hold; `why` is told to people of the business."""

    when: When
    points: Annotated[int, Field(ge=-10, le=10)]
    why: Name


class QualificationSettings(SkillSettings):
    """`skills.qualification` of a workspace."""

    ask: tuple[str, ...] = ()
    """Fields in the order they are asked for; none named are the schema's required ones."""
    begin: tuple[str, ...] = ()
    """Intents that begin it, beside telling something that the schema has a field for."""
    base: Annotated[int, Field(ge=LOWEST, le=HIGHEST)] = 1
    score: tuple[Weight, ...] = ()
    hot: Annotated[int, Field(ge=LOWEST, le=HIGHEST)] = 8
    warm: Annotated[int, Field(ge=LOWEST, le=HIGHEST)] = 5
    refusals: Annotated[int, Field(ge=1, le=5)] = 2
    """So often a question is put; then it is left out."""

    @model_validator(mode="after")
    def _in_order(self) -> "QualificationSettings":
        if self.warm > self.hot:
            raise ValueError("warm must not be higher than hot")
        return self


class Warmth(StrEnum):
    HOT = "hot"
    WARM = "warm"
    NURTURE = "nurture"


@dataclass(frozen=True, slots=True)
class Score:
    """1 to 10, with the reasons that made it."""

    points: int
    warmth: Warmth
    reasons: tuple[str, ...]


def plan(settings: QualificationSettings, fields: Sequence[Field_]) -> list[Field_]:
    """What is asked; in order, when the settings name it. Unknown names are left out: `complaints` says so when the file
    is applied."""
    by_name = {field.name: field for field in fields}
    if settings.ask:
        return [by_name[name] for name in settings.ask if name in by_name]
    return [field for field in fields if field.required]


def score(
    settings: QualificationSettings, fields: Sequence[Field_], values: Mapping[str, Any], now: datetime
) -> Score:
    """From what is wanted alone: values of personal fields are not even handed to the conditions."""
    allowed = {field.name for field in fields if field.type not in PERSONAL and not field.pii}
    facts = Facts({name: value for name, value in values.items() if name in allowed}, now)
    met = [weight for weight in settings.score if holds(weight.when, facts)]
    points = max(LOWEST, min(HIGHEST, settings.base + sum(weight.points for weight in met)))
    warmth = (
        Warmth.HOT if points >= settings.hot else Warmth.WARM if points >= settings.warm else Warmth.NURTURE
    )
    return Score(points, warmth, tuple(f"{weight.why} ({weight.points:+d})" for weight in met))


def complaints(settings: QualificationSettings, fields: Sequence[Field_]) -> list[str]:
    """Names that no field has, and weights that would look at who somebody is."""
    by_name = {field.name: field for field in fields}
    unknown = [name for name in settings.ask if name not in by_name]
    found = [f"ask names {name!r}; the fields are {', '.join(by_name)}" for name in unknown]
    for weight in settings.score:
        for name in sorted(fields_of(weight.when)):
            field = by_name.get(name.removeprefix("context."))
            if field is None:
                found.append(f"a score looks at {name!r}, which is no field")
            elif field.type in PERSONAL or field.pii:
                found.append(
                    f"a score must not look at {name!r}: it says who somebody is, not what they want"
                )
    return found
