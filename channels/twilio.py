"""What every webhook of Twilio's messaging has in common: signature, fields, statuses, keywords, media."""

import base64
import hmac
import re
from collections.abc import Iterator, Sequence
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID

import phonenumbers

from channels.base import Account, Ack, Fetch, Hook
from channels.forms import clean
from channels.twilio_errors import OPTED_OUT, disposition
from domain.errors import BadPayload, BadSignature
from domain.messages import DeliveryState, Keyword, Media, Status

ACK = Ack("<Response/>", "text/xml")
API = "https://api.twilio.com"
MAX_MEDIA = 10

STATES: dict[str, DeliveryState] = {
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.ACCEPTED,
    "queued": DeliveryState.ACCEPTED,
    "sending": DeliveryState.ACCEPTED,
    "sent": DeliveryState.SENT,
    "partially_delivered": DeliveryState.SENT,  # not to all: more may come
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "undelivered": DeliveryState.FAILED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.CANCELLED,
    "receiving": DeliveryState.ACCEPTED,  # states of incoming messages: say no more than that Twilio has it
    "received": DeliveryState.ACCEPTED,
}

# Twilio answers these one-word messages itself unless Advanced Opt-Out is on. YES is one of its START words,
# but also an ordinary answer: it counts only when OptOutType says so.
_KEYWORDS = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), Keyword.STOP
    ),
    **dict.fromkeys(("START", "UNSTOP"), Keyword.START),
    **dict.fromkeys(("HELP", "INFO"), Keyword.HELP),
}
_OPT_OUT_TYPES = {"STOP": Keyword.STOP, "START": Keyword.START, "HELP": Keyword.HELP}
_SIDS = ("MessageSid", "SmsSid", "SmsMessageSid")
_SIGNS_OF_A_MESSAGE = (*_SIDS, "SmsStatus", "MessageStatus")
_MAX_ID = 64
_NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")


# --- signature: https://www.twilio.com/docs/usage/security ---


def check_signature(account: Account, hook: Hook) -> None:
    """Raise BadSignature unless Twilio signed exactly this, for this account."""
    token, sid = account.credentials.get("auth_token", ""), account.credentials.get("account_sid", "")
    given = hook.headers.get("x-twilio-signature", "").encode("utf-8", "replace")
    if not token or not given or any(v != sid for k, v in hook.form if k == "AccountSid"):
        raise BadSignature
    if not hook.form and not _body_is_hashed(hook):
        raise BadSignature
    if not any(hmac.compare_digest(_sign(token, url, hook.form), given) for url in _spellings(hook.url)):
        raise BadSignature


def _sign(token: str, url: str, form: Sequence[tuple[str, str]]) -> bytes:
    signed = url + "".join(key + value for key, value in sorted(set(form)))
    digest = hmac.new(token.encode("utf-8", "replace"), signed.encode("utf-8", "surrogatepass"), sha1)
    return base64.b64encode(digest.digest())


def _spellings(url: str) -> Iterator[str]:
    """As called, without the port, with it: Twilio is not of one mind about which of them it signs."""
    yield url
    parts = re.fullmatch(r"(https?)://([^/?#:]*)(:\d+)?((?:[/?#].*)?)", url, re.DOTALL)
    if parts:
        scheme, host, port, rest = parts.groups()
        yield f"{scheme}://{host}{rest}"
        yield f"{scheme}://{host}{port or (':443' if scheme == 'https' else ':80')}{rest}"


def _body_is_hashed(hook: Hook) -> bool:
    """A body that is no form is signed through its hash in the query; without a body there is nothing to
    hash."""
    hashes = [value for key, value in hook.query if key == "bodySHA256"]
    if not hashes:
        return not hook.body
    return hmac.compare_digest(
        sha256(hook.body).hexdigest().encode(), hashes[0].encode("utf-8", "surrogatepass")
    )


# --- fields: https://www.twilio.com/docs/messaging/guides/webhook-request ---


def fields(hook: Hook) -> dict[str, str]:
    """The first value of every key, storable. A key that Twilio added yesterday is no error."""
    return {clean(key): clean(value) for key, value in reversed(hook.form)}


def is_message_event(form: dict[str, str]) -> bool:
    """Calls, conversations and whatever comes next are other people's events."""
    return "EventType" not in form and any(key in form for key in _SIGNS_OF_A_MESSAGE)


def is_status(form: dict[str, str]) -> bool:
    """A report carries a state in both names; a message says SmsStatus=received."""
    return bool(_state(form)) and form.get("SmsStatus", "").strip().lower() != "received"


def _state(form: dict[str, str]) -> str:
    return (form.get("MessageStatus") or form.get("SmsStatus") or "").strip().lower()


