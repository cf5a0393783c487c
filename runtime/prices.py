"""The table of what models cost, from a file that says where its prices stand and when they were looked up."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from domain.llm import Price
from runtime.settings import BadSettings

SHIPPED = Path(__file__).with_name("prices.yaml")
_Amount = Annotated[Decimal, BeforeValidator(str), Field(ge=0)]
"""What was written, not what a float makes of it."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    input: _Amount
    output: _Amount
    cached: _Amount | None = None
    written: _Amount | None = None


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    source: Annotated[str, Field(min_length=1)]
    date: date
    models: dict[str, _Row]


def read(file: Path = SHIPPED) -> dict[str, Price]:
    """By provider:model. Raise BadSettings when the file is no such table."""
    try:
        said = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        if isinstance(said, dict) and not said.get("models"):
            return {}
        table = _Table.model_validate(said)
    except (OSError, YAMLError) as error:
        raise BadSettings(f"FRONTDESK_LLM_PRICES: {file} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadSettings(f"FRONTDESK_LLM_PRICES: {file}, {where}: {first['msg']}") from error
    return {
        name: Price(table.currency, row.input, row.output, row.cached, row.written)
        for name, row in table.models.items()
    }
