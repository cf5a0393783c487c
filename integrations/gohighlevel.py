"""GoHighLevel's API v2 for one location: contacts, tags, notes and whether they may be written to.

https://marketplace.gohighlevel.com/docs/ghl/contacts/contacts-api. A token of a private integration, plain HTTP. There is
no key by which a call made twice would be one: whoever calls looks first.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2

from integrations.gohighlevel_answers import (
    CHANNELS,
    CUSTOM,
    Changed,
    CrmFailed,
    Fault,
    There,
    is_stopped,
    kept,
    maybe_moment,
    moment,
    needed,
    refused,
)
from integrations.pace import Pace

Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)

VERSION = "2021-07-28"
PER_PAGE = 100
MOST_PAGES = 50


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
        return needed(said.get("note"), "id")

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
            found += [Changed(needed(one, "id"), moment(one.get("dateUpdated"))) for one in rows]
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
            body["dndSettings"] = {one: {"status": status, "message": said} for one in CHANNELS}
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
            if isinstance(one, str | int | float) and (value := kept(one)) is not None
        }
        for one in contact.get("customFields") or ():
            if isinstance(one, dict) and one.get("id") in names:
                value = one.get("value", one.get("field_value", one.get("fieldValue")))
                if (value := kept(value)) is not None:
                    fields[f"{CUSTOM}{names[one['id']]}"] = value
        if "name" not in fields:
            whole = " ".join(str(contact.get(part) or "") for part in ("firstName", "lastName")).strip()
            fields |= {"name": whole} if whole else {}
        tags = contact.get("tags")
        return There(
            needed(contact, "id"), fields, tuple(str(one) for one in tags) if isinstance(tags, list) else (),
            is_stopped(contact), maybe_moment(contact.get("dateUpdated")),
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
            raise refused(reply, self.pace)
        try:
            said = reply.json()
        except ValueError:
            raise CrmFailed(Fault.AWAY, "no JSON") from None
        if not isinstance(said, dict):
            raise CrmFailed(Fault.AWAY, "no object")
        return said


def _given(value: Any) -> Any:
    return "" if value is None else value


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _part(value: str) -> str:
    return quote(value, safe="")
