"""A CRM connected over the API: the token tried and kept, seen, read, tried again, and taken away; and its webhooks."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from domain.errors import Conflict
from store import crm_links, people
from tests.admin_api.api_rig import Api, Business, is_problem
from tests.crm_rig import Linked, settings
from tests.rig import NOBODY, Desk

Json = dict[str, Any]
MakeDesk = Callable[..., Awaitable[Desk]]


class Office:
    """An admin."""

    def __init__(self, linked: Linked, keys: dict[str, str]) -> None:
        self.linked, self.keys, self.rt = linked, keys, linked.desk.rt

    async def ask(
        self, method: str, path: str = "", body: Json | None = None, who: str = "admin"
    ) -> httpx2.Response:
        url = f"{self.rt.settings.public_url}/api/v1/workspaces/{self.linked.desk.workspace_id}/crm{path}"
        return await self.rt.http.request(method, url, json=body, headers={"X-API-Key": self.keys[who]})

    async def connect(self, **wish: Any) -> httpx2.Response:
        config = self.linked.crm.config
        known = {"location": config.location, "token": next(iter(self.linked.crm.tokens), config.token)}
        return await self.ask("POST", "/connect", known | wish)

    async def shown(self) -> Json:
        answer = await self.ask("GET", who="viewer")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def hook(self, body: Any, signature: str | None = None) -> int:
        return await self.linked.crm.hook(body, signature)


@pytest.fixture
async def office(make_desk: MakeDesk) -> AsyncIterator[Office]:
    desk = await make_desk(**settings())
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        keys = {}
        for role in ("viewer", "agent", "admin"):
            person = await people.add(tx, role, role, f"{role}@cedar.test")
            keys[role] = await people.add_key(tx, role, person)
    linked = Linked(desk)
    linked.crm.forget()
    linked.crm.hook_url = f"{desk.rt.settings.public_url}/hooks/gohighlevel"
    yield Office(linked, keys)
    linked.crm.forget()
    await linked.disconnect()


async def test_connected_seen_tried_read_and_taken_away(office: Office) -> None:
    before = await office.shown()
    assert (before["mapped"], before["link"]) == (True, None)
    answer = await office.connect()
    assert (answer.status_code, "token" in answer.text.replace("fields_missing", "")) == (200, False), (
        answer.text
    )
    await office.linked.customer()
    await office.linked.settle()
    link = (await office.shown())["link"]
    assert (link["state"], link["reason"], link["location"]) == (
        "connected",
        None,
        office.linked.crm.config.location,
    )
    assert link["contacts"] == {"due": 0, "done": 1, "failed": 0, "left": 0}
    assert (link["waiting_since"], link["calls_left_today"] > 1000, link["fields_missing"]) == (
        None,
        True,
        [],
    )
    assert (await office.ask("POST", "/test")).json() == {"ok": True, "reason": None, "fields_missing": []}
    assert (await office.ask("POST", "/sync")).json() == {"links": 1}
    for _ in range(2):
        assert (await office.ask("DELETE")).status_code == 204
    assert (await office.shown())["link"] is None
    verbs = [row.verb for row in await office.linked.desk.rows("select verb from audit order by n")]
    assert [one for one in verbs if one.startswith("crm_")] == ["crm_connected", "crm_disconnected"]
    stored = await office.linked.desk.rows("select credentials from crm_link")
    assert [row.credentials for row in stored] == [None]


async def test_the_token_is_kept_sealed_and_never_shown(office: Office) -> None:
    await office.connect()
    (row,) = await office.linked.desk.rows("select credentials, * from crm_link")
    assert office.linked.crm.config.token not in str(row)
    assert office.linked.crm.config.token not in json.dumps(await office.shown())


@pytest.mark.parametrize(
    ("status", "code", "pointer"),
    [(401, "crm_token_refused", "/token"), (403, "crm_token_lacks_rights", "/token"), (500, "crm_unreachable", ""),
     (429, "crm_unreachable", "")],
)  # fmt: skip
async def test_what_is_not_taken_there_is_not_kept_here(
    office: Office, status: int, code: str, pointer: str
) -> None:
    office.linked.trouble({"kind": "status", "status": status})
    is_problem(await office.connect(), 409, code, *([pointer] if pointer else []))
    assert (await office.shown())["link"] is None


async def test_another_location_only_after_the_first_is_gone(office: Office) -> None:
    await office.connect()
    link = await office.linked.link()
    async with office.rt.db.transaction(office.linked.desk.workspace_id) as tx:
        with pytest.raises(Conflict, match="another account"):
            await crm_links.connect(tx, "another", "pit-other")
        assert (await crm_links.now(tx)) == link


async def test_connected_again_with_a_new_token_it_goes_on(office: Office) -> None:
    await office.connect()
    await office.linked.customer()
    await office.linked.settle()
    first = (await office.shown())["link"]["id"]
    office.linked.crm.tokens = {"pit-another"}
    await office.linked.ai_sets(budget=42)
    await office.linked.write()
    link = (await office.shown())["link"]
    assert (link["state"], link["reason"], link["contacts"]["due"]) == ("revoked", "token_refused", 1)
    assert (await office.ask("POST", "/test")).json()["reason"] == "token_refused"
    assert (await office.connect()).status_code == 200
    await office.linked.settle()
    link = (await office.shown())["link"]
    assert (link["id"], link["state"], link["contacts"]["done"]) == (first, "connected", 1)
    assert office.linked.there.custom["budget"] == 42


async def test_who_failed_is_listed_and_tried_again(office: Office) -> None:
    await office.connect()
    contact_id = await office.linked.customer()
    await office.linked.settle()
    is_problem(await office.ask("POST", f"/contacts/{contact_id}/retry"), 409, "crm_not_failed")
    office.linked.trouble({"kind": "status", "status": 422, "route": "contacts.update"})
    await office.linked.ai_sets(budget=1)
    await office.linked.write()
    (row,) = (await office.ask("GET", "/contacts?state=failed", who="viewer")).json()["items"]
    assert (row["contact_id"], row["reason"]) == (str(contact_id), "422 Something went wrong")
    office.linked.crm.chaos.reset()
    assert (await office.ask("POST", f"/contacts/{contact_id}/retry")).status_code == 204
    await office.linked.settle()
    assert (await office.ask("GET", "/contacts?state=failed")).json()["items"] == []
    assert office.linked.there.custom["budget"] == 1


async def test_what_passed_page_after_page(office: Office) -> None:
    await office.connect()
    contact_id = await office.linked.customer()
    for budget in range(4):
        await office.linked.ai_sets(budget=budget)
        await office.linked.write()
    found, cursor = [], ""
    while True:
        answer = (await office.ask("GET", f"/changes?contact_id={contact_id}&limit=2{cursor}")).json()
        found += answer["items"]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    budgets = [(one["ours"], one["theirs"]) for one in found if one["field"] == "budget"]
    assert budgets == [(3, 2), (2, 1), (1, 0), (0, None)]
    assert {one["outcome"] for one in found} == {"sent"}
    assert (await office.ask("GET", f"/changes?contact_id={NOBODY}")).json()["items"] == []


async def test_who_may(office: Office) -> None:
    for method, path in (("POST", "/connect"), ("POST", "/sync"), ("POST", "/test"), ("DELETE", ""),
                         ("POST", f"/contacts/{NOBODY}/retry")):  # fmt: skip
        is_problem(await office.ask(method, path, {}, who="agent"), 403, "not_permitted")
    for path in ("/test", f"/contacts/{NOBODY}/retry"):
        is_problem(await office.ask("POST", path), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"location": "a b"}, "/location"), ({"token": "short"}, "/token"), ({"token": "ключ-ключ"}, "/token"),
     ({"colour": 1}, "/colour"), ({"location": "x" * 65}, "/location")],
)  # fmt: skip
async def test_what_is_not_taken(office: Office, body: Json, pointer: str) -> None:
    is_problem(await office.connect(**body), 422, "invalid", pointer)


async def test_where_nothing_answers_it_says_so(api: Api, business: Business) -> None:
    wish = {"location": "ve9EPM428h8vShlRW1KT", "token": "pit-simulated"}
    answer = await api.post(business.path("/crm/connect"), json=wish, headers=business.key("admin"))
    is_problem(answer, 409, "crm_unreachable")


# --- what it tells us ---


def told(office: Office, **changes: Any) -> Json:
    return {
        "type": "ContactUpdate", "locationId": office.linked.crm.config.location, "id": "c1", "webhookId": "w1", **changes
    }  # fmt: skip


async def receipts(office: Office) -> list[tuple[str, str]]:
    return [(row.hook_id, row.external_id) for row in await office.linked.rows("crm_receipt")]


async def test_a_webhook_is_written_down_before_it_is_answered(office: Office) -> None:
    await office.connect()
    for _ in range(3):
        assert await office.hook(told(office)) == 200
    assert await office.hook(told(office, webhookId="w2", id="c2")) == 200
    assert await receipts(office) == [("w1", "c1"), ("w2", "c2")]
    link = (await office.shown())["link"]
    assert link["hooked_at"] is not None


async def test_what_is_not_signed_leaves_no_trace(office: Office) -> None:
    await office.connect()
    body = told(office)
    for signature in ("", "nonsense", office.linked.crm.sign(b"another body")):
        assert await office.hook(body, signature) == 403
    assert await receipts(office) == []


async def test_what_is_no_matter_of_ours_is_answered_and_forgotten(office: Office) -> None:
    await office.connect()
    for changes in ({"locationId": "another"}, {"type": "InvoicePaid"}, {"id": None}):
        assert await office.hook(told(office, **changes)) == 200
    assert await receipts(office) == []
    url = f"{office.rt.settings.public_url}/hooks/gohighlevel"
    assert (await office.rt.http.post(url, content=b"x" * 600_000)).status_code == 413
    assert (await office.rt.http.get(url)).status_code == 405


async def test_a_webhook_of_somebody_s_app_changes_nothing_by_itself(office: Office) -> None:
    """It is signed, and says what it likes: only what the CRM itself says of the contact counts."""
    await office.connect()
    contact_id = await office.linked.customer()
    await office.linked.settle()
    name = office.linked.there.id
    assert await office.hook(told(office, id=name, firstName="Mallory", tags=["vip"], dnd=True)) == 200
    assert await office.hook(told(office, id=name, webhookId="w9", type="ContactDelete")) == 200
    await office.linked.settle()
    assert (await office.linked.name(contact_id), await office.linked.tags()) == (None, [])
    assert (await office.linked.desk.consent(), len(office.linked.crm.contacts)) == ("none", 1)
    assert UUID(str(contact_id))
