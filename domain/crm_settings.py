"""`integrations.crm` of a workspace's file: what goes to the CRM, what comes from it, and nothing else."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from domain.workspace import Model, Profile

STANDARD = (
    "name", "firstName", "lastName", "email", "phone", "companyName", "address1", "city", "state", "postalCode",
    "country", "website", "timezone", "dateOfBirth", "source",
)  # fmt: skip
"""Fields that every contact has at GoHighLevel; others are `custom.` and the key of a custom field."""
CUSTOM = "custom."
NAME, PHONE, EMAIL, LANGUAGE = "contact.name", "contact.phone", "contact.email", "contact.language"
STATUS = "conversation.status"
ATTRIBUTES = (NAME, PHONE, EMAIL, LANGUAGE, STATUS)
"""What may be mapped besides the fields of the schemas."""
_ONLY_OUT = frozenset({PHONE, EMAIL, STATUS})
_ADDRESSES = {PHONE: "phone", EMAIL: "email"}


class Direction(StrEnum):
    OUT = "out"
    IN = "in"
    BOTH = "both"

    @property
    def sends(self) -> bool:
        return self is not Direction.IN

    @property
    def takes(self) -> bool:
        return self is not Direction.OUT


class Mapped(Model):
    """One of ours and one of theirs."""

    ours: Annotated[str, Field(min_length=1, max_length=80)]
    """contact.name, contact.phone, contact.email, contact.language, conversation.status, or a field of a schema."""
    theirs: Annotated[str, Field(min_length=1, max_length=120)]
    direction: Direction = Direction.OUT

    @field_validator("theirs")
    @classmethod
    def _is_a_field(cls, value: str) -> str:
        key = value.removeprefix(CUSTOM)
        custom = value.startswith(CUSTOM) and key.replace("_", "").isalnum() and key.isascii()
        if value not in STANDARD and not custom:
            raise ValueError(
                f"{value!r} is no field of the CRM; write custom.KEY for a custom field, or one of {', '.join(STANDARD)}"
            )
        return value


class Tags(Model):
    """Tags of a conversation and of the contact there."""

    direction: Direction = Direction.OUT
    only: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] | None = None
    """These and no others; without it, all."""
    always: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = ()
    """Whom we bring there has these, until somebody takes them off there."""


class Note(Model):
    """What a closed conversation leaves there."""

    parts: Annotated[
        tuple[Literal["status", "tags", "fields", "messages", "summary", "transcript"], ...],
        Field(min_length=1),
    ] = ("status", "tags", "messages")
    """`messages`: how many, over what, when. `summary`: where a language model has made one. `transcript`: the words."""
    fields: tuple[str, ...] = ()
    """Of the schemas; no other value stands in the note."""


class CrmSettings(Model):
    kind: Literal["gohighlevel"] = "gohighlevel"
    fields: Annotated[tuple[Mapped, ...], Field(min_length=1, max_length=100)]
    tags: Tags | None = None
    note: Note | None = None
    take_new: bool = False
    """Whoever is new there and has a telephone number or an e-mail becomes a contact here."""
    when_erased: Literal["delete", "leave"] = "delete"
    """What becomes of the contact there when somebody is erased here."""

    def named(self, ours: str) -> Mapped | None:
        return next((one for one in self.fields if one.ours == ours), None)

    @property
    def custom(self) -> tuple[str, ...]:
        """Keys of the custom fields that it names."""
        return tuple(one.theirs.removeprefix(CUSTOM) for one in self.fields if one.theirs.startswith(CUSTOM))


Complaint = tuple[tuple[Any, ...], str, Any]
"""(where below integrations.crm, what is wrong and would be right, what was given)"""


def settings_of(profile: Profile) -> CrmSettings | None:
    """None for a business that has not said what goes there: then nothing does."""
    given = profile.integrations.get("crm")
    return CrmSettings.model_validate(given) if given is not None else None


def complaints(settings: CrmSettings, profile: Profile) -> Iterator[Complaint]:
    """What only shows beside the schemas."""
    known = {field.name for schema in profile.schemas for field in schema.fields}
    choices = ", ".join((*ATTRIBUTES, *sorted(known)))
    for n, one in enumerate(settings.fields):
        if one.ours not in ATTRIBUTES and one.ours not in known:
            yield ("fields", n, "ours"), f"there is no field {one.ours!r}; there are {choices}", one.ours
        if one.ours in _ONLY_OUT and one.direction.takes:
            yield (
                ("fields", n, "direction"),
                f"{one.ours} only goes out: by it we know who writes, and what they consented to", one.direction,
            )  # fmt: skip
        if one.ours in _ADDRESSES and one.theirs != _ADDRESSES[one.ours]:
            yield (
                ("fields", n, "theirs"),
                f"{one.ours} goes to {_ADDRESSES[one.ours]}: by it the CRM finds the contact", one.theirs,
            )  # fmt: skip
    for side in ("theirs", "ours"):
        yield from _twice(settings, side)
    if not any(one.ours in _ADDRESSES for one in settings.fields):
        said = "name contact.phone or contact.email: by one of them the CRM finds a contact"
        yield ("fields",), said, None
    for n, name in enumerate(settings.note.fields if settings.note else ()):
        if name not in known:
            yield (
                ("note", "fields", n),
                f"there is no field {name!r}; there are {', '.join(sorted(known)) or 'none'}", name,
            )  # fmt: skip


def _twice(settings: CrmSettings, side: str) -> Iterator[Complaint]:
    names = [getattr(one, side) for one in settings.fields]
    for n, name in enumerate(names):
        if name in names[:n]:
            yield ("fields", n, side), f"{name!r} is mapped twice; one line for each", name
