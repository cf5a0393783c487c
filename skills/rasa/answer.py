"""What an action server answers, read: of its events those that the workspace has declared, of its responses the words.
Everything else is reported and not obeyed. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from domain.actions import LATEST, ActionFailed, ActionSettings, ServerSettings, Trouble
from domain.fields import Complaint, Here, accept

MOST_EVENTS, MOST_RESPONSES, MOST_BUTTONS = 200, 10, 10
LONGEST = 1_200
"""Characters that a customer is told in one go."""
MOST_REPORTED = 8
_QUIET = frozenset({"action_listen", "session_started", "export"})
_LINK = re.compile(r"\b(?:https?://|www\.)[^\s)\]>\"']+", re.I)
_BARE = re.compile(r"(?<![\w@.-])(?:[\w-]+\.)+(?:com|net|org|io|ly|co|info|biz|me|app|dev)\b(?:/\S*)?", re.I)
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b\u200c\u2060\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Reminder:
    """Carry out this action then; one of the same name takes its place."""

    name: str
    action: str
    at: datetime
    unless_they_write: bool


@dataclass(frozen=True, slots=True)
class Answer:
    slots: Mapping[str, Any] = field(default_factory=dict)
    """Values to set, None to empty."""
    reset: bool = False
    text: str = ""
    ask: str = ""
    """A slot that the server wants asked for."""
    followup: str = ""
    reminders: tuple[Reminder, ...] = ()
    dropped: tuple[str, ...] = ()
    """Names of reminders that are called off; "*" is all."""
    reports: tuple[str, ...] = ()
    """What was not obeyed, in words for the business."""
    leads_away: bool = False
    """Its words hold a link to a host that the workspace has not named."""

    def reporting(self, said: str) -> "Answer":
        return self if said in self.reports else replace(self, reports=(*self.reports, said)[:MOST_REPORTED])


def read(
    told: Any, server: ServerSettings, action: ActionSettings, slots: Mapping[str, Any], here: Here
) -> Answer:
    """`slots` are the values as they were sent. Raise ActionFailed when it is no answer, or says no."""
    if not isinstance(told, Mapping):
        raise ActionFailed(Trouble.UNREADABLE, "the answer is no JSON object")
    events, responses = ([] if told.get(what) is None else told[what] for what in ("events", "responses"))
    if not isinstance(events, list) or not isinstance(responses, list):
        raise ActionFailed(Trouble.UNREADABLE, "events and responses must be lists")
    answer = Answer()
    for event in events[:MOST_EVENTS]:
        answer = _event(answer, event, server, action, here)
    if len(events) > MOST_EVENTS:
        answer = answer.reporting(f"only the first {MOST_EVENTS} of {len(events)} events were looked at")
    if len(responses) > MOST_RESPONSES:
        answer = answer.reporting(f"only the first {MOST_RESPONSES} of {len(responses)} responses were said")
    known = ({} if answer.reset else dict(slots)) | dict(answer.slots)
    said = []
    for response in responses[:MOST_RESPONSES]:
        answer, words = _response(answer, response, server, known, here)
        said += [words] if words else []
    text = "\n".join(said)
    if len(text) > LONGEST:
        answer = answer.reporting(f"its words were {len(text)} characters; {LONGEST} were said")
        text = text[: LONGEST - 1].rstrip() + "…"
    return replace(answer, text=text, leads_away=bool(_strange_hosts(text, server)))


def _event(answer: Answer, event: Any, server: ServerSettings, action: ActionSettings, here: Here) -> Answer:
    if not isinstance(event, Mapping) or not isinstance(event.get("event"), str):
        return answer.reporting("an event without a name")
    match event["event"]:
        case "slot":
            return _slot(answer, event, action, here)
        case "reset_slots":
            return replace(answer, reset=True, slots={})
        case "followup":
            return _followup(answer, event, server, action)
        case "reminder":
            return _reminder(answer, event, server, action, here)
        case "cancel_reminder":
            return replace(
                answer, dropped=(*answer.dropped, str(event.get("name") or event.get("intent") or "*"))
            )
        case "active_loop" if event.get("name") in (None, action.name):
            return answer
        case "action_execution_rejected":
            raise ActionFailed(Trouble.REJECTED)
        case kind if kind in _QUIET:
            return answer
        case kind:
            return answer.reporting(f"the event {kind[:60]!r} is not obeyed here")


def _slot(answer: Answer, event: Mapping[str, Any], action: ActionSettings, here: Here) -> Answer:
    name, value = event.get("name"), event.get("value")
    if name == "requested_slot":
        wanted = next((one.name for one in action.slots if one.name == value), "")
        if value is not None and not wanted:
            return answer.reporting(
                f"requested_slot names {str(value)[:60]!r}, which is no slot of {action.name}"
            )
        return replace(answer, ask=wanted)
    known = action.slot(name) if isinstance(name, str) else None
    if known is None:
        return answer.reporting(f"the slot {str(name)[:60]!r} is not declared for {action.name}")
    read = None if value is None else accept(value, known, here)
    if isinstance(read, Complaint):
        return answer.reporting(f"the slot {known.name!r} {read.detail[:120]}")
    return replace(answer, slots={**answer.slots, known.name: read})


def _followup(
    answer: Answer, event: Mapping[str, Any], server: ServerSettings, action: ActionSettings
) -> Answer:
    name = str(event.get("name"))
    if name == "action_listen":
        return answer
    wanted = server.action(name)
    if wanted is None:
        return answer.reporting(f"the followup {name[:60]!r} is no action of this server here")
    if not _may_follow(wanted, action):
        return answer.reporting(
            f"the followup {name!r} may do more than {action.name}, and is not begun by it"
        )
    return replace(answer, followup=name)


def _may_follow(wanted: ActionSettings, action: ActionSettings) -> bool:
    """What needs a yes asks for it; what tells more than this one may is not begun."""
    return wanted.verification <= action.verification and (wanted.confirms or wanted.tier <= action.tier)


def _reminder(
    answer: Answer, event: Mapping[str, Any], server: ServerSettings, action: ActionSettings, here: Here
) -> Answer:
    wanted = server.action(str(event.get("intent")))
    if wanted is None or wanted.confirms or not wanted.safe_to_repeat or not _may_follow(wanted, action):
        said = f"a reminder of {str(event.get('intent'))[:60]!r}: only an action that is safe to repeat, writes nothing and"
        return answer.reporting(f"{said} tells no more than {action.name} can be one")
    try:
        at = datetime.fromisoformat(str(event.get("date_time")))
    except ValueError:
        return answer.reporting("a reminder without a time")
    at = at.replace(tzinfo=here.now.tzinfo) if at.tzinfo is None else at
    if not timedelta(0) < at - here.now <= LATEST:
        return answer.reporting(f"a reminder must come within {LATEST.days} days, and after now")
    name = str(event.get("name") or event.get("intent"))[:100]
    kept = tuple(one for one in answer.reminders if one.name != name)
    return replace(
        answer, reminders=(*kept, Reminder(name, wanted.name, at, event.get("kill_on_user_msg") is not False))
    )


def _response(
    answer: Answer, response: Any, server: ServerSettings, slots: Mapping[str, Any], here: Here
) -> tuple[Answer, str]:
    if not isinstance(response, Mapping):
        return answer.reporting("a response that is no object"), ""
    parts = [_clean(response.get("text"))]
    if name := response.get("response") or response.get("template"):
        own = server.responses.get(str(name))
        if own is None:
            answer = answer.reporting(f"the response {str(name)[:60]!r} is not declared in `responses`")
        else:
            said = own if isinstance(own, str) else own.get(here.language) or next(iter(own.values()), "")  # type: ignore[call-overload]
            parts.append(_filled(said, {**slots, **response}))
    for what in ("image", "attachment"):
        if link := _clean(response.get(what)):
            if urlsplit(link).scheme != "https":
                answer = answer.reporting(f"an {what} that is no https address")
            else:
                parts.append(link)
    if titles := list(_titles(response.get("buttons"))):
        parts.append(" / ".join(titles))
    for what in ("custom", "elements"):
        if response.get(what):
            answer = answer.reporting(f"{what} of a response cannot be shown in a text message")
    return answer, " ".join(part for part in parts if part)


def _clean(value: Any) -> str:
    return _UNSEEN.sub("", value).strip() if isinstance(value, str) else ""


def _filled(said: str, values: Mapping[str, Any]) -> str:
    return _PLACE.sub(lambda match: _clean(str(values.get(match[1]) or "")), said).strip()


def _titles(buttons: Any) -> Iterator[str]:
    for one in buttons[:MOST_BUTTONS] if isinstance(buttons, list) else ():
        title = _clean(one.get("title")) if isinstance(one, Mapping) else ""
        if title:
            yield title[:60]


def _strange_hosts(text: str, server: ServerSettings) -> set[str]:
    known = {server.host.lower(), *(one.lower() for one in server.links)}
    found = {match[0] for pattern in (_LINK, _BARE) for match in pattern.finditer(text)}
    hosts = {urlsplit(one if "://" in one else f"https://{one}").hostname or "?" for one in found}
    return {host for host in hosts if host.removeprefix("www.") not in known and host not in known}
