"""The types of context fields: reading words into canonical JSON values, checking, showing, describing them."""

from domain.fields.base import Complaint, Here
from domain.fields.definition import Field_, FieldType
from domain.fields.registry import KINDS, accept, json_schema, parse, personal, show

__all__ = [
    "KINDS",
    "Complaint",
    "FieldType",
    "Field_",
    "Here",
    "accept",
    "json_schema",
    "parse",
    "personal",
    "show",
]
