"""A Google calendar connected over the API, by somebody who consents in their browser; seen, read, taken away."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from runtime.runtime import Runtime
from store import people
from tests.admin_api.api_rig import Api, Business, is_problem
from tests.calendar_rig import BOOKING, TOMORROW, Linked
from tests.rig import NOBODY, Desk

Json = dict[str, Any]
MakeDesk = Callable[..., Awaitable[Desk]]


class Office:
    """An admin at a browser."""

    def __init__(self, linked: Linked, keys: dict[str, str]) -> None:
        self.linked, self.keys = linked, keys
        self.rt: Runtime = linked.desk.rt

    async def ask(
        self, method: str, path: str, body: Json | None = None, who: str = "admin"
    ) -> httpx2.Response:
        url = (
            f"{self.rt.settings.public_url}/api/v1/workspaces/{self.linked.desk.workspace_id}/calendar{path}"
        )
        return await self.rt.http.request(method, url, json=body, headers={"X-API-Key": self.keys[who]})

    async def connect(self, **wish: Any) -> httpx2.Response:
        """All the way: asked here, consented there, and back."""
        answer = await self.ask("POST", "/google/connect", {"calendar": self.linked.account, **wish})
        assert answer.status_code == 200, answer.text
        return await self.follow(answer.json()["url"])

    async def follow(self, url: str) -> httpx2.Response:
        there = await self.rt.http.get(url)
        return await self.rt.http.get(there.headers["location"])

    async def shown(self) -> Json:
        answer = await self.ask("GET", "", who="viewer")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def office(make_desk: MakeDesk) -> AsyncIterator[Office]:
    desk = await make_desk(skills=BOOKING)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        keys = {}
        for role in ("viewer", "agent", "admin"):
            person = await people.add(tx, role, role, f"{role}@cedar.test")
            keys[role] = await people.add_key(tx, role, person)
    linked = Linked(desk, f"owner-{uuid4().hex[:8]}@example.com")
    yield Office(linked, keys)
    linked.google.chaos.reset()
    assert desk.rt.calendars is not None
    await desk.rt.calendars.close()


async def test_connected_seen_read_and_taken_away(office: Office) -> None:
    assert await office.shown() == {"google": True, "links": []}
    page = await office.connect(tells="name")
    assert (page.status_code, "is connected" in page.text) == (200, True)
    assert page.headers["referrer-policy"] == "no-referrer"
    await office.linked.book()
    await office.linked.settle()
    (link,) = (await office.shown())["links"]
    assert (link["staff"], link["tells"], link["state"], link["reason"]) == (None, "name", "connected", None)
    assert link["events"] == {"due": 0, "done": 1, "failed": 0}
    assert link["synced_at"]
    assert link["pushed_until"]
    assert office.linked.ours()[0]["summary"] == "whitening · Ann Lee"
    assert (await office.ask("POST", "/sync")).json() == {"links": 1}
    for _ in range(2):
        assert (await office.ask("DELETE", f"/links/{link['id']}")).status_code == 204
    assert (await office.shown())["links"] == []
    assert all(
        grant.revoked
        for grant in office.linked.google.grants.values()
        if grant.account == office.linked.account
    )
    verbs = [row.verb for row in await office.linked.desk.rows("select verb from audit order by n")]
    assert [one for one in verbs if one.startswith("calendar_")] == [
        "calendar_connected",
        "calendar_disconnected",
    ]


async def test_a_consent_is_good_once_and_not_for_long(office: Office) -> None:
    asked = await office.ask("POST", "/google/connect", {"calendar": office.linked.account})
    there = await office.rt.http.get(asked.json()["url"])
    back = there.headers["location"]
    first, second = await office.rt.http.get(back), await office.rt.http.get(back)
    assert (first.status_code, second.status_code) == (200, 400)
    late = await office.ask("POST", "/google/connect", {"calendar": office.linked.account})
    office.linked.desk.wait(minutes=16)
    assert (await office.follow(late.json()["url"])).status_code == 400
    for state in ("", "x", f"{NOBODY}.x", f"{office.linked.desk.workspace_id}.x"):
        url = f"{office.rt.settings.public_url}/calendars/google/callback?code=1&state={state}"
        assert (await office.rt.http.get(url)).status_code == 400, state
    assert len((await office.shown())["links"]) == 1


async def test_who_says_no_or_unticks_the_box_connects_nothing(office: Office) -> None:
    asked = (await office.ask("POST", "/google/connect", {"calendar": office.linked.account})).json()["url"]
    state = httpx2.URL(asked).params["state"]
    no = f"{office.rt.settings.public_url}/calendars/google/callback?error=access_denied&state={state}"
    answer = await office.rt.http.get(no)
    assert (answer.status_code, "did not allow" in answer.text) == (400, True)
    asked = (await office.ask("POST", "/google/connect", {"calendar": office.linked.account})).json()["url"]
    unticked = httpx2.URL(asked).copy_set_param("scope", "openid")
    answer = await office.follow(str(unticked))
    assert (answer.status_code, "box ticked" in answer.text) == (400, True)
    office.linked.google.chaos.load([{"kind": "html_error", "route": "oauth.token"}])
    assert (await office.connect()).status_code == 502
    assert (await office.shown())["links"] == []


async def test_connected_again_after_the_consent_was_taken_back(office: Office) -> None:
    await office.connect()
    await office.linked.settle()
    office.linked.google.revoke(office.linked.account)
    office.linked.google.expire_access()
    await office.linked.book(TOMORROW)
    await office.linked.write()
    (link,) = (await office.shown())["links"]
    assert (link["state"], link["reason"], link["events"]["due"]) == ("revoked", "consent_revoked", 1)
    await office.connect()
    await office.linked.settle()
    (again,) = (await office.shown())["links"]
    assert (again["id"], again["state"], again["events"]["done"]) == (link["id"], "connected", 1)


async def test_another_calendar_only_after_the_first_is_gone(office: Office) -> None:
    await office.connect()
    answer = await office.ask("POST", "/google/connect", {"calendar": "another@example.com"})
    is_problem(answer, 409, "calendar_connected", "/calendar")
    kim = await office.ask("POST", "/google/connect", {"calendar": "kim@example.com", "staff": "Kim"})
    assert kim.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"staff": "Max"}, "/staff"), ({"calendar": ""}, "/calendar"), ({"calendar": "a b"}, "/calendar"),
     ({"tells": "all"}, "/tells"), ({"colour": 1}, "/colour"), ({"calendar": "x" * 301}, "/calendar")],
)  # fmt: skip
async def test_what_is_not_taken(office: Office, body: Json, pointer: str) -> None:
    is_problem(await office.ask("POST", "/google/connect", body), 422, "invalid", pointer)


async def test_who_may(office: Office) -> None:
    for method, path in (("POST", "/google/connect"), ("POST", "/sync"), ("DELETE", f"/links/{NOBODY}")):
        is_problem(await office.ask(method, path, {}, who="agent"), 403, "not_permitted")
    is_problem(await office.ask("DELETE", f"/links/{NOBODY}"), 404, "not_found")


async def test_without_an_oauth_client_it_says_what_to_set(api: Api, business: Business) -> None:
    answer = await api.post(business.path("/calendar/google/connect"), json={}, headers=business.key("admin"))
    problem = is_problem(answer, 409, "google_not_set_up")
    assert "GOOGLE_CLIENT_ID" in problem["detail"]
    assert (await api.get(business.path("/calendar"), headers=business.key())).json() == {
        "google": False,
        "links": [],
    }
