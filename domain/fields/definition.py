"""What an admin says of one field: its type, its words, its limits."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class FieldType(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    TAGS = "tags"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    PERCENT = "percent"
    RATING = "rating"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DATE_RANGE = "date_range"
    DURATION = "duration"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    ADDRESS = "address"
    PERSON_NAME = "person_name"
    REFERENCE = "reference"
    FILE = "file"


def _from_yaml(value: Any) -> Any:
    """YAML reads 2026-01-01 as a day of its own."""
    return value.isoformat() if isinstance(value, date) else value


Bound = Annotated[int | float | str | None, BeforeValidator(_from_yaml)]
"""A number, an ISO day or time, "today", or a duration such as 90m; which one, the type says."""


class Field_(BaseModel):
    """One typed field of a context schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    type: FieldType
    description: str = ""
    options: tuple[str, ...] = ()
    synonyms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Other words for an option; under any other key, words that show that this field is meant."""
    extract: bool = False
    required: bool = False
    requires: tuple[str, ...] = ()
    """Fields of the same schema that are asked for before it."""
    visible_when: dict[str, Any] | None = None
    """Conditions over fields of the same schema. While they do not hold, it is not asked for, does not count, and is
    taken from a message only when that names it."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 100
    """Lower is asked for first."""
    pii: bool = False
    minimum: Bound = None
    maximum: Bound = None
    min_length: Annotated[int, Field(ge=0, le=20_000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=20_000)] | None = None
    pattern: Annotated[str, Field(max_length=500)] | None = None
    """A regular expression that the whole text has to match."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """What a bare amount of money is in; without it, the currency of the business's country."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "Field_":
        if self.type in (FieldType.CHOICE, FieldType.MULTI_CHOICE) and not self.options:
            raise ValueError(f"field {self.name!r} is a {self.type} and needs options")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"field {self.name!r}: pattern is no regular expression: {error}") from None
        if (self.min_length or 0) > (self.max_length or 20_000):
            raise ValueError(f"field {self.name!r}: min_length is above max_length")
        return self

    @property
    def cues(self) -> tuple[str, ...]:
        """Words of the admin's that show that this field is meant."""
        return tuple(
            word for key, words in self.synonyms.items() if key not in self.options for word in words
        )