def sid(form: dict[str, str]) -> str:
    return next((_id(form, key) for key in _SIDS if form.get(key, "").strip()), "") or required(
        form, "MessageSid"
    )


def required(form: dict[str, str], key: str) -> str:
    """An identifier that Twilio always sends, and that must not grow without bound."""
    if not (value := _id(form, key)):
        raise BadPayload(f"{key} is missing")
    return value


def _id(form: dict[str, str], key: str) -> str:
    value = form.get(key, "").strip()
    if len(value) > _MAX_ID:
        raise BadPayload(f"{key} is too long")
    return value


def statuses(form: dict[str, str], query: Sequence[tuple[str, str]]) -> list[Status]:
    """The report, or [] for a state that Twilio does not document. Our own id rides in the query: a report
    can overtake the answer to the request."""
    provider_id, raw = sid(form), _state(form)
    if raw not in STATES:
        return []
    code = form.get("ErrorCode", "").strip()[:_MAX_ID]
    ours, part = _ride_along(query)
    known = code if code.strip("0") else None
    verdict = disposition(known) if STATES[raw] is DeliveryState.FAILED else None
    opted_out = known in OPTED_OUT
    return [Status(provider_id, STATES[raw], raw, known, ours, part, verdict, opted_out)]


def _ride_along(query: Sequence[tuple[str, str]]) -> tuple[UUID | None, int]:
    values = dict(reversed(query))
    part = values.get("p", "")
    try:
        ours = UUID(values.get("m", ""))
    except ValueError:
        return None, 0
    return ours, int(part) if re.fullmatch(r"[0-9]{1,4}", part) else 0


def as_webhook(row: dict[str, Any], media: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A message of Twilio's list in the words of the webhook that would have brought it."""
    form = {
        "MessageSid": row.get("sid"),
        "From": row.get("from"),
        "To": row.get("to"),
        "Body": row.get("body"),
    }
    form["MessagingServiceSid"] = row.get("messaging_service_sid")
    for n, (url, kind) in enumerate(media):
        form |= {f"MediaUrl{n}": url, f"MediaContentType{n}": kind}
    return {key: clean(str(value or "")) for key, value in form.items()}


def keyword(form: dict[str, str], text: str) -> Keyword | None:
    """What Twilio recognised, and answered itself."""
    told = form.get("OptOutType", "").strip().upper()
    return _OPT_OUT_TYPES.get(told) or _KEYWORDS.get(text.strip().upper())


def media(form: dict[str, str]) -> tuple[Media, ...]:
    return tuple(
        Media(url, form.get(f"MediaContentType{n}", "").strip() or "application/octet-stream")
        for n in range(MAX_MEDIA)
        if (url := form.get(f"MediaUrl{n}", "").strip())
    )


def words(form: dict[str, str]) -> str:
    """The body. Some carriers hand over a concatenated message as base64 (seen in the field, documented
    nowhere): unwrapped only when it is long, without a space, and becomes readable words."""
    body = form.get("Body", "")
    packed = body.replace("\r", "").replace("\n", "")
    if len(packed) < 60 or len(packed) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", packed):
        return body
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except ValueError:
        return body
    readable = " " in text and all(c.isprintable() or c in "\r\n\t" for c in text)
    return text if readable else body


def number(raw: str) -> str:
    """E.164 where it is a telephone number; short codes and alphanumeric senders as they are."""
    raw = raw.strip()
    if _NORTH_AMERICAN.fullmatch(raw):
        return raw  # as it comes nearly always; phonenumbers would say the same, slower
    if not re.fullmatch(r"\+?[0-9 ().-]+", raw):
        return raw
    digits = re.sub(r"[^0-9]", "", raw)
    if not raw.startswith("+") and len(digits) <= 8:
        return digits
    try:  # a "+" that was not escaped arrives as a space
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return raw
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def fetch(account: Account) -> Fetch:
    """Media wants the account's credentials at Twilio's own door and none at the store it redirects to."""
    hosts: tuple[str, ...] = ("api.twilio.com", "*.twilio.com", "media.twiliocdn.com", "*.twiliocdn.com")
    override = re.fullmatch(r"(https?)://([^/?#@:]+)(:\d+)?(?:[/?#].*)?", account.base_url)
    if override and account.base_url.rstrip("/") != API:
        scheme, host, port = override.groups()
        at = port or (":443" if scheme == "https" else ":80")
        alike = (f"localhost{at}",) if host == "127.0.0.1" else ()  # where a simulator's media is stored
        hosts = (f"{host.lower()}{at}", *alike, *hosts)
    credentials = account.credentials
    return Fetch(hosts, (credentials.get("account_sid", ""), credentials.get("auth_token", "")))
