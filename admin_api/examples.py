"""What one might send: examples of requests, for the OpenAPI document and the page for people; a test sends them all."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ruamel.yaml import YAML

_FILE = Path(__file__).parent / "examples.yaml"
_PLACE = re.compile(r"<([a-z ]+)>")
SAMPLES = {
    "new email": "olive@harbourboats.example",
    "slug": "harbour-boats",
    "email": "olive@harbourboats.example",
    "password": "a boat is a hole in the water",
    "refresh token": "fdr_sample",
    "invitation token": "fdi_sample",
    "new number": "+15125550142",
    "new url": "https://office.harbourboats.example/frontdesk",
    "free time": "2027-03-02T16:00:00Z",
    "in a month": "2027-04-01T00:00:00Z",
    "a minute ago": "2027-03-01T09:59:00Z",
    "a week ago": "2027-02-22T10:00:00Z",
}
"""What stands in the document for what differs from business to business and from day to day; all else are ids."""


def written(operation: str) -> Mapping[str, Any]:
    """Bodies by what they do, with <…> in them; none for an operation that takes no JSON."""
    found: Mapping[str, Any] = _read().get(operation, {})
    return found


def operations() -> list[str]:
    """Those that have any."""
    return list(_read())


def places(body: Any) -> set[str]:
    """What stands between < and >."""
    if isinstance(body, dict):
        return {place for value in body.values() for place in places(value)}
    if isinstance(body, list):
        return {place for value in body for place in places(value)}
    return set(_PLACE.findall(body)) if isinstance(body, str) else set()


def filled(body: Any, given: Mapping[str, str]) -> Any:
    """With these in their places. Raise KeyError for a place that none is given for."""
    if isinstance(body, dict):
        return {key: filled(value, given) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value, given) for value in body]
    return _PLACE.sub(lambda place: given[place[1]], body) if isinstance(body, str) else body


def describe(document: dict[str, Any]) -> None:
    """Put them into an OpenAPI document."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if shown := written(operation["operationId"]):
                content = operation["requestBody"]["content"]["application/json"]
                content["examples"] = {
                    _key(title): {"summary": title, "value": filled(body, _samples(body))}
                    for title, body in shown.items()
                }


def _samples(body: Any) -> dict[str, str]:
    return {place: SAMPLES.get(place) or str(uuid5(NAMESPACE_URL, place)) for place in places(body)}


def _key(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


@cache
def _read() -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(_FILE.read_text(encoding="utf-8"))
    return read
