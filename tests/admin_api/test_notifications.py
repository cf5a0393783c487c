"""What people are told, by what really happened; read, preferred, and nobody else's."""

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import admin_api.app
from frontdesk.stories.stage import Stage
from store import notifications, people
from store.notifications import Kind
from tests.admin_api.api_rig import Api, Business, is_problem
from tests.rig import QUESTION, Desk


class Colleague:
    """Somebody who works at the desk's business."""

    def __init__(self, api: Api, desk: Desk, key: str) -> None:
        self.api, self.base = api, f"/api/v1/workspaces/{desk.workspace_id}"
        self.headers = {"X-API-Key": key}

    async def told(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.api.get(f"{self.base}/notifications", headers=self.headers, params=query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def unread(self) -> int:
        answer = await self.api.get(f"{self.base}/notifications/unread", headers=self.headers)
        return int(answer.json()["unread"])

    async def ask(self, method: str, rest: str, body: Any = None) -> httpx2.Response:
        return await self.api.request(method, self.base + rest, headers=self.headers, json=body)


@pytest.fixture
async def api_here(stage: Stage) -> Any:
    app = Starlette(routes=[Mount("/api/v1", admin_api.app.create(stage.rt, per_minute=1_000_000))])
    async with Api(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:
        yield client


async def hire(api: Api, desk: Desk, role: str = "agent") -> Colleague:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        person = await people.add(tx, role, role.title(), f"{role}@cedar.test")
        return Colleague(api, desk, await people.add_key(tx, "notified", person))


async def test_a_hand_off_is_told_until_somebody_takes_it(api_here: Api, desk: Desk) -> None:
    agent, viewer = await hire(api_here, desk), await hire(api_here, desk, "viewer")
    await desk.text("I want to talk to a person")
    await desk.settle()
    (one,) = await agent.told()
    conversation = await desk.conversation()
    assert (one["kind"], one["reason"], one["conversation_id"]) == (
        "handoff",
        "want_human",
        str(conversation.id),
    )
    assert (one["read_at"], await agent.unread(), await viewer.told()) == (None, 1, [])
    await desk.person_writes("Olive here")
    assert (await agent.unread(), await agent.told(unread="true")) == (0, [])


async def test_a_draft_is_told_until_it_is_decided(api_here: Api, make_desk: Any) -> None:
    desk = await make_desk(policy={"default": "draft"})
    agent = await hire(api_here, desk)
    await desk.text(QUESTION)
    await desk.settle()
    (one,) = await agent.told()
    assert one["kind"] == "draft"
    await desk.text("And on Sunday?")
    await desk.settle()
    told = sorted((two["kind"], two["read_at"] is None) for two in await agent.told())
    assert told == [("draft", False), ("draft", True)]
    (draft,) = await agent.told(unread="true")
    assert (await agent.ask("POST", f"/drafts/{draft['subject_id']}/reject", {})).status_code == 200
    assert await agent.unread() == 0


async def test_a_draft_that_nobody_decided(api_here: Api, make_desk: Any) -> None:
    desk = await make_desk(policy={"default": "draft", "draft_expires": "1h"})
    agent = await hire(api_here, desk)
    await desk.text(QUESTION)
    await desk.settle()
    desk.wait(hours=2)
    await desk.settle()
    assert [one["kind"] for one in await agent.told(unread="true")] == ["draft_expired"]


async def test_what_does_not_arrive(api_here: Api, desk: Desk) -> None:
    agent = await hire(api_here, desk)
    desk.trouble({"kind": "fail_with", "code": 30005})
    await desk.text(QUESTION)
    await desk.settle()
    failed = [one for one in await agent.told() if one["kind"] == "delivery_failed"]
    assert [one["reason"] for one in failed] == ["30005"]


@pytest.mark.parametrize("kind", Kind)
async def test_whatever_is_told_can_be_read_and_preferred(api_here: Api, desk: Desk, kind: Kind) -> None:
    agent = await hire(api_here, desk)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await notifications.add(tx, kind, subject_id=desk.channel_id, reason="something")
    assert [one["kind"] for one in await agent.told()] == [kind.value]
    wishes = await agent.ask("PATCH", "/notification-preferences", {kind.value: {"in_app": False}})
    assert wishes.json()[kind.value] == {"in_app": False}


async def test_read_and_preferred(api_here: Api, desk: Desk) -> None:
    agent, owner = await hire(api_here, desk), await hire(api_here, desk, "owner")
    await desk.text("I want to talk to a person")
    await desk.settle()
    (one,), (theirs,) = await agent.told(), await owner.told()
    is_problem(await agent.ask("POST", f"/notifications/{theirs['id']}/read"), 404, "not_found")
    for _ in range(2):
        assert (await agent.ask("POST", f"/notifications/{one['id']}/read")).json()["read_at"]
    assert (await agent.unread(), await owner.unread()) == (0, 1)
    assert (await owner.ask("POST", "/notifications/read", {"until": "2020-01-01T00:00:00Z"})).json() == {
        "unread": 1
    }
    assert (await owner.ask("POST", "/notifications/read")).json() == {"unread": 0}
    wishes = await agent.ask("PATCH", "/notification-preferences", {"handoff": {"in_app": False}})
    assert (wishes.json()["handoff"], wishes.json()["draft"]) == ({"in_app": False}, {"in_app": True})
    assert (await agent.ask("GET", "/notification-preferences")).json() == wishes.json()
    other = desk.handset[:-1] + "0" if desk.handset[-1] != "0" else desk.handset[:-1] + "1"
    await desk.text("I want to talk to a person", handset=other)
    await desk.settle()
    assert (await agent.unread(), await owner.unread()) == (0, 1)


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"nonsense": {"in_app": True}}, "/nonsense"),
        ({"draft": {"sms": True}}, "/draft/in_app"),
        ({"draft": True}, "/draft"),
    ],
)
async def test_preferences_that_are_none(api: Api, business: Business, wish: Any, pointer: str) -> None:
    answer = await api.patch(business.path("/notification-preferences"), headers=business.key(), json=wish)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_key_of_nobody_is_told_nothing(api: Api, business: Business) -> None:
    answer = await api.get(business.path("/notifications"), headers=business.key("program"))
    is_problem(answer, 403, "not_permitted")
