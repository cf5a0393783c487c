"""A boat hire, which no package knows, set up through the API alone: see boat-hire.md. Needs nothing but Python.

python docs/how-to/boat_hire.py http://127.0.0.1:8000 WORKSPACE KEY
"""

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

Ask = Callable[..., Any]
"""ask(method, path, body=None): `path` is below the workspace's address; the answer's JSON."""

FIELDS = [
    {"name": "boat", "type": "choice", "options": ["pontoon", "kayak", "sailing yacht"],
     "description": "Which boat would you like?", "synonyms": {"sailing yacht": ["sailboat", "yacht"]}},
    {"name": "pickup", "type": "datetime", "description": "When do you want to start?"},
    {"name": "guests", "type": "integer", "description": "How many people will be on board?",
     "minimum": 1, "maximum": 20, "synonyms": {"unit": ["people", "guests", "adults"]}},
    {"name": "length", "type": "duration", "description": "For how long?",
     "synonyms": {"length": ["for how long"]}},
    {"name": "marina", "type": "choice", "options": ["Lakeway", "Volente", "Point Venture"],
     "description": "At which marina do you want to board?"},
    {"name": "captain", "type": "boolean", "description": "Would you like a captain?"},
    {"name": "extras", "type": "multi_choice", "options": ["cooler", "tube", "paddle board", "grill"],
     "description": "What shall be on board?"},
    {"name": "budget", "type": "money", "description": "What is your budget?"},
    {"name": "licence", "type": "reference", "description": "What is your boating licence number?"},
    {"name": "occasion", "type": "choice", "options": ["birthday", "wedding", "fishing", "company outing"],
     "description": "What is the occasion?"},
    {"name": "email", "type": "email", "description": "Where shall we send the contract?",
     "pii": True},
    {"name": "name", "type": "person_name", "description": "What is your name?", "pii": True},
]  # fmt: skip

SCHEMA = {
    "name": "hire",
    "fields": [field | {"extract": True, "required": field["name"] != "occasion"} for field in FIELDS],
    "workflow": {
        "initial": "asking",
        "statuses": ["asking", {"name": "ready", "enter": [{"add_tag": "make contract"}]}, "signed", "lost"],
        "transitions": [
            {
                "from": "asking",
                "to": "ready",
                "when": {"filled": ["boat", "pickup", "guests", "length", "name", "email"]},
            },
            {"from": "ready", "to": "signed"},
            {"from": ["asking", "ready"], "to": "lost", "after": "14d"},
        ],
    },
}

RULES = [
    {"name": "a large party", "on": "context_changed", "once": "conversation",
     "when": {"field": "guests", "op": "gte", "value": 8},
     "then": [{"add_tag": "large party"}, {"notify": "{{guests}} people on a {{boat}}"}]},
    {"name": "a celebration", "on": "context_changed", "once": "conversation",
     "when": {"field": "occasion", "op": "in", "value": ["birthday", "wedding"]},
     "then": [{"reply": "We will dress the boat for the {{occasion}}."}]},
    {"name": "ready for a contract", "on": "status_changed",
     "when": {"field": "status", "op": "changed_to", "value": "ready"},
     "then": [{"set_priority": "high"}, {"notify": "Contract for {{name}}"}]},
    {"name": "still there?", "on": "conversation_idle", "after": "2d", "once": "conversation",
     "then": [{"reply": "Are you still thinking about a boat?"}]},
]  # fmt: skip

CONVERSATION = (
    "Hi, my name is Ann Lee",
    "I'd like to hire a pontoon this saturday at 10am",
    "we will be 6 people",
    "sorry, I meant 9 people, two more cousins are coming",
    "for 4 hours",
    "we would board at Volente, with a captain please",
    "a cooler and a tube on board would be great",
    "my budget is $900, and it is for a birthday",
    "my boating licence number is TX-48213",
    "you can reach me at ann.lee@example.com",
)
FILLED = {
    "boat": "pontoon", "guests": 9, "length": 14400, "marina": "Volente", "captain": True, "extras": ["cooler", "tube"],
    "budget": {"amount": "900", "currency": "USD"}, "licence": "TX-48213", "occasion": "birthday",
    "email": "ann.lee@example.com", "name": "Ann Lee",
}  # fmt: skip
"""What is known after it; beside `pickup`, which depends on the day."""


def configure(ask: Ask) -> None:
    """Once or again: what is there already is brought up to this."""
    _put(ask, "schemas", SCHEMA)
    for rule in RULES:
        _put(ask, "rules", rule)
    tried = ask("POST", "/schemas/hire/test", {"text": CONVERSATION[1]})
    assert [one["field"] for one in tried["fields"]] == ["boat", "pickup"], tried
    would = ask(
        "POST", "/rules/a%20large%20party/test", {"sample": {"fields": {"guests": 9, "boat": "kayak"}}}
    )
    assert would["would_fire"], would


def _put(ask: Ask, place: str, body: dict[str, Any]) -> None:
    known = {one["name"]: one["id"] for one in ask("GET", f"/{place}")["items"]}
    if body["name"] in known:
        ask("PUT", f"/{place}/{known[body['name']]}", body)
    else:
        ask("POST", f"/{place}", body)


def at(url: str, workspace: str, key: str) -> Ask:
    """The workspace at a running Frontdesk."""

    def ask(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        address = f"{url}/api/v1/workspaces/{workspace}{path}"
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        request = Request(address, data, headers, method=method)  # noqa: S310  (your own Frontdesk)
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from None

    return ask


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    configure(at(*sys.argv[1:]))
    print(f"{sys.argv[2]} hires out boats now. Text it, one after the other:")  # noqa: T201
    print("\n".join(f"  {words}" for words in CONVERSATION))  # noqa: T201
