"""What a business tells us about itself: the shape of its YAML file, validated, frozen, with defaults.

The outside relies on these names (contract, section 6). Pydantic says where a mistake is; `runtime.files`
turns that into file, line and path.
"""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import phonenumbers
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from domain import zones
from domain.fields.definition import Field_ as Field_
from domain.fields.definition import FieldType as FieldType
from domain.fields.registry import misdefined

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_duration(value: Any) -> Any:
    """ "90s", "8h", "14d", "1h30m" → timedelta; a timedelta or a number of seconds stays."""
    if not isinstance(value, str):
        return value
    rest, total = value.strip().lower(), timedelta()
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        unit = rest[len(number) : len(number) + 1]
        if not number or unit not in _UNITS:
            raise ValueError(f"{value!r} is not a duration; write 90s, 15m, 8h, 14d or 1h30m")
        try:
            total += timedelta(**{_UNITS[unit]: float(number)})
        except OverflowError:
            raise ValueError(
                f"{value!r} is longer than time goes; write 90s, 15m, 8h, 14d or 1h30m"
            ) from None
        rest = rest[len(number) + 1 :].strip()
    return total


def _show_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


Duration = Annotated[timedelta, BeforeValidator(read_duration), PlainSerializer(_show_duration)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Identity(Model):
    slug: Slug
    name: Name
    timezone: str = "UTC"
    industry: str = "general"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if not zones.is_known(value):
            raise ValueError(f"{value!r} is not an IANA time zone; write for example America/Chicago")
        return value


class Assistant(Model):
    name: Name = "Ava"
    role: str = "receptionist"
    personality: Literal["friendly", "professional", "casual", "formal", "empathetic", "concise"] = "friendly"
    instructions: str = ""
    greeting: str = ""
    languages: tuple[Literal["en", "es"], ...] = ("en",)


class Reason(StrEnum):
    """Why a reply may have to wait for a person. `policy.approve` lists those that do."""

    LOW_CONFIDENCE = "low_confidence"
    MONEY = "money"
    COMPLAINT = "complaint"
    UNKNOWN = "unknown"
    ALL = "all"


class Posture(StrEnum):
    """How much the assistant does alone."""

    AUTO = "auto"
    DRAFT = "draft"
    OFF = "off"


class Policy(Model):
    default: Posture = Posture.AUTO
    approve: tuple[Reason, ...] = (Reason.LOW_CONFIDENCE,)
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.7
    pause_after_human: Duration = timedelta(hours=8)
    draft_expires: Duration = timedelta(hours=24)
    replies_per_10_minutes: Annotated[int, Field(ge=1)] = 12
    messages_per_day: Annotated[int, Field(ge=1)] | None = None
    reopen_with: str | None = None
    """The template that asks whether we may go on, when a provider's window is over and words wait."""


class Models(Model):
    """What language models may do for this business, where the installation has any, and what that may cost in a
    day of the business's own zone."""

    understanding: Literal["never", "unsure", "always"] = "unsure"
    """When a model reads what was written: where the understanding without one is unsure, or always."""
    words: Literal["never", "needed", "always"] = "needed"
    """When a model words an answer from the documents: where no sentence of theirs answers well, or always."""
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    cost_per_day: Annotated[Decimal, Field(gt=0)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    soft: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.8")
    """From this share of a limit on, models are asked only where nothing else has an answer."""
    keep_answers: Duration = timedelta(hours=24)
    """How long the same question gets the same answer without asking again; 0s: never."""

    @model_validator(mode="before")
    @classmethod
    def _no_floats(cls, value: Any) -> Any:
        """0.1 in YAML is a float; as money it is what was written."""
        if not isinstance(value, dict):
            return value
        return {name: str(one) if isinstance(one, float) else one for name, one in value.items()}


class SkillSettings(Model):
    """What the settings of every skill may say."""

    schema_: Slug | None = Field(default=None, alias="schema")
    """What a conversation fills once the skill has begun in it."""


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = tuple[time, time]


class Hours(Model):
    """Opening times of each weekday, Monday first; an empty tuple is closed. A day named by its date is unlike its
    weekday: a holiday, a half day."""

    days: tuple[tuple[Span, ...], ...] = ((),) * 7
    exceptions: dict[date, tuple[Span, ...]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "days" in value:
            return value
        days: list[tuple[Span, ...]] = [()] * 7
        exceptions = dict[date, tuple[Span, ...]]()
        for key, said in value.items():
            if str(key)[:1].isdigit():
                exceptions[_date(str(key))] = _spans(said)
                continue
            for day in _days(str(key)):
                days[day] = _spans(said)
        return {"days": tuple(days), "exceptions": exceptions}


def _date(key: str) -> date:
    try:
        return date.fromisoformat(key)
    except ValueError:
        raise ValueError(f"{key!r} is not a day; write mon, mon-fri or a date like 2026-12-25") from None


def _days(key: str) -> range:
    first, _, last = key.lower().partition("-")
    if first not in DAYS or (last and last not in DAYS):
        raise ValueError(f"{key!r} is not a day; write mon or mon-fri")
    return range(DAYS.index(first), DAYS.index(last or first) + 1)


def _spans(said: Any) -> tuple[Span, ...]:
    if said in ("closed", None, False):
        return ()
    spans = []
    for part in str(said).split(","):
        opens, dash, closes = part.strip().partition("-")
        try:
            span = (time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip()))
        except ValueError:
            span = (time.max, time.min)
        if not dash or span[0] >= span[1]:
            raise ValueError(
                f'{said!r} are no opening hours; write "08:00-17:00", "08:00-12:00, 13:00-17:00" or closed'
            )
        spans.append(span)
    return tuple(spans)


class Brand(Model):
    """How the business looks where it shows itself: the web chat's colour."""

    color: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None


class ChannelSettings(Model):
    model_config = ConfigDict(serialize_by_alias=True)

    kind: str
    schema_: Slug | None = Field(default=None, alias="schema")
    """What conversations that begin here fill, unless a rule, a skill or a person says otherwise."""
    address: str = ""
    origins: tuple[str, ...] = ()
    credentials: dict[str, str] = Field(default_factory=dict, repr=False)
    debounce: Duration | None = None
    debounce_max: Duration | None = None
    per_second: Annotated[float, Field(gt=0, le=1000)] = 1.0
    max_segments: Annotated[int, Field(ge=1, le=10)] = 10

    @field_validator("address")
    @classmethod
    def _e164(cls, value: str) -> str:
        if not value.startswith("+"):
            return value
        try:
            number = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            raise ValueError(f"{value!r} is not a telephone number; write it like +15125550199") from None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class AskFirst(Model):
    """When the conditions, over fields of the same schema, hold, these are asked for before all others."""

    when: dict[str, Any] = Field(default_factory=dict)
    fields: Annotated[tuple[str, ...], Field(min_length=1, max_length=200)]


class Schema(Model):
    name: Slug
    fields: tuple[Field_, ...]
    ask_first: Annotated[tuple[AskFirst, ...], Field(max_length=50)] = ()
    """The first that holds goes before the second; then fields go by their priority."""
    workflow: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Schema":
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("two fields have the same name")
        wrong = next((said for field in self.fields if (said := misdefined(field))), None)
        if wrong:
            raise ValueError(wrong)
        return self


class Template(Model):
    """Words that WhatsApp approves beforehand: the only ones that may open a conversation there. {{1}}, {{2}}, …
    stand for `variables`, in that order. The same name in two languages is one template."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,120}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(_[A-Z]{2})?$")] = "en"
    category: Literal["utility", "marketing", "authentication"] = "utility"
    body: Annotated[str, Field(min_length=1, max_length=1024)]
    variables: tuple[
        Literal[
            "contact.name", "workspace.name", "assistant.name", "appointment.service", "appointment.start",
            "appointment.staff",
        ], ...
    ] = ()  # fmt: skip
    """Those of an appointment stand in the template of reminders only."""

    @model_validator(mode="after")
    def _places(self) -> "Template":
        named = {int(n) for n in re.findall(r"\{\{(\d+)\}\}", self.body)}
        if named != set(range(1, len(self.variables) + 1)):
            raise ValueError(
                f"the body must hold {{{{1}}}} to {{{{{len(self.variables)}}}}}, one for each variable"
            )
        if re.match(r"\s*\{\{", self.body) or re.search(r"\}\}\s*$", self.body):
            raise ValueError("the body must not begin or end with a variable: WhatsApp refuses that")
        return self


class Profile(Model):
    """A whole workspace as its file says it. Immutable; a change makes a new one."""

    workspace: Identity
    assistant: Assistant = Assistant()
    policy: Policy = Policy()
    models: Models = Models()
    hours: Hours = Hours()
    brand: Brand = Brand()
    channels: tuple[ChannelSettings, ...] = ()
    schemas: tuple[Schema, ...] = ()
    intents: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Example sentences of this business's own intents, by intent."""
    templates: tuple[Template, ...] = ()
    rules: tuple[dict[str, Any], ...] = ()
    skills: dict[str, Any] = Field(default_factory=dict)
    integrations: dict[str, Any] = Field(default_factory=dict)
    """Other programs of the business; `crm` is domain.crm_settings."""
    knowledge: tuple[str, ...] = ()
    """Paths of documents, from the file's repository root."""

    @model_validator(mode="after")
    def _known_template(self) -> "Profile":
        wanted, known = self.policy.reopen_with, sorted({one.name for one in self.templates})
        if wanted is not None and wanted not in known:
            raise ValueError(
                f"policy.reopen_with names {wanted!r}; templates are {', '.join(known) or 'none'}"
            )
        keys = [(one.name, one.language) for one in self.templates]
        if len(set(keys)) != len(keys):
            raise ValueError("two templates have the same name and language")
        return self

    @property
    def fields(self) -> tuple[Field_, ...]:
        """Every field that the first schema asks to be taken from what customers write."""
        return tuple(f for f in self.schemas[0].fields if f.extract) if self.schemas else ()

    def schema_named(self, name: str) -> Schema | None:
        return next((one for one in self.schemas if one.name == name), None)

    def using(self, name: str) -> "Profile":
        """The same business as a conversation sees it that has this schema: it comes first. One that is not there (any
        more) changes nothing."""
        chosen = self.schema_named(name)
        if chosen is None or chosen is self.schemas[0]:
            return self
        others = tuple(one for one in self.schemas if one is not chosen)
        return self.model_copy(update={"schemas": (chosen, *others)})
