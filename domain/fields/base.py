"""What every field type can do: read words, check a value, show it, and say its JSON Schema."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from domain.entities import Entity, find_entities
from domain.fields.definition import Field_, FieldType

LOCALES = {"en": "en_US", "es": "es_US"}


@dataclass(frozen=True, slots=True)
class Here:
    """Where and when words are read. `now` is aware, in the workspace's zone; `country` as in `domain.entities`."""

    now: datetime
    language: str = "en"
    country: str = "US"

    @property
    def locale(self) -> str:
        return LOCALES.get(self.language, "en_US")


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a value is not acceptable, for people: what would be right."""

    code: str
    detail: str


class Kind(ABC):
    """A type. A value is canonical JSON: what is stored, compared, and handed out by the API."""

    type: ClassVar[FieldType]
    personal: ClassVar[bool] = False
    """A value of this type is personal data whether or not the admin says so."""

    @abstractmethod
    def parse(self, text: str, field: Field_, here: Here) -> Any:
        """The canonical value of these words, or a Complaint. Never raises."""

    @abstractmethod
    def show(self, value: Any, field: Field_, here: Here) -> str:
        """A canonical value in the language's notation; `parse` reads it back."""

    @abstractmethod
    def json_schema(self, field: Field_) -> dict[str, Any]: ...

    @abstractmethod
    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        """A JSON value that did not come as words (from a model, the API, an import) made canonical, or a
        Complaint."""

    def order(self, value: Any) -> Any:
        """What `minimum` and `maximum` compare; None when the type has no order."""
        return None

    def bound(self, said: Any, here: Here | None) -> Any:
        """A limit as `order` gives it. Raise ValueError when it is none of this type. Without `here`, "today"
        is known only to be well-formed."""
        raise ValueError(f"a {self.type} has no minimum or maximum")


def validate(kind: Kind, value: Any, field: Field_, here: Here) -> Complaint | None:
    """The limits that the admin set, for a canonical value."""
    measure = kind.order(value)
    if measure is not None:
        if field.minimum is not None and measure < kind.bound(field.minimum, here):
            return Complaint("too_small", f"must be at least {field.minimum}")
        if field.maximum is not None and measure > kind.bound(field.maximum, here):
            return Complaint("too_large", f"must be at most {field.maximum}")
    return _length(value, field)


def _length(value: Any, field: Field_) -> Complaint | None:
    if not isinstance(value, str | list):
        return None
    unit = "characters" if isinstance(value, str) else "items"
    if field.min_length is not None and len(value) < field.min_length:
        return Complaint("too_short", f"must have at least {field.min_length} {unit}")
    if field.max_length is not None and len(value) > field.max_length:
        return Complaint("too_long", f"must have at most {field.max_length} {unit}")
    return None


def entities(text: str, here: Here, *kinds: str) -> list[Entity]:
    return [e for e in find_entities(text, here.now, country=here.country) if e.kind in kinds]


def only(values: Iterable[Any], none: Complaint) -> Any:
    """The one value, or why there is not one."""
    found = list(values)
    if not found:
        return none
    if any(value != found[0] for value in found):
        return Complaint("ambiguous", "holds more than one value; write one")
    return found[0]
