"""GoHighLevel's API v2 for one location: contacts, tags, notes and whether they may be written to; and whether a webhook
is theirs.

https://marketplace.gohighlevel.com/docs/ghl/contacts/contacts-api, /docs/webhook/WebhookIntegrationGuide. A token of a
private integration, plain HTTP. There is no key by which a call made twice would be one: whoever calls looks first.
"""

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from domain.errors import BadSignature, FrontdeskError
from integrations.pace import Pace

Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)

VERSION = "2021-07-28"
PER_PAGE = 100
MOST_PAGES = 50
CUSTOM = "custom."
_OUT = frozenset({"active", "permanent"})
_CHANNELS = ("SMS", "WhatsApp")
_WORDS = re.compile(r"[\w .,:'()-]{1,120}")


class Fault(StrEnum):
    REVOKED = "revoked"  # the token is not taken: only a person can give another
    FORBIDDEN = "forbidden"  # it lacks a scope, or is another location's
    MISSING = "missing"  # there is no such contact
    BUSY = "busy"  # too many calls in these seconds
    SPENT = "daily_limit"  # too many calls today
    AWAY = "away"  # no answer, or none that can be used: nobody knows what became of it
    BAD = "refused"  # they do not take what we send


class CrmFailed(FrontdeskError):
    """GoHighLevel gave no answer that can be used; `detail` is its own words where those are no customer's, `after_s` how
    long it wants to be left alone."""

    def __init__(self, fault: Fault, detail: str = "", after_s: float = 0.0) -> None:
        super().__init__(f"GoHighLevel: {fault}{f' ({detail})' if detail else ''}")
        self.fault, self.detail, self.code, self.after_s = fault, detail[:120], fault.value, after_s


@dataclass(frozen=True, slots=True)
class There:
    """A contact as far as it concerns us. `fields` by name, a custom one as `custom.KEY`; "" and [] are None."""

    id: str
    fields: Mapping[str, Any] = field(repr=False)
    tags: tuple[str, ...]
    stopped: bool
    """Text messages or WhatsApp must not be sent to them."""
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Changed:
    id: str
    updated_at: datetime


