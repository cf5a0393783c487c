"""What Meta's Cloud API posts, read: signature, batches, every type of message, statuses. Pure.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
"""

import hmac
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from channels.base import Account, Ack, Fetch, Hook
from channels.forms import clean
from channels.meta_errors import disposition
from domain.errors import BadSignature
from domain.messages import Address, DeliveryState, Event, Inbound, Kind, Media, Scheme, Status

logger = logging.getLogger(__name__)

API, VERSION = "https://graph.facebook.com", "v23.0"
ACK = Ack("")
STATES = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "played": DeliveryState.READ,  # a voice message of ours was listened to
    "failed": DeliveryState.FAILED,
}
_MAX_ID = 256
_DEEPEST = 20
_MEDIA = ("image", "audio", "voice", "video", "document", "sticker")
Item = Mapping[str, Any]


# --- signature ---


def check_signature(account: Account, hook: Hook) -> None:
    """Raise BadSignature unless the bytes are signed with the app's secret. What would have been right is
    neither said nor logged."""
    secret = account.credentials.get("app_secret", "")
    given = hook.headers.get("x-hub-signature-256", "").encode("utf-8", "replace")
    if not secret or not given:
        raise BadSignature
    right = "sha256=" + hmac.new(secret.encode(), hook.body, sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), given):
        raise BadSignature


def challenge(account: Account, hook: Hook) -> Ack:
    """The answer to Meta's question whether this address is ours. Raise BadSignature."""
    asked = dict(reversed(hook.query))
    token, given = account.credentials.get("verify_token", ""), asked.get("hub.verify_token", "")
    same = hmac.compare_digest(token.encode("utf-8", "replace"), given.encode("utf-8", "replace"))
    if not token or not same or asked.get("hub.mode") != "subscribe":
        raise BadSignature
    return Ack(clean(asked.get("hub.challenge", ""))[:_MAX_ID])


# --- what is in a batch ---


def events(account: Account, hook: Hook) -> list[Event]:
    """Every message and status for this number, in order. What cannot be read is passed over and logged
    without its words: one bad item must not cost the others, nor the subscription."""
    found: list[Event] = []
    for value in _values(hook.body):
        if not _is_ours(account, value):
            continue
        names = _names(value)
        found += _each(value.get("messages"), partial(_message, account, names))
        found += _each(value.get("statuses"), _status)
    return found


def _values(body: bytes) -> Iterator[Item]:
    try:
        data = _cleaned(json.loads(body.decode("utf-8", "replace")))
    except (ValueError, RecursionError):
        logger.warning("a signed webhook that is not JSON")
        return
    if not isinstance(data, Mapping) or data.get("object") != "whatsapp_business_account":
        return
    for entry in _objects(data.get("entry")):
        for change in _objects(entry.get("changes")):
            if change.get("field") == "messages" and isinstance(change.get("value"), Mapping):
                yield change["value"]


