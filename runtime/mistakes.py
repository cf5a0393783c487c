"""What is wrong with a workspace's file, where, and what would be right, for people who do not read Pydantic."""

from difflib import get_close_matches
from typing import Any, get_args

from ruamel.yaml.comments import CommentedBase
from ruamel.yaml.error import MarkedYAMLError

from domain.crm_settings import CrmSettings
from domain.rules import Rule
from domain.workspace import Profile
from skills.registry import SETTINGS


def not_yaml(name: str, error: MarkedYAMLError) -> str:
    """A duplicate key's values are not shown: they may be secrets."""
    found = error.problem_mark.line + 1 if error.problem_mark else 1
    said = str(error.problem).partition('" with value')
    return f"{name}:{found}: this is not YAML: {said[0]}{chr(34) if said[1] else ''}"


def mistake(name: str, data: Any, error: Any) -> str:
    where = tuple(
        part for part in error["loc"] if isinstance(part, int) or part in _keys(data, error["loc"], part)
    )
    path = ".".join(str(part) for part in error["loc"])
    return f"{name}:{line(data, where)}: {path or 'the file'}: {said(error)}"


def said(error: Any) -> str:
    """What is wrong and what would be right, in words for people who do not read Pydantic."""
    match error["type"]:
        case "extra_forbidden":
            known = _known(error["loc"])
            close = get_close_matches(str(error["loc"][-1]), known, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            return f"there is no such key here; {hint}there are {', '.join(known)}"
        case "missing":
            return "is missing; it has to be there"
        case "model_type" | "dict_type":
            return "must be a mapping of keys to values"
        case "tuple_type" | "list_type":
            return f"{error['input']!r} must be a list, like [a, b]"
        case "string_pattern_mismatch":
            return f"{error['input']!r} does not fit; write lower case letters, digits, hyphens (a field: underscores)"
    words = str(error["msg"]).removeprefix("Value error, ")
    secret = "credentials" in error["loc"]
    shown = error["input"] if isinstance(error["input"], str | int | float | bool) and not secret else None
    return (
        f"{shown!r}: {words[:1].lower()}{words[1:]}"
        if words.startswith("Input should be") and shown is not None
        else words
    )


def _known(location: tuple[Any, ...]) -> list[str]:
    """The keys that may stand where this unknown one stands."""
    model: Any = Profile
    match location:
        case ("rules", int(), *rest):
            model, location = Rule, tuple(rest)
        case ("skills", str(skill), *rest) if skill in SETTINGS:
            model, location = SETTINGS[skill], tuple(rest)
        case ("integrations", "crm", *rest):
            model, location = CrmSettings, tuple(rest)
    for step in location[:-1]:
        if isinstance(step, int) or not hasattr(model, "model_fields"):
            continue
        model = _inner(model.model_fields[step].annotation) if step in model.model_fields else None
    return sorted(model.model_fields) if hasattr(model, "model_fields") else []


def _inner(annotation: Any) -> Any:
    """The model in tuple[Model, ...] or Model | None."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part)) is not None), None)


def _keys(data: Any, location: tuple[Any, ...], part: Any) -> tuple[Any, ...]:
    """`part` when it is a key on the way to `location`; pydantic also names types there."""
    for step in location:
        if not isinstance(data, dict | list):
            return ()
        if step == part and isinstance(data, dict) and part in data:
            return (part,)
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return ()
    return ()


def line(data: Any, location: tuple[Any, ...]) -> int:
    """The line (from 1) of what lies at `location`, or of the nearest thing around it."""
    found = 1
    for step in location:
        if not isinstance(data, CommentedBase):
            break
        try:
            mark = data.lc.value(step) if isinstance(data, dict) else data.lc.item(step)
            found, data = mark[0] + 1, data[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return found
