"""What an action server is told: the call, its tracker and its domain, as rasa-sdk reads them. Pure: the same run gives the
same bytes, so that whoever gets it twice can see that it is one.

https://rasa.com/docs/reference/api/pro/action-server-api/core-request-to-execute-a-custom-action
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from domain.actions import ActionSettings, ServerSettings
from domain.entities import DateRange, Entity, Money, MoneyRange, TimeRange
from domain.skill import Heard, Run, Spoken

VERSION = "3.21.0"
"""Of the protocol that is spoken; servers of another minor version say so in their log."""
LISTEN, EXTERNAL = "action_listen", "EXTERNAL: "
LONGEST = 2_000
"""Characters of one message that are told."""


def call(
    server: ServerSettings, action: ActionSettings, run: Run, heard: Heard, slots: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of the call. `slots` are the values that the server knows of, by name."""
    return {
        "next_action": action.name,
        "sender_id": str(heard.conversation_id),
        "tracker": tracker(server, action, run, heard, slots),
        "domain": domain(server),
        "version": VERSION,
    }


def external(body: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The call for an action that no message begins: a reminder that the server asked for in this one."""
    told: dict[str, Any] = body["tracker"]
    latest = told["latest_message"] | {
        "text": EXTERNAL + action, "intent": {"name": action, "confidence": 1.0}, "entities": []
    }  # fmt: skip
    return {**body, "next_action": action, "tracker": told | {"latest_message": latest}}


def tracker(
    server: ServerSettings, action: ActionSettings, run: Run, heard: Heard, slots: Mapping[str, Any]
) -> dict[str, Any]:
    latest = _latest(run, heard)
    past = heard.past[-server.history :] if server.history else ()
    events = [
        *(_spoken(one) for one in past),
        {"event": "action", "timestamp": heard.now.timestamp(), "name": LISTEN},
        {
            "event": "user", "timestamp": heard.now.timestamp(), "text": latest["text"], "parse_data": latest,
            "input_channel": heard.channel_kind,
        },
        *(
            {"event": "slot", "timestamp": heard.now.timestamp(), "name": name, "value": value}
            for name, value in slots.items() if value is not None
        ),
    ]  # fmt: skip
    asked = run.memory.get("asked") or None
    return {
        "sender_id": str(heard.conversation_id),
        "slots": {**slots, "requested_slot": asked},
        "latest_message": latest,
        "latest_event_time": heard.now.timestamp(),
        "followup_action": None,
        "paused": False,
        "events": events,
        "latest_input_channel": heard.channel_kind,
        "active_loop": {"name": action.name} if asked else {},
        "latest_action": {"action_name": LISTEN},
        "latest_action_name": LISTEN,
        "stack": [],
    }


def _spoken(one: Spoken) -> dict[str, Any]:
    event = "bot" if one.ours else "user"
    return {"event": event, "timestamp": one.at.timestamp(), "text": one.text[:LONGEST]}


def _latest(run: Run, heard: Heard) -> dict[str, Any]:
    return {
        "text": heard.text[:LONGEST],
        "intent": {"name": heard.intent, "confidence": round(heard.sure, 4)},
        "intent_ranking": [{"name": heard.intent, "confidence": round(heard.sure, 4)}],
        "entities": [entity(one) for one in heard.entities if one.end <= LONGEST],
        "message_id": f"{heard.conversation_id}:{heard.seq}",
        "metadata": {
            "run": str(run.id),
            "contact": str(heard.contact_id),
            "workspace": str(heard.workspace_id),
            "business": heard.profile.workspace.name,
            "language": heard.language,
            "timezone": heard.profile.workspace.timezone,
            "verified": bool(heard.identity and heard.identity.proves("", heard.now)),
        },
    }


def entity(one: Entity) -> dict[str, Any]:
    return {
        "entity": str(one.kind), "value": plain(one.value), "start": one.start, "end": one.end, "text": one.text,
        "extractor": "frontdesk",
    }  # fmt: skip


def plain(value: Any) -> Any:
    """A value of an entity as JSON."""
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case DateRange():
            return {"from": value.start.isoformat(), "to": value.end.isoformat()}
        case TimeRange():
            return {"from": value.start.isoformat(), "to": value.end.isoformat()}
        case Money():
            return {"amount": str(value.amount), "currency": value.currency}
        case MoneyRange():
            return {"from": plain(value.low), "to": plain(value.high)}
    return str(value)


def domain(server: ServerSettings) -> dict[str, Any]:
    """What the server knows of the assistant: its own actions and their slots, nothing of the rest."""
    names = sorted({field.name for action in server.actions for field in action.known})
    return {
        "config": {"store_entities_as_slots": False},
        "session_config": {"session_expiration_time": 0, "carry_over_slots_to_new_session": True},
        "intents": [action.name for action in server.actions],
        "entities": [],
        "slots": {
            name: {"type": "any", "initial_value": None, "mappings": [{"type": "custom"}]}
            for name in (*names, "requested_slot")
        },
        "responses": {name: [{"text": _first(said)}] for name, said in server.responses.items()},
        "actions": [action.name for action in server.actions],
        "forms": {},
        "e2e_actions": [],
    }


def _first(said: str | Mapping[Any, str]) -> str:
    return said if isinstance(said, str) else next(iter(said.values()), "")