def _cleaned(value: Any, depth: int = 0) -> Any:
    """JSON may spell NUL and halves of surrogate pairs; Postgres cannot keep them. What is nested deeper than
    anything documented is dropped."""
    if isinstance(value, str):
        return clean(value)
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        return [_cleaned(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(one, depth + 1) for key, one in value.items()}
    return value


def _is_ours(account: Account, value: Item) -> bool:
    """One application may serve many numbers; each has its own door here."""
    return _object(value.get("metadata")).get("phone_number_id") == account.credentials.get("phone_number_id")


def _names(value: Item) -> dict[str, str]:
    """What people call themselves, by number and by user id."""
    names: dict[str, str] = {}
    for contact in _objects(value.get("contacts")):
        name = _text(_object(contact.get("profile")), "name")
        names |= {key: name for key in (_text(contact, "wa_id"), _text(contact, "user_id")) if key and name}
    return names


def _each(items: Any, read: Callable[[Item], Event | None]) -> list[Event]:
    found = list[Event]()
    for one in _objects(items):
        try:
            event = read(one)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            logger.warning("an item of a webhook cannot be read: %s", type(error).__name__)
            continue
        if event is not None:
            found.append(event)
    return found


# --- one message ---


def _message(account: Account, names: Mapping[str, str], one: Item) -> Inbound | None:
    if one.get("group_id"):
        return None  # what is said in a group is not said to us
    sender, name = _sender(one, names)
    kind = _text(one, "type")
    known = _READ.get(kind, _unsupported)
    body = _object(one.get(kind))
    text, media, what, choice, answers = known(one, body, account)
    return Inbound(
        _id(one, "id"),
        Address(Scheme.WHATSAPP, sender),
        text,
        media,
        _time(one.get("timestamp")),
        name,
        kind=what,
        choice=choice or None,
        reply_to=answers or _text(_object(one.get("context")), "id")[:_MAX_ID] or None,
        moved_to=_new_number(sender, body) if kind == "system" else None,
    )


def _new_number(sender: str, body: Item) -> Address | None:
    """Where somebody is from now on who says that they changed their number; `new_wa_id` in older versions."""
    number = (_text(body, "wa_id") or _text(body, "new_wa_id")).lstrip("+")
    changed = _text(body, "type") in ("user_changed_number", "customer_changed_number")
    if not changed or not re.fullmatch(r"[0-9]{5,20}", number) or f"+{number}" == sender:
        return None
    return Address(Scheme.WHATSAPP, f"+{number}")


def _sender(one: Item, names: Mapping[str, str]) -> tuple[str, str | None]:
    """A telephone number, or the user id of somebody who shows none."""
    number, user = _text(one, "from"), _text(one, "from_user_id")
    name = names.get(number) or names.get(user)
    if re.fullmatch(r"\+?[0-9]{5,20}", number):
        return "+" + number.lstrip("+"), name
    return _id(one, "from_user_id"), name


Read = tuple[str, tuple[Media, ...], Kind, str, str]
"""text, media, kind, choice, and which message it answers ("": as its context says)"""


def _words(one: Item, body: Item, account: Account) -> Read:
    return _text(body, "body"), (), Kind.TEXT, "", ""


def _file(one: Item, body: Item, account: Account) -> Read:
    key = _text(body, "id")
    if not re.fullmatch(r"[A-Za-z0-9_.=-]{1,200}", key):
        return _unsupported(one, body, account)
    kind = _text(body, "mime_type").partition(";")[0].strip() or "application/octet-stream"
    media = Media(f"{base(account)}/{quote(key, safe='')}", kind, _text(body, "filename") or None)
    return _text(body, "caption"), (media,), Kind.TEXT, "", ""


def _location(one: Item, body: Item, account: Account) -> Read:
    place = ", ".join(part for part in (_text(body, "name"), _text(body, "address")) if part)
    point = f"{float(body['latitude']):.6f}, {float(body['longitude']):.6f}"
    return f"{place} ({point})" if place else point, (), Kind.LOCATION, "", ""


def _contacts(one: Item, body: Item, account: Account) -> Read:
    lines = []
    for card in _objects(one.get("contacts")):
        name = _text(_object(card.get("name")), "formatted_name")
        numbers = [_text(phone, "phone") for phone in _objects(card.get("phones"))]
        lines.append(" ".join(part for part in (name, *numbers) if part))
    return "\n".join(line for line in lines if line), (), Kind.CONTACTS, "", ""


def _button(one: Item, body: Item, account: Account) -> Read:
    return _text(body, "text"), (), Kind.CHOICE, _text(body, "payload") or _text(body, "text"), ""


def _interactive(one: Item, body: Item, account: Account) -> Read:
    for name in ("button_reply", "list_reply"):
        chosen = _object(body.get(name))
        if chosen:
            return _text(chosen, "title"), (), Kind.CHOICE, _text(chosen, "id"), ""
    filled = _object(body.get("nfm_reply"))
    if filled:
        return _form(_text(filled, "response_json")) or _text(filled, "body"), (), Kind.FORM, "", ""
    return _unsupported(one, body, account)


def _form(response: str) -> str:
    """What was filled in, one line a field; Meta's own token is nobody's answer."""
    answers = _object(json.loads(response or "{}"))
    lines = [f"{key}: {value}" for key, value in answers.items() if key != "flow_token" and value is not None]
    return clean("\n".join(lines))


def _reaction(one: Item, body: Item, account: Account) -> Read:
    return _text(body, "emoji"), (), Kind.REACTION, "", _id(body, "message_id")


def _order(one: Item, body: Item, account: Account) -> Read:
    items = [
        f"{item.get('quantity', 1)} × {_text(item, 'product_retailer_id')}"
        for item in _objects(body.get("product_items"))
    ]
    said = _text(body, "text")
    return "\n".join(part for part in (said, ", ".join(items)) if part), (), Kind.ORDER, "", ""


def _system(one: Item, body: Item, account: Account) -> Read:
    return _text(body, "body"), (), Kind.SYSTEM, "", ""


def _taken_back(one: Item, body: Item, account: Account) -> Read:
    return "", (), Kind.SYSTEM, "", _text(body, "original_message_id")[:_MAX_ID]


def _unsupported(one: Item, body: Item, account: Account) -> Read:
    return "", (), Kind.UNSUPPORTED, "", ""


_READ: dict[str, Callable[[Item, Item, Account], Read]] = {
    "text": _words,
    **dict.fromkeys(_MEDIA, _file),
    "location": _location,
    "contacts": _contacts,
    "button": _button,
    "interactive": _interactive,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "revoke": _taken_back,
}


# --- one status ---


def _status(one: Item) -> Status | None:
    raw = _text(one, "status").lower()
    if raw not in STATES:
        return None  # "deleted", "warning", and what Meta adds tomorrow
    errors = _objects(one.get("errors"))
    code = str(errors[0].get("code", ""))[:_MAX_ID] if errors else ""
    failed = STATES[raw] is DeliveryState.FAILED
    ours, part = read_mark(_text(one, "biz_opaque_callback_data"))
    return Status(
        _id(one, "id"), STATES[raw], raw, code or None, ours, part, disposition(code) if failed else None
    )


def mark(message_id: UUID, part: int) -> str:
    """Our id, as it rides along: Meta repeats it in every status."""
    return f"{message_id}:{part}"


def read_mark(said: str) -> tuple[UUID | None, int]:
    found = re.fullmatch(r"([0-9a-f-]{36}):([0-9]{1,4})", said)
    try:
        return (UUID(found[1]), int(found[2])) if found else (None, 0)
    except ValueError:
        return None, 0


# --- where things are ---


def base(account: Account) -> str:
    return f"{account.base_url.rstrip('/') or API}/{VERSION}"


def fetch(account: Account) -> Fetch:
    """Two steps: the id is asked for its address, the address for the bytes; both want the token. The address
    is good for five minutes, so it is never kept."""
    hosts: tuple[str, ...] = ("graph.facebook.com", "lookaside.fbsbx.com")
    if account.base_url and account.base_url.rstrip("/") != API:
        parts = urlsplit(account.base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        hosts = (f"{parts.hostname}:{port}", *hosts)
    return Fetch(hosts, bearer=account.credentials.get("access_token", ""), named=True)


def _time(said: Any) -> datetime | None:
    """Seconds, sometimes milliseconds, as text; nothing when it is neither."""
    if not re.fullmatch(r"[0-9]{1,16}", str(said)):
        return None
    value = int(said)
    return datetime.fromtimestamp(value / 1000 if value > 10**11 else value, UTC)


def _id(one: Item, key: str) -> str:
    value = _text(one, key).strip()
    if not value or len(value) > _MAX_ID:
        raise ValueError(f"{key} is missing or endless")
    return value


def _text(one: Item, key: str) -> str:
    value = one.get(key)
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Item:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Item]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