class GoHighLevel:
    """One location by one token."""

    def __init__(self, http: Http, url: str, location: str, token: str, pace: Pace) -> None:
        self._http, self._url, self._location, self._token = http, url.rstrip("/"), location, token
        self.pace = pace
        self._keys: dict[str, str] | None = None

    async def test(self) -> None:
        """Whether the token is taken and may read contacts. Raise CrmFailed."""
        await self._search({"pageLimit": 1, "page": 1})

    async def custom_fields(self, *, anew: bool = False) -> Mapping[str, str]:
        """key → id, of the contacts' custom fields. Raise CrmFailed."""
        if self._keys is None or anew:
            said = await self._ask("GET", f"/locations/{_part(self._location)}/customFields?model=contact")
            rows = said.get("customFields")
            if not isinstance(rows, list):
                raise CrmFailed(Fault.AWAY, "no customFields")
            self._keys = {
                str(one.get("fieldKey", "")).removeprefix("contact."): str(one["id"])
                for one in rows
                if isinstance(one, dict) and one.get("id") and one.get("fieldKey")
            }
        return self._keys

    async def find(self, phone: str | None, email: str | None) -> There | None:
        """Whoever there has this number, else this e-mail. Raise CrmFailed."""
        for name, value in (("number", phone), ("email", email)):
            if value is None:
                continue
            asked = f"locationId={_part(self._location)}&{name}={_part(value)}"
            said = await self._ask("GET", f"/contacts/search/duplicate?{asked}")
            if isinstance(said.get("contact"), dict):
                return await self._there(said["contact"])
        return None

    async def get(self, contact_id: str) -> There:
        """Raise CrmFailed: MISSING."""
        return await self._contact(await self._ask("GET", f"/contacts/{_part(contact_id)}"))

    async def upsert(self, fields: Mapping[str, Any], stop: bool | None = None) -> There:
        """Whoever there has this number or e-mail, with these fields; else somebody new. Raise CrmFailed."""
        body = {"locationId": self._location, **await self._body(fields, stop)}
        return await self._contact(await self._ask("POST", "/contacts/upsert", body))

    async def update(self, contact_id: str, fields: Mapping[str, Any], stop: bool | None = None) -> There:
        """These fields and no others. Raise CrmFailed: MISSING."""
        return await self._contact(
            await self._ask("PUT", f"/contacts/{_part(contact_id)}", await self._body(fields, stop))
        )

    async def delete(self, contact_id: str) -> None:
        """One that is not there (any more) is as good as deleted. Raise CrmFailed."""
        try:
            await self._ask("DELETE", f"/contacts/{_part(contact_id)}")
        except CrmFailed as error:
            if error.fault is not Fault.MISSING:
                raise

    async def add_tags(self, contact_id: str, tags: Collection[str]) -> None:
        await self._ask("POST", f"/contacts/{_part(contact_id)}/tags", {"tags": list(tags)})

    async def remove_tags(self, contact_id: str, tags: Collection[str]) -> None:
        await self._ask("DELETE", f"/contacts/{_part(contact_id)}/tags", {"tags": list(tags)})

    async def notes(self, contact_id: str) -> list[tuple[str, str]]:
        """(id, words). Raise CrmFailed: MISSING."""
        said = await self._ask("GET", f"/contacts/{_part(contact_id)}/notes")
        rows = said.get("notes")
        if not isinstance(rows, list):
            raise CrmFailed(Fault.AWAY, "no notes")
        return [(str(one.get("id", "")), str(one.get("body", ""))) for one in rows if isinstance(one, dict)]

    async def add_note(self, contact_id: str, words: str) -> str:
        """Its id. Raise CrmFailed."""
        said = await self._ask("POST", f"/contacts/{_part(contact_id)}/notes", {"body": words})
        return _needed(said.get("note"), "id")

    async def put_note(self, contact_id: str, note_id: str, words: str) -> None:
        """Other words for it. Raise CrmFailed: MISSING."""
        await self._ask("PUT", f"/contacts/{_part(contact_id)}/notes/{_part(note_id)}", {"body": words})

    async def changed(self, since: datetime) -> Sequence[Changed]:
        """Who was changed at or after this moment, oldest first. Raise CrmFailed."""
        found: list[Changed] = []
        place: Any = None
        for _ in range(MOST_PAGES):
            asked: dict[str, Any] = {
                "pageLimit": PER_PAGE,
                "filters": [{"field": "dateUpdated", "operator": "range", "value": {"gte": _text(since)}}],
                "sort": [{"field": "dateUpdated", "direction": "asc"}],
            }  # fmt: skip
            rows = await self._search(asked | ({"page": 1} if place is None else {"searchAfter": place}))
            found += [Changed(_needed(one, "id"), _moment(one.get("dateUpdated"))) for one in rows]
            place = rows[-1].get("searchAfter") if rows else None
            if len(rows) < PER_PAGE or not place:
                break
        return found  # what is beyond comes with the next reading, which begins where this ends

    async def _search(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        said = await self._ask("POST", "/contacts/search", {"locationId": self._location, **asked})
        rows = said.get("contacts")
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise CrmFailed(Fault.AWAY, "no contacts")
        return rows

    async def _body(self, fields: Mapping[str, Any], stop: bool | None) -> dict[str, Any]:
        body = {name: _given(value) for name, value in fields.items() if not name.startswith(CUSTOM)}
        custom = {name: value for name, value in fields.items() if name.startswith(CUSTOM)}
        if custom:
            ids = await self.custom_fields()
            body["customFields"] = [
                {"id": ids[name.removeprefix(CUSTOM)], "field_value": _given(value)}
                for name, value in custom.items()
                if name.removeprefix(CUSTOM) in ids
            ]
        if stop is not None:
            status, said = ("active", "they said STOP") if stop else ("inactive", "they said START")
            body["dndSettings"] = {one: {"status": status, "message": said} for one in _CHANNELS}
        return body

    async def _contact(self, said: Mapping[str, Any]) -> There:
        contact = said.get("contact")
        if not isinstance(contact, dict):
            raise CrmFailed(Fault.AWAY, "no contact")
        return await self._there(contact)

    async def _there(self, contact: Mapping[str, Any]) -> There:
        names = {number: key for key, number in (await self.custom_fields()).items()}
        fields = {
            name: value
            for name, one in contact.items()
            if isinstance(one, str | int | float) and (value := _kept(one)) is not None
        }
        for one in contact.get("customFields") or ():
            if isinstance(one, dict) and one.get("id") in names:
                value = one.get("value", one.get("field_value", one.get("fieldValue")))
                if (value := _kept(value)) is not None:
                    fields[f"{CUSTOM}{names[one['id']]}"] = value
        if "name" not in fields:
            whole = " ".join(str(contact.get(part) or "") for part in ("firstName", "lastName")).strip()
            fields |= {"name": whole} if whole else {}
        tags = contact.get("tags")
        return There(
            _needed(contact, "id"), fields, tuple(str(one) for one in tags) if isinstance(tags, list) else (),
            _is_stopped(contact), _maybe_moment(contact.get("dateUpdated")),
        )  # fmt: skip

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Once: what is busy is asked again by whoever drives the contact."""
        headers = {"Authorization": f"Bearer {self._token}", "Version": VERSION, "Accept": "application/json"}
        try:
            async with self.pace.call():
                reply = await self._http.request(method, f"{self._url}{path}", json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise CrmFailed(Fault.AWAY, type(error).__name__) from None
        self.pace.heard(reply.headers)
        if not reply.is_success:
            raise _refused(reply, self.pace)
        try:
            said = reply.json()
        except ValueError:
            raise CrmFailed(Fault.AWAY, "no JSON") from None
        if not isinstance(said, dict):
            raise CrmFailed(Fault.AWAY, "no object")
        return said


def _refused(reply: httpx2.Response, pace: Pace) -> CrmFailed:
    status = reply.status_code
    if status == 429:
        fault = Fault.SPENT if pace.daily_left == 0 else Fault.BUSY
        return CrmFailed(fault, "429", _seconds(reply.headers.get("retry-after")))
    known = {401: Fault.REVOKED, 403: Fault.FORBIDDEN, 404: Fault.MISSING}
    if status in (400, 409, 422):
        said = _said(reply)
        missing = status == 400 and "not found" in said.lower()
        return CrmFailed(Fault.MISSING if missing else Fault.BAD, f"{status} {said}".strip())
    return CrmFailed(known.get(status, Fault.AWAY), str(status))


def _said(reply: httpx2.Response) -> str:
    """Its own words, unless they may hold a customer's: it repeats values in quotes, and numbers."""
    try:
        message = reply.json().get("message")
    except (ValueError, AttributeError):
        return ""
    words = "; ".join(map(str, message)) if isinstance(message, list) else str(message or "")
    return words[:120] if _WORDS.fullmatch(words[:120]) and not re.search(r"\d{4}|@", words) else ""


def _seconds(said: str | None) -> float:
    try:
        return min(max(float(said or 0), 0.0), 3600.0)
    except ValueError:
        return 0.0


def _is_stopped(contact: Mapping[str, Any]) -> bool:
    if contact.get("dnd") is True:
        return True
    settings = contact.get("dndSettings")
    if not isinstance(settings, dict):
        return False
    return any(
        isinstance(one := settings.get(channel), dict) and one.get("status") in _OUT for channel in _CHANNELS
    )


def _kept(value: Any) -> Any:
    if isinstance(value, list):
        return [str(one) for one in value] or None
    if isinstance(value, str):
        return value.strip() or None
    return value if isinstance(value, int | float) else None


def _given(value: Any) -> Any:
    return "" if value is None else value


def _needed(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, str) or not value:
        raise CrmFailed(Fault.AWAY, f"no {name}")
    return value


def _moment(said: Any) -> datetime:
    found = _maybe_moment(said)
    if found is None:
        raise CrmFailed(Fault.AWAY, "a time that is none")
    return found


def _maybe_moment(said: Any) -> datetime | None:
    try:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return datetime.fromtimestamp(said / 1000, UTC)
        found = datetime.fromisoformat(str(said))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _part(value: str) -> str:
    return quote(value, safe="")


# --- what it tells us by itself ---


@dataclass(frozen=True, slots=True)
class Hook:
    """Something happened to a contact. It names whom to look at; what it says of them is not believed."""

    id: str
    kind: str
    location: str
    contact: str


KINDS = frozenset({"ContactCreate", "ContactUpdate", "ContactDelete", "ContactTagUpdate", "ContactDndUpdate"})


def public_keys(said: str) -> tuple[Ed25519PublicKey, ...]:
    """Base64 of SubjectPublicKeyInfo, comma-separated. Raise ValueError."""
    found = []
    for one in said.replace(",", " ").split():
        try:
            key = load_der_public_key(base64.b64decode(one, validate=True))
        except (ValueError, binascii.Error):
            raise ValueError(f"{one[:12]}… is no public key") from None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"{one[:12]}… is no Ed25519 key")
        found.append(key)
    return tuple(found)


def verify(keys: Collection[Ed25519PublicKey], signature: str, body: bytes) -> Hook | None:
    """What happened; None for what is signed and no matter of ours. Raise BadSignature. The older X-WH-Signature (RSA) is
    not asked for: GoHighLevel has ended it in 2026."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        raise BadSignature from None
    if not any(_fits(key, raw, body) for key in keys):
        raise BadSignature
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("type") not in KINDS:
        return None
    contact, location = said.get("contactId") or said.get("id"), said.get("locationId")
    hook = said.get("webhookId") or f"{said['type']} {contact} {said.get('timestamp', '')}"
    if not all(isinstance(one, str) and 0 < len(one) <= 200 for one in (contact, location, hook)):
        return None
    return Hook(str(hook), str(said["type"]), str(location), str(contact))


def _fits(key: Ed25519PublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body)
    except InvalidSignature:
        return False
    return True
